# SPDX-License-Identifier: Apache-2.0
"""What is known of one node and its host while one transition is at work.

Facts are values: to learn something gives new ones. Each answer bears the
turn in which it was asked for, so that "younger than" is a matter of order,
and the time at which it came, so that it can also be too old. An error that
a question met is a fact, too.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from typing import Any, Self

from metal_drivers import ages, exceptions
from metal_drivers.compute import markers
from metal_drivers.fleet import Member
from metal_drivers.model import (
    Capability,
    ComputeService,
    Node,
    OffMode,
    Outcome,
    PowerState,
)
from metal_drivers.settings import PowerSettings

#: What is up without a report in so many seconds does not report by the
#: time that Nova shows (the memcache driver of ``[servicegroup]``).
_SILENT = 600.0
#: Nova's ``service_down_time``, by default: what is called up for longer
#: than this, in seconds, is up.
_DOWN_TIME = 60.0
#: A gateway that gave up on the service behind it.
_OF_A_GATEWAY = (502, 504)


class What(enum.Enum):
    """What can be asked; the value is the field of :class:`Facts`."""

    #: Whether another transition of this process has the node.
    CLAIM = 'claim'
    #: Whether the rate allows one more request.
    SLOT = 'slot'
    #: How many others are off, where that leaves none for this one.
    OTHERS_OFF = 'others_off'
    NODE = 'node'
    SERVICE = 'service'
    SERVERS = 'servers'
    #: Servers that migrate or resize to or from the host.
    MOVING = 'moving'
    #: Servers that are being scheduled.
    UNPLACED = 'unplaced'


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """An answer, or the error that the question met."""

    #: Of the question: a later question has a higher one.
    turn: int
    #: When the question was asked, and when it was answered, in seconds.
    asked: float
    answered: float
    value: Any = None
    error: exceptions.MetalError | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; never changes."""

    #: The node, as it was listed: never what an answer calls it.
    node_id: str
    #: None: to recover what an earlier run has left.
    state: PowerState | None
    settings: PowerSettings
    capabilities: frozenset[Capability]
    #: Whether Nova can be asked.
    nova: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Write:
    """A marker that this run has written, or tried to."""

    marker: markers.Marker
    turn: int
    #: When nova-compute was last read before, and when the write began and
    #: ended, in seconds.
    read: float
    began: float
    answered: float
    error: exceptions.MetalError | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """A request for power that may have arrived."""

    mode: OffMode
    #: What was asked for.
    what: str
    turn: int
    #: When nothing more is expected of it, in seconds.
    until: float
    #: How long that is, for messages.
    seconds: float
    #: Whether the service took it, or was seen at work on it since.
    taken: bool = False
    #: Why it is not known whether it arrived.
    doubt: exceptions.MetalError | None = None

    @property
    def unanswered(self) -> bool:
        """Whether it may yet arrive: the service did not reply at all."""
        doubt = None if self.taken else self.doubt
        return doubt is not None and (
            doubt.status is None or doubt.status in _OF_A_GATEWAY
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Foreign:
    """The marker of another process, as it was first seen."""

    marker: markers.Marker
    #: When, in seconds of this process.
    seen: float
    #: How old it was then, by the clocks of both machines.
    age: float

    def until(self, after: float = 0.0) -> float:
        """Until when that run may be at work, in seconds of this process.

        :param after: so many seconds after its last request the node may
            still follow it.
        """
        if not self.marker.under_way:
            return self.seen
        # A marker of the future comes from a clock that is wrong.
        return self.seen + markers.LEASE + after - max(0.0, self.age)

    def left(self, now: float, after: float = 0.0) -> float:
        """For how many seconds that is."""
        return max(0.0, self.until(after) - now)


@dataclasses.dataclass(frozen=True, slots=True)
class Decided:
    """How the transition ends; what is left is to tidy up."""

    outcome: Outcome
    detail: str
    turn: int = 0


@dataclasses.dataclass(frozen=True)
class Facts:
    """All that is known."""

    order: Order
    #: The node as it was last seen, and its compute host.
    member: Member
    began: float = 0.0
    turn: int = 0

    claim: Fact | None = None
    slot: Fact | None = None
    others_off: Fact | None = None
    node: Fact | None = None
    service: Fact | None = None
    servers: Fact | None = None
    moving: Fact | None = None
    unplaced: Fact | None = None

    # Our own acts.
    #: The turn of the last wait; and how many seconds were waited for
    #: others, which do not count against this transition.
    waited: int = 0
    excused: float = 0.0
    excused_until: float = 0.0
    writes: tuple[Write, ...] = ()
    #: Which of the modes of powering off is tried, and since when.
    mode: int = 0
    mode_turn: int = 0
    mode_since: float | None = None
    #: Whether a soft power off may have its effect after a hard one was
    #: sent.
    soft_pending: bool = False
    sent: Sent | None = None
    #: The error with which the service refused the last request.
    denied: Fact | None = None
    enabled: Fact | None = None
    cancelled: bool = False
    decided: Decided | None = None

    # What was seen on the way.
    #: How old the state of the node is, unless it was asked live.
    age: str = ''
    #: The first state without work under way.
    first: PowerState | None = None
    #: When this process last sent the node a request, in seconds.
    last_sent: float | None = None
    #: When it sent a power on that was not seen to have its effect.
    powered_on: float | None = None
    foreign: Foreign | None = None
    #: The marker that this run has found, and goes on from.
    found: markers.Marker | None = None
    #: Servers that were being scheduled, and since when they are awaited.
    awaited: frozenset[str] | None = None
    awaited_since: float = 0.0
    #: When the node was seen on, in seconds; what nova-compute said of
    #: itself then; and whether it has been silent since the node was off.
    on_since: float | None = None
    baseline: ComputeService | None = None
    seen_down: bool = False
    #: Since when nova-compute is called up without a break, in seconds;
    #: and whether Nova shows no reports of it.
    up_since: float | None = None
    silent: bool = False

    @property
    def settings(self) -> PowerSettings:
        return self.order.settings

    @property
    def goal(self) -> PowerState:
        return self.order.state or PowerState.ON

    @property
    def tells_end(self) -> bool:
        return Capability.TELLS_END in self.order.capabilities

    @property
    def ending(self) -> tuple[Outcome, str]:
        """How it was decided that it ends."""
        if self.decided is None:
            return Outcome.FAILED, ''
        return self.decided.outcome, self.decided.detail

    @property
    def compute(self) -> ComputeService | None:
        """nova-compute as it was last seen; None: it is not known now."""
        return self.service.value if self.service else None

    @property
    def dwelt(self) -> float | None:
        """Seconds since the node was switched, as far as is known."""
        ages = []
        if self.last_sent is not None and self.node:
            ages.append(self.node.answered - self.last_sent)
        marker = self.foreign
        if self.order.state is PowerState.ON and marker and self.node:
            ages.append(
                max(0.0, marker.age + self.node.answered - marker.seen)
            )
        # By two clocks: what is less than they can tell is no difference.
        return round(min(ages), 3) if ages else None

    @property
    def host(self) -> str:
        """The compute host's name; empty where the node matches none."""
        return self.member.host.name if self.member.host else ''

    @property
    def managed(self) -> bool:
        """Whether nova-compute is disabled and enabled by metal-drivers."""
        return (
            self.settings.manage_compute_service
            and self.order.nova
            and self.member.host is not None
        )

    @property
    def marker(self) -> markers.Marker | None:
        """Our marker for this very node, as nova-compute last bore it."""
        return markers.for_node(self.compute, self.order.node_id)

    @property
    def written(self) -> Write | None:
        """The last marker that this run wrote."""
        return self.writes[-1] if self.writes else None

    @property
    def own(self) -> bool:
        """Whether nova-compute bears a marker that this run wrote."""
        marker = self.marker
        return marker is not None and any(
            marker == write.marker for write in self.writes
        )

    @property
    def changing(self) -> bool:
        """Whether anything was changed, or tried to be."""
        return bool(self.writes or self.sent or self.denied)

    @property
    def enabled_well(self) -> bool:
        return self.enabled is not None and self.enabled.error is None

    @property
    def following(self) -> bool:
        """Whether a request is under way that has yet to take effect."""
        return self.sent is not None and self.sent.turn >= self.mode_turn

    @property
    def arrived(self) -> bool:
        """Whether the node was seen in the state that was asked for."""
        node = self.member.node
        return node.settled and node.power_state is self.order.state

    def of(self, what: What) -> Fact | None:
        found: Fact | None = getattr(self, what.value)
        return found

    def when(self, event: str) -> int:
        """The turn of an event: the name of a fact, or of an act."""
        match event:
            case 'waited':
                return self.waited
            case 'marked':
                return self.written.turn if self.written else 0
            case 'disabled':
                return self.writes[0].turn if self.writes else 0
            case 'sent':
                return self.sent.turn if self.sent else 0
            case 'mode':
                return self.mode_turn
            case 'decided':
                return self.decided.turn if self.decided else 0
        fact = self.of(What(event))
        return fact.turn if fact else 0

    # What this run does. An act has a turn, as a question has.

    def decide(self, outcome: Outcome, detail: str) -> Self:
        """Only tidy up from now on."""
        return self._act(decided=Decided(outcome, detail, self.turn + 1))

    def next_mode(self, now: float) -> Self:
        """Another way of powering off is tried."""
        return self._act(
            mode=self.mode + 1,
            mode_turn=self.turn + 1,
            mode_since=now,
            excused=0.0,
        )

    def writing(self, marker: markers.Marker, now: float) -> Self:
        """A marker is written: it is ours though no reply comes, and what
        was known of the service is not true any more."""
        assert self.service is not None  # noqa: S101, it was asked
        write = Write(marker, self.turn + 1, self.service.asked, now, now)
        return self._act(writes=(*self.writes, write), service=None)

    def wrote(
        self, now: float, error: exceptions.MetalError | None = None
    ) -> Self:
        """That has ended, or has failed: then it may have been written at
        any time until now."""
        write = dataclasses.replace(self.writes[-1], answered=now, error=error)
        return self._act(writes=(*self.writes[:-1], write))

    def enabling(
        self,
        asked: float,
        answered: float,
        error: exceptions.MetalError | None,
    ) -> Self:
        """nova-compute is enabled, or that has failed."""
        fact = Fact(self.turn + 1, asked, answered, error=error)
        return self._act(enabled=fact)

    def sending(
        self, mode: OffMode, what: str, seconds: float, now: float
    ) -> Self:
        """A request for power is sent; whatever ends that without an answer
        leaves it in doubt."""
        sent = Sent(mode, what, self.turn + 1, now + seconds, seconds)
        # A soft one that ended before is known to have had no effect.
        former = self.sent
        pending = former is not None and not (
            self.tells_end and former.taken and self.member.node.settled
        )
        return self._act(sent=sent, denied=None, soft_pending=pending)

    def sent_until(
        self, now: float, doubt: exceptions.MetalError | None, taken: bool
    ) -> Self:
        """It may have arrived at any time until now."""
        assert self.sent is not None  # noqa: S101, it was sent
        until = now + self.sent.seconds
        sent = dataclasses.replace(
            self.sent, until=until, doubt=doubt, taken=taken
        )
        return self._act(sent=sent, slot=None)

    def refused(
        self,
        former: Sent | None,
        asked: float,
        answered: float,
        error: exceptions.MetalError,
    ) -> Self:
        """It was not taken.

        :param former: the request before it.
        """
        denied = Fact(self.turn + 1, asked, answered, error=error)
        return self._act(sent=former, denied=denied)

    def waiting(self) -> Self:
        return self._act(waited=self.turn + 1)

    def excuse(self, began: float, now: float) -> Self:
        """That wait does not count against the transition."""
        # The node may be on its way off by now; and what nova-compute said
        # before may be of an earlier start.
        return self._act(
            excused=self.excused + now - began,
            excused_until=now,
            on_since=None,
            baseline=None,
        )

    def _act(self, **fields: Any) -> Self:
        return self.change(turn=self.turn + 1, **fields)

    # Learning.

    def change(self, **fields: Any) -> Self:
        # What dataclasses.replace does, ten times as fast.
        known = object.__new__(type(self))
        known.__dict__.update(self.__dict__, **fields)
        return known

    def learn(self, what: What, fact: Fact, today: datetime.datetime) -> Self:
        """Know an answer.

        :param today: the time of day.
        """
        before = self.of(what)
        known = self.change(**{what.value: fact}, turn=self.turn + 1)
        if what is What.NODE:
            return known._saw(fact, today)
        if what is What.SERVICE and fact.value is not None:
            return known._heard(fact, fact.value, today)
        if what is What.UNPLACED and fact.error is None:
            # Those that came after nova-compute was disabled cannot land
            # here.
            first = self.awaited is None or (
                before is not None and before.turn < self.when('disabled')
            )
            return known.change(
                awaited=fact.value if first else self.awaited & fact.value,
                awaited_since=fact.answered if first else self.awaited_since,
            )
        if what is What.CLAIM:
            other, last_sent, powered_on = fact.value
            return known.change(
                claim=dataclasses.replace(fact, value=other),
                last_sent=last_sent,
                powered_on=powered_on,
            )
        return known

    def _saw(self, fact: Fact, today: datetime.datetime) -> Self:
        if fact.error is not None:
            if not self.following:
                return self
            # Till it can be asked again, what the node does is not known.
            node = dataclasses.replace(
                self.member.node,
                power_state=PowerState.UNKNOWN,
                fault=fact.error.message,
            )
            return self._with(node)
        node = fact.value
        seen = ages.as_seen(node, self.order.capabilities, today)
        known = self._with(node).change(age=f', {seen}' if seen else '')
        if node.settled and self.first is None:
            known = known.change(
                first=node.power_state, mode_since=fact.answered
            )
        sent = self.sent
        if sent and node.target is self.order.state and not sent.taken:
            known = known.change(sent=dataclasses.replace(sent, taken=True))
        if not node.settled or node.power_state is not PowerState.ON:
            return known.change(on_since=None, baseline=None)
        if self.on_since is None:
            # What nova-compute said before is of another start, perhaps.
            known = known.change(on_since=fact.answered, baseline=None)
        return known

    def _with(self, node: Node) -> Self:
        return self.change(member=dataclasses.replace(self.member, node=node))

    def _heard(
        self, fact: Fact, service: ComputeService, today: datetime.datetime
    ) -> Self:
        known = self
        marker = self.marker
        if marker and not self.own:
            # Counted from here by a clock that nobody sets.
            if self.foreign is None or self.foreign.marker != marker:
                known = known.change(
                    foreign=Foreign(marker, fact.answered, marker.age(today))
                )
            # What comes after our request is of a run that began later.
            first = self.found is None or self.baseline is None
            if first and self.sent is None:
                known = known.change(found=marker)
            elif marker != self.found and not marker.under_way:
                # It was off since, so whether it is on is to be asked again.
                known = known.change(
                    found=marker, on_since=None, baseline=None
                )
        state = self.member.node.power_state
        if not service.up and (
            state is PowerState.OFF or self.on_since is not None
        ):
            known = known.change(seen_down=True)
        if known.on_since is not None and (
            self.baseline is None or _said(service) != _said(self.baseline)
        ):
            # Whoever changed that has moved the time of it, too.
            known = known.change(baseline=service)
        reported = service.updated_at
        return known.change(
            silent=reported is None
            or (today - reported).total_seconds() > _SILENT,
            up_since=(self.up_since or fact.answered) if service.up else None,
        )

    @property
    def back(self) -> bool:
        """Whether nova-compute is known to run since the node is on.

        Nova goes on to say ``up`` for a while after a host went off. So
        it has to be seen down first, or to report once more.
        """
        service = self.service.value if self.service else None
        if service is None or not service.up or self.on_since is None:
            return False
        assert self.service is not None  # noqa: S101, it has a value
        if self.seen_down:
            return True
        if self.silent:
            since = max(self.up_since or 0.0, self.on_since)
            return self.service.answered - since >= _DOWN_TIME
        before = self.baseline
        return (
            before is not None
            and _said(before) == _said(service)
            and service.updated_at != before.updated_at
        )


def _said(service: ComputeService) -> tuple[str, str | None]:
    """What people change of it."""
    return service.status, service.disabled_reason
