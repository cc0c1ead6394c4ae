# SPDX-License-Identifier: Apache-2.0
"""How many hosts are free and on, and are to be: of all hosts in scope, and
of each group for which a reserve is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from metal_drivers.planning.hosts import Host
from metal_drivers.planning.wish import Rule, Wish


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """A rule for a reserve, and the hosts that it is about."""

    rule: Rule
    #: Their nodes' ids.
    node_ids: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """The free hosts that are on, of one group."""

    #: ``zone az1``; empty: all hosts in scope.
    group: str
    #: How many of them there are.
    ready: int
    #: How many there are to be.
    wanted: int

    def __str__(self) -> str:
        where = f'{self.group}: ' if self.group else ''
        verb = 'is' if self.ready == 1 else 'are'
        return f'{where}{self.ready} {verb} free and on, {self.wanted} wanted'

    @property
    def shortage(self) -> str:
        """That there are not so many, where these are all that will be."""
        verb = 'is' if self.ready == 1 else 'are'
        return (
            f'The reserve of {self.group or "all hosts"} cannot be kept: '
            f'{self.ready} of {self.wanted} hosts {verb} free and on, or will '
            'be'
        )


def strictest(levels: Iterable[Level]) -> tuple[Level, ...]:
    """One level for each group. Two rules may name one group: the one that
    wants more counts."""
    found: dict[str, Level] = {}
    for level in levels:
        former = found.setdefault(level.group, level)
        if level.wanted > former.wanted:
            found[level.group] = level
    return tuple(found.values())


class Levels:
    """The level of all hosts in scope, which is the first, and of each
    group."""

    def __init__(
        self, hosts: Sequence[Host], wish: Wish, groups: Sequence[Group]
    ) -> None:
        self._of: dict[str, tuple[int, ...]] = {
            host.node.id: (
                0,
                *(
                    number
                    for number, group in enumerate(groups, 1)
                    if host.node.id in group.node_ids
                ),
            )
            for host in hosts
        }
        busy = self._count(host for host in hosts if host.busy)
        ready = self._count(host for host in hosts if host.ready)
        self.all = (
            Level('', ready.get(0, 0), wish.wanted(busy.get(0, 0))),
            *(
                Level(
                    group.rule.group,
                    ready.get(number, 0),
                    group.rule.wanted(busy.get(number, 0)),
                )
                for number, group in enumerate(groups, 1)
            ),
        )

    def short(self, free: Iterable[Host]) -> tuple[Level, ...]:
        """Where hosts are missing once these are free and on: one level for
        each group."""
        ready = self._count(free)
        return tuple(
            level
            for level in strictest(
                dataclasses.replace(level, ready=ready.get(number, 0))
                for number, level in enumerate(self.all)
            )
            if level.ready < level.wanted
        )

    def of(self, host: Host) -> tuple[int, ...]:
        """The numbers of the levels that the host counts for."""
        return self._of[host.node.id]

    def _count(self, hosts: Iterable[Host]) -> Mapping[int, int]:
        counts: dict[int, int] = {}
        for host in hosts:
            for number in self.of(host):
                counts[number] = counts.get(number, 0) + 1
        return counts


class Balance:
    """Levels while a plan is made."""

    def __init__(self, levels: Levels) -> None:
        self._levels = levels
        #: How many hosts are missing; below 0: how many are too many.
        self._missing = [level.wanted - level.ready for level in levels.all]

    def copy(self) -> Self:
        return type(self)(self._levels)

    @property
    def any_group_short(self) -> bool:
        return any(missing > 0 for missing in self._missing[1:])

    @property
    def short(self) -> bool:
        """Whether hosts are missing among all in scope."""
        return self._missing[0] > 0

    def gain(self, host: Host) -> int:
        """For how many groups that are short the host would count."""
        numbers = self._levels.of(host)[1:]
        return sum(self._missing[number] > 0 for number in numbers)

    def shortest(self, host: Host) -> Level | None:
        """A level of the host that is short, a group's before that of all;
        None: none is."""
        numbers = self._levels.of(host)
        for number in (*numbers[1:], 0):
            if self._missing[number] > 0:
                return self._levels.all[number]
        return None

    def tight(self, host: Host) -> Level | None:
        """A level of the host from which none may go; None: there is none,
        and the host is too many everywhere."""
        numbers = self._levels.of(host)
        for number in (*numbers[1:], 0):
            if self._missing[number] >= 0:
                return self._levels.all[number]
        return None

    def level(self, host: Host) -> Level:
        """The level of the host that comes nearest to be tight, a group's
        before that of all."""
        numbers = self._levels.of(host)
        number = max(
            (*numbers[1:], 0), key=lambda number: self._missing[number]
        )
        return self._levels.all[number]

    def add(self, host: Host) -> None:
        """The host is to be free and on."""
        for number in self._levels.of(host):
            self._missing[number] -= 1

    def remove(self, host: Host) -> None:
        """The host is to go off."""
        for number in self._levels.of(host):
            self._missing[number] += 1
