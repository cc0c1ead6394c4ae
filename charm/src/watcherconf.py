# SPDX-License-Identifier: Apache-2.0
"""What Watcher's own configuration file says about metal-drivers. No I/O.

Which file wins where two set one option depends on how a service is started.
So what watcher.conf sets is not set again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

POWER = 'metal_drivers'
MAAS = 'watcher.metal.drivers.maas'
#: The sections in which MAAS is configured, of Watcher and of metal-drivers.
_MAAS_SECTIONS = ('maas_client', MAAS)


@dataclasses.dataclass(frozen=True)
class WatcherConf:
    """What is set there.

    :ivar maas: the section in which MAAS is configured; or empty.
    :ivar power: options of ``[metal_drivers]``.
    """

    maas: str = ''
    power: frozenset[str] = frozenset()


def parse(text: str) -> WatcherConf:
    """Read a file of oslo.config."""
    found = list(_options(text))
    sections = {section for section, _ in found}
    return WatcherConf(
        next((name for name in _MAAS_SECTIONS if name in sections), ''),
        frozenset(option for section, option in found if section == POWER),
    )


def _options(text: str) -> Iterator[tuple[str, str]]:
    section = ''
    for line in text.splitlines():
        if line.startswith('['):
            # oslo.config reads the names without regard to case.
            section = line[1:].partition(']')[0].strip().lower()
        # A line that is indented continues the one before.
        elif line[:1].strip() and line[0] not in '#;':
            yield section, line.replace(':', '=').partition('=')[0].strip()
