# SPDX-License-Identifier: Apache-2.0
"""The files of oslo.config: what is written, and what is there. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from settings import Settings

#: The sections in which MAAS is configured, of Watcher and of metal-drivers.
MAAS = 'watcher.metal.drivers.maas'
MAAS_SECTIONS = ('maas_client', MAAS)

_HEADER = (
    '# Written by the charm watcher-metal-drivers. Changes are overwritten:\n'
    '# set the options of the charm instead.\n'
)


def drop_in(settings: Settings, key_file: str, ca_file: str) -> str:
    """The configuration file. No secret is in it.

    :param key_file: where the API key of MAAS is.
    :param ca_file: where the certificates for MAAS are, if there are any.
    """
    sections = {'metal_drivers': {'driver': settings.driver, **settings.power}}
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


def section_for_maas(text: str) -> str:
    """The section for MAAS in which a file sets an option; or empty."""
    section = ''
    for line in text.splitlines():
        if line.startswith('[') and ']' in line:
            # oslo.config reads the names without regard to case.
            section = line[1 : line.index(']')].strip().lower()
        elif section in MAAS_SECTIONS and _sets(line):
            return section
    return ''


def _sets(line: str) -> bool:
    option = line.strip()
    return bool(option) and not option.startswith(('#', ';'))
