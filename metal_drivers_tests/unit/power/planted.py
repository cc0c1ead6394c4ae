# SPDX-License-Identifier: Apache-2.0
"""Faults, made from the tables: each rule taken away, each need, each of
its bounds; and each bound in time weakened."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.power import on, rules, values
from metal_drivers.power.facts import Facts
from metal_drivers_tests.unit.power.explore import TABLES, Explorer
from metal_drivers_tests.unit.power.steps import Tables

#: A fault is looked for in so many states that are not there without it.
_MOST = 20000


def absent(facts: Facts, now: float) -> None:
    """In the place of a rule that was taken away."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """One change of one table, or of a bound that all have in common."""

    name: str
    goal: str = ''
    place: int = -1
    rule: Any = None
    #: The bound: its module, its name, and what it becomes.
    bound: tuple[Any, str, Any] | None = None
    #: Whether the table says that it does no harm.
    harmless: bool = False

    @property
    def tables(self) -> Tables:
        if self.bound:
            return TABLES
        table = TABLES[self.goal]
        every = [*table.rules, *table.tidy]
        assert every[self.place] is not self.rule
        every[self.place] = self.rule
        count = len(table.rules)
        changed = dataclasses.replace(
            table, rules=tuple(every[:count]), tidy=tuple(every[count:])
        )
        assert [*changed.rules, *changed.tidy][self.place] is self.rule
        return dict(TABLES) | {self.goal: changed}

    @contextlib.contextmanager
    def planted(self) -> Iterator[Tables]:
        """The tables with this fault."""
        if self.bound is None:
            yield self.tables
            return
        module, name, value = self.bound
        before = getattr(module, name)
        assert before != value
        setattr(module, name, value)
        try:
            yield self.tables
        finally:
            setattr(module, name, before)

    def begin(self, clean: Explorer) -> list[Any]:
        """The states in which it may make a difference."""
        if self.bound is None:
            return clean.fired.get((self.goal, self.place), [])
        return [entry for found in clean.fired.values() for entry in found]

    def look(self, clean: Explorer) -> None:
        """Look for it in the world that was explored without it.

        :raises Found: it is found.
        """
        begin = self.begin(clean)
        if not begin:
            return
        with self.planted() as tables:
            changed = Explorer(clean.setting, tables, keep=False)
            changed.keeps_its_promise()
            changed.explore_from(begin, clean, _MOST)


def name_of(rule: Any) -> str:
    if isinstance(rule, rules.Courtesy):
        return name_of(rule.rule)
    if isinstance(rule, rules.Need):
        return f'ask for {rule.what.value}'
    return str(rule.__name__)


def faults() -> Iterator[Fault]:
    """All of them."""
    for goal, table in TABLES.items():
        for place, rule in enumerate((*table.rules, *table.tidy)):
            name = f'{goal} {place}, {name_of(rule)}'
            spare = getattr(rule, 'spare', ())
            harmless = isinstance(rule, rules.Courtesy) or 'need' in spare
            yield Fault(
                f'{name}: taken away',
                goal,
                place,
                absent,
                harmless=harmless,
            )
            if not isinstance(rule, rules.Need):
                continue
            for event in rule.after:
                after = tuple(e for e in rule.after if e != event)
                less = dataclasses.replace(rule, after=after)
                yield Fault(
                    f'{name}: not after {event}',
                    goal,
                    place,
                    less,
                    harmless=event in spare or 'need' in spare,
                )
            if rule.last:
                less = dataclasses.replace(rule, last=False)
                yield Fault(
                    f'{name}: of any age',
                    goal,
                    place,
                    less,
                    harmless='age' in spare,
                )
    for module, name, value in (
        (rules, 'FRESH', math.inf),
        (markers, 'LEASE', 0.0),
        (markers, 'RENEW', math.inf),
        (on, 'SETTLE', 0.0),
        (on, 'LONGEST_GAP', math.inf),
        (values, 'KEEP_AWAY', frozenset({MarkerKind.POWERING_ON})),
    ):
        yield Fault(f'{name} = {value}', bound=(module, name, value))
