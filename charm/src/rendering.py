# SPDX-License-Identifier: Apache-2.0
"""The configuration file that is written. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from settings import Settings
from watcherconf import MAAS, POWER

_HEADER = (
    '# Written by the charm watcher-metal-drivers. Changes are overwritten:\n'
    '# set the options of the charm instead.\n'
)


def drop_in(settings: Settings, key_file: str, ca_file: str) -> str:
    """The configuration file. No secret is in it.

    :param key_file: where the API key of MAAS is.
    :param ca_file: where the certificates for MAAS are, if there are any.
    """
    sections = {POWER: dict(settings.power)}
    if settings.maas:
        maas = {'url': settings.maas.url, 'api_key_file': key_file}
        if settings.maas.ca:
            maas['cafile'] = ca_file
        if settings.maas.tags:
            maas['tags'] = settings.maas.tags
        sections[MAAS] = maas
    return _HEADER + ''.join(
        _section(name, values) for name, values in sections.items()
    )


def _section(name: str, values: Mapping[str, str]) -> str:
    # oslo.config replaces $name by the value of that option.
    lines = [
        f'{option} = {value.replace("$", "$$")}\n'
        for option, value in values.items()
    ]
    return f'\n[{name}]\n' + ''.join(lines)
