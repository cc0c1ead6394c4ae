# SPDX-License-Identifier: Apache-2.0
"""What the operator asks for, read from the charm's options. No I/O."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from watcherconf import WatcherConf

AUTO = 'auto'

#: Options of the charm that are options of ``[metal_drivers]``.
POWER_OPTIONS = (
    'driver',
    'protected-hosts',
    'protected-labels',
    'power-off-mode',
    'max-powered-off',
    'min-dwell',
    'max-concurrent',
    'max-power-on-per-minute',
    'max-power-off-per-minute',
    'soft-off-timeout',
    'power-off-timeout',
    'power-on-timeout',
    'service-up-timeout',
)

#: The options with a value of more than one line.
_LONG = ('maas-ca',)

# As metal-drivers reads it.
_KEY = re.compile('[!-9;-~]+(:[!-9;-~]+){2}')
_CERTIFICATE = re.compile(
    '-----BEGIN CERTIFICATE-----.+-----END CERTIFICATE-----', re.DOTALL
)


class Refused(Exception):
    """The options cannot be used; the text says what to change."""


@dataclasses.dataclass(frozen=True)
class Maas:
    """Where MAAS is, and how it is asked.

    :ivar api_key: consumer:token:secret; not in the repr.
    :ivar ca: certificates in PEM format; empty for those of the system.
    """

    url: str
    api_key: str = dataclasses.field(repr=False)
    ca: str = ''
    tags: str = ''


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that is written for Watcher.

    :ivar power: options of ``[metal_drivers]``, by the names that they have
        there, as text.
    """

    maas: Maas | None = None
    power: Mapping[str, str] = dataclasses.field(default_factory=dict)


def read(
    options: Mapping[str, object], api_key: str | None, there: WatcherConf
) -> Settings:
    """The settings that the options ask for.

    :param options: the charm's options without secrets, by name; those that
        are not set are absent.
    :param api_key: the content of the secret; None where none is set.
    :param there: what watcher.conf sets itself; that is left out.
    :raises Refused: the options contradict each other, or one is malformed.
    """
    text = _text(options)
    for name, value in text.items():
        if name not in _LONG and not value.isprintable():
            raise Refused(f'{name}: write it on one line')
    maas = None if there.maas else _maas(text, api_key)
    if 'driver' not in there.power:
        text['driver'] = _driver(
            text.get('driver') or AUTO,
            ironic=bool(options.get('ironic')),
            maas=bool(maas or there.maas),
        )
    power = {
        name.replace('-', '_'): text[name]
        for name in POWER_OPTIONS
        if text.get(name)
    }
    return Settings(
        maas, {k: v for k, v in power.items() if k not in there.power}
    )


def unused(options: Mapping[str, object], there: WatcherConf) -> str:
    """For the status: which options are not used since watcher.conf sets
    what they would; empty if none."""
    notes = []
    if there.maas:
        notes.append(
            f'MAAS as in [{there.maas}] of watcher.conf; the options maas-* '
            'are not used'
        )
    text = _text(options)
    names = [
        name
        for name in POWER_OPTIONS
        if name.replace('-', '_') in there.power
        and text.get(name, AUTO) != AUTO
    ]
    if names:
        notes.append(
            f'watcher.conf itself sets, so not used: {", ".join(names)}'
        )
    return '; '.join(notes)


def _text(options: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value).strip() for name, value in options.items()}


def _maas(text: Mapping[str, str], api_key: str | None) -> Maas | None:
    url = text.get('maas-url', '')
    if not url and api_key is None:
        return None
    if not url:
        raise Refused('maas-api-key is set, maas-url is not: set both')
    if api_key is None:
        raise Refused('maas-url is set, maas-api-key is not: set both')
    if not _KEY.fullmatch(api_key.strip()):
        raise Refused(
            'maas-api-key: the key is malformed; it has three parts, '
            'consumer:token:secret: copy it from MAAS'
        )
    ca = text.get('maas-ca', '')
    if ca and not _CERTIFICATE.search(ca):
        raise Refused(
            'maas-ca is not a certificate in PEM format: '
            'juju config watcher-metal-drivers maas-ca=@FILE'
        )
    return Maas(url, api_key.strip(), ca, text.get('maas-tags', ''))


def _driver(name: str, *, ironic: bool, maas: bool) -> str:
    if ironic and maas and name == AUTO:
        raise Refused(
            'MAAS is configured and ironic is true: set driver to maas or '
            'ironic'
        )
    if ironic and name == AUTO:
        return 'ironic'
    if name == AUTO and not maas:
        # The fallback of metal-drivers is Ironic. Nobody has asked for it.
        raise Refused(
            'no bare metal service: set maas-url and maas-api-key, or '
            'ironic=true'
        )
    return name
