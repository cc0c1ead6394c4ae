# SPDX-License-Identifier: Apache-2.0
"""What the facts of a transition are made of."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

from metal_drivers import exceptions, hooks
from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.hooks.in_use import Failure
from metal_drivers.model import Capability, OffMode, Outcome, PowerState
from metal_drivers.settings import PowerSettings

#: The markers after which a power on may still take effect: no other is
#: sent meanwhile, where two of them do harm.
KEEP_AWAY = frozenset(kind for kind in MarkerKind if kind.of_power_on)
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
    #: The names of the hooks in use, in their order.
    hooks: tuple[str, ...] = ()


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

    def arrives(self, ended: float) -> float:
        """When the service has it, at the latest, in seconds.

        :param ended: when the call ended.
        """
        return self.until if self.unanswered else ended


@dataclasses.dataclass(frozen=True, slots=True)
class Telling:
    """Hooks that were told of an event, or may have been."""

    event: hooks.Event
    #: Those that were told, by name.
    hooks: tuple[str, ...]
    turn: int
    #: When the last of them answered, in seconds.
    answered: float
    #: Those that failed.
    failures: tuple[Failure, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Foreign:
    """The marker of another process, as it was first seen."""

    marker: markers.Marker
    #: When, in seconds of this process.
    seen: float
    #: How old it was then, by the clocks of both machines.
    age: float
    #: In which turn that was.
    turn: int = 0

    def until(self, after: float = 0.0) -> float:
        """Until when that run may be at work, in seconds of this process.

        :param after: so many seconds after its last request the node may
            still follow it.
        """
        lease = markers.LEASE
        if not self.marker.under_way:
            if self.marker.kind not in KEEP_AWAY:
                return self.seen
            # That run is over; its request may not be.
            lease = 0.0
        # A marker of the future comes from a clock that is wrong.
        return self.seen + lease + after - max(0.0, self.age)

    def left(self, now: float, after: float = 0.0) -> float:
        """For how many seconds that is."""
        return max(0.0, self.until(after) - now)


@dataclasses.dataclass(frozen=True, slots=True)
class Decided:
    """How the transition ends; what is left is to tidy up."""

    outcome: Outcome
    detail: str
    turn: int = 0
    #: See :class:`rules.Decide`.
    failed: bool = False
