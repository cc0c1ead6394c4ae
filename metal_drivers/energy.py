# SPDX-License-Identifier: Apache-2.0
"""How much power a host draws that is on and idle: what each hour saves in
which it is off.

::

    watts = Watts.from_conf(config)       # or PowerSettings.from_conf
    watts.of(member)                      # 150.0; None: not known
    watts.grams(kwh)                      # None: grid_co2 is not set

Nothing is invented: a host of which nothing is configured or reported has
None, and counts in host hours only.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import math
from collections.abc import Iterable
from typing import Self

from oslo_config import cfg

from metal_drivers import conf, exceptions
from metal_drivers.fleet import Member

#: What a pattern begins with that is for the labels of a node.
LABEL = 'trait:'

_CURE = (
    'Set it to numbers of watts, such as 150, gpu-*=600, '
    'trait:CUSTOM_BIG=450: the one without a pattern is for all others.'
)


@dataclasses.dataclass(frozen=True, slots=True)
class Watts:
    """What ``[metal_drivers]`` says about energy."""

    #: Patterns and watts, in their order: the first that fits counts.
    patterns: tuple[tuple[str, float], ...] = ()
    #: For a host that nothing else is known of; None: not known.
    default: float | None = None
    #: Grams of CO2 for each kWh; None: not configured.
    grid_co2: float | None = None

    @classmethod
    def from_conf(cls, config: cfg.ConfigOpts) -> Self:
        """:raises ConfigurationError: ``idle_watts`` cannot be read."""
        values = conf.settings(config)
        patterns, default = parse(values.idle_watts)
        return cls(patterns, default, values.grid_co2)

    def of(self, member: Member) -> float | None:
        """The watts of an idle host: of the first pattern that fits, else
        what its driver reports, else the default; None: not known."""
        for pattern, watts in self.patterns:
            if _fits(pattern, member):
                return watts
        reported = member.node.idle_watts
        return self.default if reported is None else float(reported)

    def grams(self, kwh: float) -> float | None:
        """Of CO2, for so many kWh; None: not known."""
        return None if self.grid_co2 is None else kwh * self.grid_co2


def parse(
    entries: Iterable[str],
) -> tuple[tuple[tuple[str, float], ...], float | None]:
    """The patterns, and the default, of ``idle_watts``.

    :raises ConfigurationError: an entry cannot be read.
    """
    patterns: list[tuple[str, float]] = []
    default: float | None = None
    for entry in filter(None, (entry.strip() for entry in entries)):
        name, equals, number = entry.rpartition('=')
        pattern = name.strip()
        if equals and pattern.removeprefix(LABEL).strip() == '':
            raise _wrong(entry, 'which has no pattern before the "="')
        watts = _number(entry, number)
        if equals:
            patterns.append((pattern, watts))
        elif default is not None:
            raise _wrong(entry, 'a second number without a pattern')
        else:
            default = watts
    return tuple(patterns), default


def _number(entry: str, text: str) -> float:
    try:
        watts = float(text)
    except ValueError:
        watts = math.nan
    if not 0 <= watts < math.inf:
        raise _wrong(entry, 'which is no number of watts')
    return watts


def _wrong(entry: str, what: str) -> exceptions.ConfigurationError:
    return exceptions.ConfigurationError(
        f'[metal_drivers] idle_watts has {entry!r}, {what}',
        cure=_CURE,
        options=('idle_watts',),
    )


def _fits(pattern: str, member: Member) -> bool:
    """Without regard to case, as in ``protected_hosts``."""
    folded = pattern.casefold()
    names: Iterable[str]
    if folded.startswith(LABEL):
        folded, names = folded[len(LABEL) :].strip(), member.node.labels
    else:
        names = member.names.union(member.node.host_names)
    return any(fnmatch.fnmatchcase(name.casefold(), folded) for name in names)
