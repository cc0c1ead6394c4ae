# SPDX-License-Identifier: Apache-2.0
"""The recordings of MAAS that its emulator answers from."""

import functools
import json
import pathlib
import re
from typing import Any

# What stands in for the address in a description.
ORIGIN = 'https://origin.invalid'
# The releases that were recorded, by the series that tests name.
VERSIONS = {'3.4': '3.4.1', '3.7': '3.7.3'}

_FOLDER = pathlib.Path(__file__).parent / 'maas_recordings'


@functools.cache
def recorded(series: str) -> list[dict[str, Any]]:
    """Every recorded case of a release; see maas_recordings/README."""
    cases: list[dict[str, Any]] = _load('recorded', series)
    return cases


@functools.cache
def machine(series: str) -> dict[str, Any]:
    """One machine with all its keys, as a list carries it."""
    for case in recorded(series):
        if case['case'] == 'list_machines':
            whole: dict[str, Any] = case['http'][0]['response']['body'][0]
            return whole
    raise KeyError('list_machines')


@functools.cache
def description(series: str) -> bytes:
    """What ``describe/`` answers, ORIGIN in the place of the address."""
    compact = _load('describe', series)
    document = {
        'doc': '',
        'hash': compact['hash'],
        'resources': [
            {
                'name': resource['name'],
                'anon': _handler(resource.get('anon')),
                'auth': _handler(resource.get('auth')),
            }
            for resource in compact['resources']
        ],
    }
    return json.dumps(document).encode()


def _handler(compact: list[Any] | None) -> dict[str, Any] | None:
    if compact is None:
        return None
    name, path, actions = compact
    return {
        'name': name,
        'params': re.findall(r'{(\w+)}', path),
        'path': path,
        'uri': ORIGIN + path,
        'doc': '',
        'actions': [
            {
                'method': method,
                'name': action,
                'op': op,
                'restful': op is None,
                'doc': '',
            }
            for method, action, op in actions
        ],
    }


def _load(kind: str, series: str) -> Any:
    path = _FOLDER / f'{kind}-{VERSIONS[series]}.json'
    return json.loads(path.read_text())
