# SPDX-License-Identifier: Apache-2.0
"""What is known of one node and its host while one transition is at work.

Facts are values: to learn something gives new ones. Each answer bears the
turn in which it was asked for, so that "younger than" is a matter of order,
and the time at which it came, so that it can also be too old. An error that
a question met is a fact, too.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Self

from metal_drivers import exceptions, hooks
from metal_drivers.compute import markers
from metal_drivers.fleet import Member
from metal_drivers.hooks.in_use import Told
from metal_drivers.model import (
    Capability,
    ComputeService,
    OffMode,
    Outcome,
    PowerState,
)
from metal_drivers.power.values import (
    Decided,
    Fact,
    Foreign,
    Order,
    Sent,
    Telling,
    What,
    Write,
)
from metal_drivers.settings import PowerSettings


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
    #: What the hooks were told, in order.
    told: tuple[Telling, ...] = ()
    #: Whether the reason that someone else gave counts as our marker.
    adopted: bool = False
    cancelled: bool = False
    decided: Decided | None = None

    # What was seen on the way.
    #: How old the state of the node is, unless it was asked live.
    age: str = ''
    #: The first state without work under way.
    first: PowerState | None = None
    #: When this process last sent the node a request, in seconds.
    last_sent: float | None = None
    #: When a power on that it sent, and that was not seen to have its
    #: effect, has arrived at the latest.
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
        on = self.order.state is PowerState.ON and not self.adopted
        if on and marker and self.node:
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

    def telling(self, event: hooks.Event) -> Telling | None:
        """When the hooks were last told that, and what came of it."""
        for told in reversed(self.told):
            if told.event is event:
                return told
        return None

    def of(self, what: What) -> Fact | None:
        # As an attribute it is a call.
        found: Fact | None = getattr(self, what._value_)
        return found

    def when(self, event: str) -> int:
        """The turn of an event: the name of a fact, or of an act."""
        match event:
            case 'waited':
                return self.waited
            case 'disabled':
                return self.writes[0].turn if self.writes else 0
            case 'sent':
                return self.sent.turn if self.sent else 0
            case 'decided':
                return self.decided.turn if self.decided else 0
            case 'told':
                return self.told[-1].turn if self.told else 0
        fact: Fact | None = getattr(self, event)
        return fact.turn if fact else 0

    # What this run does. An act has a turn, as a question has.

    def decide(
        self, outcome: Outcome, detail: str, failed: bool = False
    ) -> Self:
        """Only tidy up from now on."""
        decided = Decided(outcome, detail, self.turn + 1, failed)
        return self._act(decided=decided)

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

    def adopting(self, marker: markers.Marker) -> Self:
        """A marker takes the place of what someone else wrote: from now on
        it is as if it had been found."""
        return self._act(adopted=True, found=marker, service=None)

    def tell(
        self, event: hooks.Event, names: tuple[str, ...], now: float
    ) -> Self:
        """These hooks are told of an event; whatever ends that, they may
        know of it."""
        telling = Telling(event, names, self.turn + 1, now)
        return self._act(told=(*self.told, telling))

    def hear(self, told: Told, now: float) -> Self:
        """What came of that."""
        telling = dataclasses.replace(
            self.told[-1],
            hooks=told.hooks,
            answered=now,
            failures=told.failures,
        )
        return self._act(told=(*self.told[:-1], telling))

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

    def change(self, **fields: Any) -> Self:
        # What dataclasses.replace does, ten times as fast.
        known = object.__new__(type(self))
        known.__dict__.update(self.__dict__, **fields)
        return known
