# SPDX-License-Identifier: Apache-2.0
"""The options of ``[watcher.metal.drivers.maas]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from metal_drivers import base

GROUP = f'{base.NAMESPACE}.maas'

#: Those that narrow the list of machines, and what MAAS calls them.
FILTERS = {
    'tags': 'tags',
    'not_tags': 'not_tags',
    'pools': 'pool',
    'zones': 'zone',
}

#: Seconds for one request.
TIMEOUT = 60

#: Seconds for a list of machines. MAAS takes 0.1 s for each of them at
#: its slowest, so that this is enough for about 3000.
LIST_TIMEOUT = 300

_FALLBACK = 'maas_client'


def options() -> list[cfg.Opt]:
    return [
        cfg.StrOpt(
            'url',
            deprecated_group=_FALLBACK,
            help='Where MAAS is, for example '
            'http://maas.example.org:5240/MAAS.',
        ),
        cfg.StrOpt(
            'api_key',
            secret=True,
            deprecated_group=_FALLBACK,
            help='The API key of a MAAS user, who is an administrator or '
            'owns the machines: consumer:token:secret.',
        ),
        cfg.StrOpt(
            'api_key_file',
            help='A file with the API key; it overrides api_key. It is '
            'read again when it has changed.',
        ),
        cfg.IntOpt(
            'timeout',
            default=TIMEOUT,
            min=1,
            deprecated_group=_FALLBACK,
            help='How long a request may take, in seconds. The list of '
            'machines has list_timeout.',
        ),
        cfg.IntOpt(
            'list_timeout',
            default=LIST_TIMEOUT,
            min=1,
            help='How long the list of machines may take, in seconds. MAAS '
            'takes up to 0.1 s for each machine: with more than 3000, or a '
            'slower MAAS, set more.',
        ),
        cfg.StrOpt(
            'cafile',
            help='A file with the certificates of the trusted certificate '
            'authorities, in PEM format. By default those of the system.',
        ),
        cfg.BoolOpt(
            'insecure',
            default=False,
            help='Whether to trust any certificate. Anyone on the network '
            'path can then read the API key.',
        ),
        cfg.ListOpt(
            'tags',
            default=[],
            help='Only machines that have all of these tags.',
        ),
        cfg.ListOpt(
            'not_tags',
            default=[],
            help='Only machines that have none of these tags.',
        ),
        cfg.ListOpt(
            'pools',
            default=[],
            help='Only machines of one of these resource pools.',
        ),
        cfg.ListOpt(
            'zones',
            default=[],
            help='Only machines of one of these zones.',
        ),
        cfg.IntOpt(
            'max_concurrent',
            default=4,
            min=1,
            help='How many requests are made at once. A region worker '
            'serves no more than four.',
        ),
    ]


def missing(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The options that have to be set, and are not."""
    names = [] if config.get('url') else ['url']
    if not (config.get('api_key') or config.get('api_key_file')):
        names.append('api_key')
    return tuple(names)


def filters(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """What to ask MAAS for; only what runs something concerns us."""
    wanted = {'status': ['deployed']}
    for option, name in FILTERS.items():
        if config.get(option):
            wanted[name] = list(config[option])
    return wanted
