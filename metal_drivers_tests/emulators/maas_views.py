# SPDX-License-Identifier: Apache-2.0
"""Machines as the API shows them: about 20 KB each, put together fast."""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from metal_drivers_tests.emulators import maas_data, maas_state

# The keys of a machine that are its own; all others are as recorded.
_OWN = (
    'domain',
    'ephemeral_deploy',
    'fqdn',
    'hostname',
    'locked',
    'owner',
    'pool',
    'power_state',
    'power_type',
    'status',
    'status_message',
    'status_name',
    'tag_names',
    'zone',
)
_TOKEN = re.compile('("@@(?!system_id)[a-z_]+@@"|@@system_id@@)')
_SYSTEM_ID = '@@system_id@@'


class View:
    """Renders machines of a release, alone or in a list."""

    def __init__(self, series: str) -> None:
        self._recorded = maas_data.machine(series)
        self._alone, self._listed = _templates(series)
        self._named = functools.cache(self._dump_named)

    def machine(self, machine: maas_state.Machine) -> bytes:
        own = self._own(machine)
        return ''.join(own.get(part, part) for part in self._alone).encode()

    def machines(self, machines: Iterable[maas_state.Machine]) -> bytes:
        shown = []
        for machine in machines:
            own = {k: _deeper(v) for k, v in self._own(machine).items()}
            shown.append(''.join(own.get(p, p) for p in self._listed))
        if not shown:
            return b'[]'
        between = ',\n    '.join(shown)
        return f'[\n    {between}\n]'.encode()

    def _own(self, machine: maas_state.Machine) -> Mapping[str, str]:
        plain = {
            'ephemeral_deploy': machine.ephemeral_deploy,
            'fqdn': machine.fqdn,
            'hostname': machine.hostname,
            'locked': machine.locked,
            'owner': machine.owner,
            'power_state': machine.cached,
            'power_type': machine.power_type,
            'status': int(machine.status),
            'status_message': machine.status_message,
            'status_name': machine.status.label,
            'tag_names': list(machine.tags),
        }
        own = {f'"@@{key}@@"': _dump(value) for key, value in plain.items()}
        for key in ('domain', 'pool', 'zone'):
            own[f'"@@{key}@@"'] = self._named(key, getattr(machine, key))
        # Of JSON's own characters, a system_id has none.
        own[_SYSTEM_ID] = machine.system_id
        return own

    def _dump_named(self, key: str, name: str) -> str:
        value = dict(self._recorded[key])
        if value['name'] != name:
            value['resource_uri'] = value['resource_uri'].replace(
                f'/{value["name"]}/', f'/{name}/'
            )
            value['name'] = name
        return _dump(value)


@functools.cache
def _templates(series: str) -> tuple[list[str], list[str]]:
    """The parts of a machine alone, and of one in a list."""
    recorded = maas_data.machine(series)
    template = _replace(recorded, recorded['system_id'], _SYSTEM_ID)
    for key in _OWN:
        if key in template:
            template[key] = f'@@{key}@@'
    text = json.dumps(template, indent=4)
    return _TOKEN.split(text), _TOKEN.split(_deeper(text))


def _dump(value: object) -> str:
    return _deeper(json.dumps(value, indent=4))


def _deeper(text: str) -> str:
    # JSON has no line breaks within strings.
    return text.replace('\n', '\n    ')


def _replace(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {k: _replace(v, old, new) for k, v in value.items()}
    if isinstance(value, list):
        return [_replace(item, old, new) for item in value]
    return value.replace(old, new) if isinstance(value, str) else value
