# SPDX-License-Identifier: Apache-2.0
"""How the tables of rules are read: what is to be done next.

A table is read from its top. A :class:`Need` asks where a fact is missing,
or older than what could have made it false; a :class:`Rule` takes a step
where it applies. Nothing here does I/O, knows a clock, a thread or a lock:
the same facts at the same time always give the same step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from metal_drivers import exceptions
from metal_drivers.model import OffMode, Outcome
from metal_drivers.power import events, ownership
from metal_drivers.power.facts import Fact, Facts, What

#: An answer on which a request for power rests came at most so many
#: seconds before that request.
FRESH = 15.0


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a fact, now."""

    what: What
    rule: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Disable:
    """Disable nova-compute with a marker of that kind, or renew it.

    :ivar former: write this marker back, instead of one of our own.
    """

    kind: ownership.MarkKind
    former: ownership.Mark | None = None
    rule: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Enable:
    """Enable nova-compute."""

    event: events.Step = events.Step.ENABLED
    rule: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Send:
    """Send the request for power."""

    mode: OffMode
    step: events.Step
    #: For how long its effect is waited for.
    seconds: float
    #: The time-out for the service, where it takes one.
    timeout: float | None = None
    rule: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """Wait until that time at most, then look again.

    :ivar look: what is looked at while waiting, shared with all who wait;
        the wait ends with news of it.
    :ivar at_once: whether the first look is before any waiting.
    :ivar excused: whether this is time of others, and does not count.
    """

    until: float
    why: str = ''
    event: events.Step = events.Step.WAITING
    look: What | None = None
    at_once: bool = False
    excused: bool = False
    rule: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class NextMode:
    """The request has had no effect: try the next way."""

    why: str
    rule: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Decide:
    """This is how it ends: from now on, only tidy up."""

    outcome: Outcome
    detail: str
    rule: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class End:
    """Nothing is left to do."""

    outcome: Outcome
    detail: str
    rule: str = ''


Step = Ask | Disable | Enable | Send | Wait | NextMode | Decide | End

Predicate = Callable[[Facts], bool]


def always(facts: Facts) -> bool:
    return True


@dataclasses.dataclass(frozen=True, slots=True)
class Need:
    """Ask, unless the fact is known, and younger than each of ``after``.

    :ivar after: names of facts, or of our own acts: ``waited``,
        ``disabled``, ``marked``, ``mode``, ``sent``, ``decided``.
    :ivar last: whether a request rests on it: it must also be fresh.
    :ivar text: the sentence for the documentation; empty: none.
    :ivar tolerated: whether an error is for the rules that follow to deal
        with; else it decides how the transition ends.
    """

    name: str
    what: What
    after: tuple[str, ...] = ()
    when: Predicate = always
    last: bool = False
    tolerated: bool = False
    text: str = ''

    def step(self, facts: Facts, now: float) -> Step | None:
        if not self.when(facts):
            return None
        fact = facts.of(self.what)
        if (
            fact is None
            or any(fact.turn < facts.when(event) for event in self.after)
            or (self.last and now - fact.answered > FRESH)
        ):
            return Ask(self.what, self.name)
        if fact.error is not None and not self.tolerated:
            return failed(fact)
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """The step to take where it applies.

    :ivar text: the sentence for the documentation; empty: none.
    :ivar courtesy: why nothing goes wrong without it, where that is so.
    """

    name: str
    take: Callable[[Facts, float], Step | None]
    text: str = ''
    courtesy: str = ''

    def step(self, facts: Facts, now: float) -> Step | None:
        step = self.take(facts, now)
        return step and dataclasses.replace(step, rule=self.name)


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """The rules of one goal, in their order.

    :ivar tidy: what is read once it is decided how the transition ends.
    """

    name: str
    rules: tuple[Need | Rule, ...]
    tidy: tuple[Need | Rule, ...]


def next_step(table: Table, facts: Facts, now: float) -> Step:
    """What to do next.

    :param now: the time of this process, in seconds.
    """
    for entry in table.tidy if facts.decided else table.rules:
        step = entry.step(facts, now)
        if step is not None:
            return step
    raise AssertionError(f'the table {table.name} has no step for this')


def outcome_of(error: exceptions.MetalError) -> Outcome:
    """What an error of a service makes of a transition."""
    match error:
        case exceptions.RefusedError():
            return Outcome.REFUSED
        case exceptions.TimedOutError():
            return Outcome.TIMED_OUT
    return Outcome.FAILED


def failed(fact: Fact) -> Decide:
    """The end that a question without an answer makes."""
    assert fact.error is not None  # noqa: S101, the caller has looked
    return Decide(outcome_of(fact.error), str(fact.error))


def transient(error: exceptions.MetalError | None) -> bool:
    """Whether the same question may be answered later."""
    return isinstance(
        error,
        (
            exceptions.UnavailableError,
            exceptions.BusyError,
            exceptions.ProtocolError,
        ),
    )
