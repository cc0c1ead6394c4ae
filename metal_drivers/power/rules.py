# SPDX-License-Identifier: Apache-2.0
"""How the tables of rules are read: what is to be done next.

A table is read from its top. A :class:`Need` asks where a fact is missing,
or older than what could have made it false; a rule is a function that
gives a step where it applies, and nothing where it does not. No rule does
I/O, knows a clock, a thread or a lock: the same facts at the same time
always give the same step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from metal_drivers import events, exceptions, hooks
from metal_drivers.compute import markers
from metal_drivers.model import OffMode, Outcome
from metal_drivers.power.facts import Facts
from metal_drivers.power.values import What

#: An answer on which a request for power rests, or a change of
#: nova-compute, came at most so many seconds before that.
FRESH = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a fact, now."""

    what: What


@dataclasses.dataclass(frozen=True, slots=True)
class Disable:
    """Disable nova-compute with a marker of that kind, or renew it.

    :ivar former: write this marker back, instead of one of our own.
    :ivar adopt: write it in the place of what someone else wrote.
    :ivar times: how many power ons failed, where it says so.
    """

    kind: markers.MarkerKind
    former: markers.Marker | None = None
    adopt: bool = False
    times: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Tell:
    """Tell these hooks of an event, in their order."""

    event: hooks.Event
    hooks: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Enable:
    """Enable nova-compute."""

    event: events.Step = events.Step.ENABLED


@dataclasses.dataclass(frozen=True, slots=True)
class Send:
    """Send the request for power.

    :ivar seconds: for how long its effect is waited for.
    :ivar timeout: the time-out for the service, where it takes one.
    """

    mode: OffMode
    event: events.Step
    seconds: float
    timeout: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """Wait until that time at most, then look again.

    :ivar look: what is looked at while waiting, shared with all who wait;
        the wait ends with news of it.
    :ivar at_once: whether the first look comes before any waiting.
    :ivar excused: whether this time does not count against the transition.
    """

    until: float
    why: str = ''
    event: events.Step = events.Step.WAITING
    look: What | None = None
    at_once: bool = False
    excused: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class NextMode:
    """The request has had no effect: try the next way."""

    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Decide:
    """This is how it ends: from now on, only tidy up.

    :ivar failed: whether the host was to power on and did not; not where
        something else was in the way.
    """

    outcome: Outcome
    detail: str
    failed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class End:
    """Nothing is left to do."""

    outcome: Outcome
    detail: str


Step = Ask | Tell | Disable | Enable | Send | Wait | NextMode | Decide | End

#: A rule; the first paragraph of its docstring is its sentence in the
#: documentation.
Rule = Callable[[Facts, float], Step | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Need:
    """Ask, unless the fact is known, and younger than each of ``after``.

    :ivar after: names of facts, or of our own acts: ``waited``,
        ``told``, ``disabled``, ``sent``, ``decided``.
    :ivar last: whether a request, or a change of nova-compute, rests on
        it: it must also be fresh.
    :ivar tolerated: whether an error is for the rules that follow to deal
        with; else it decides how the transition ends.
    :ivar text: its sentence in the documentation.
    :ivar spare: what of this does no harm where it is lost: events of
        ``after``, ``age`` for ``last``, ``need`` for all of it.
    :ivar why: why that is there all the same.
    """

    what: What
    after: tuple[str, ...] = ()
    when: Callable[[Facts], bool] = lambda facts: True
    last: bool = False
    tolerated: bool = False
    text: str = ''
    spare: tuple[str, ...] = ()
    why: str = ''

    def __call__(self, facts: Facts, now: float) -> Step | None:
        if not self.when(facts):
            return None
        fact = facts.of(self.what)
        if (
            fact is None
            or any(fact.turn < facts.when(event) for event in self.after)
            or (self.last and now - fact.answered > FRESH)
        ):
            return Ask(self.what)
        if fact.error is not None and not self.tolerated:
            return Decide(outcome_of(fact.error), str(fact.error))
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class Courtesy:
    """A rule without which nothing goes wrong.

    :ivar why: why it is there all the same.
    """

    rule: Need | Rule
    why: str

    def __call__(self, facts: Facts, now: float) -> Step | None:
        return self.rule(facts, now)


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
    return applying(table, facts, now)[1]


def applying(table: Table, facts: Facts, now: float) -> tuple[int, Step]:
    """The first rule that applies, and the step that it gives.

    :returns: the rule's place in ``rules`` and ``tidy``, one after the
        other.
    """
    rules, place = table.rules, 0
    if facts.decided:
        rules, place = table.tidy, len(rules)
    for rule in rules:
        step = rule(facts, now)
        if step is not None:
            return place, step
        place += 1
    raise NoStepError(f'the table {table.name} has no step for this')


class NoStepError(AssertionError):
    """A table does not end in a rule that always applies."""


def outcome_of(error: exceptions.MetalError) -> Outcome:
    """What an error of a service makes of a transition."""
    match error:
        case exceptions.RefusedError():
            return Outcome.REFUSED
        case exceptions.TimedOutError():
            return Outcome.TIMED_OUT
    return Outcome.FAILED


def refuse(detail: str) -> Decide:
    return Decide(Outcome.REFUSED, detail)


def time_out(detail: str, failed: bool = False) -> Decide:
    return Decide(Outcome.TIMED_OUT, detail, failed)


def transient(error: exceptions.MetalError | None) -> bool:
    """Whether the same question may be answered later."""
    return isinstance(
        error,
        exceptions.UnavailableError
        | exceptions.BusyError
        | exceptions.ProtocolError,
    )
