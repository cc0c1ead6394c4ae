# SPDX-License-Identifier: Apache-2.0
"""Which hosts to switch off or on. Neither I/O nor chance in it.

A host is *busy* with any server on it, one that is shut off too, or where
nobody knows; else it is free. *Ready* is a free host that Nova can use.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterable

from metal_drivers.fleet import Member
from metal_drivers.model import ComputeHost, Node, PowerState
from metal_drivers.power import PowerSettings, guards, ownership
from metal_drivers.power.census import counts_as_off


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """What an audit asks for."""

    free_used_percent: float = 10.0
    min_free_hosts_num: float = 1
    #: The most actions of a plan; None: no limit.
    max_actions: int | None = None
    #: Whether a host that is off counts as spare, whoever disabled it.
    any_off_host: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What to switch, and the numbers behind it."""

    off: tuple[Member, ...]
    on: tuple[Member, ...]
    hosts_on: int
    hosts_off: int
    #: Hosts with servers.
    busy: int
    #: Hosts free and on, to begin with.
    ready: int
    #: How many of these there are to be.
    wanted: int


def decide(
    members: Iterable[Member],
    wish: Wish,
    settings: PowerSettings,
    now: datetime.datetime,
    room: int | None = None,
) -> Decision:
    """Decide for the members that have a host.

    :param members: those in the scope of the audit.
    :param room: how many more hosts may be off; None: all.
    """
    hosts = [
        _Candidate(member, member.host, settings, now)
        for member in members
        if member.host is not None
    ]
    hosts.sort(key=lambda host: host.order)
    busy = [host for host in hosts if host.busy]
    ready = [host for host in hosts if host.ready]
    wanted = int(
        max(len(busy) * wish.free_used_percent / 100, wish.min_free_hosts_num)
    )
    missing = max(0, wanted - len(ready))
    surplus = [host for host in ready if host.may_go_off]
    surplus = surplus[: max(0, len(ready) - wanted)]
    # On, disabled by us: what an earlier run has left undone.
    halfway = [host for host in hosts if host.halfway]
    left = [host for host in halfway if not host.busy]
    # First those that must stay on.
    left.sort(key=lambda host: host.may_go_off)
    spare = [host for host in hosts if host.spare(wish.any_off_host)]
    spare.sort(key=lambda host: host.off_longest)
    # One whose nova-compute stays away must not keep a good one off.
    candidates = [host for host in left if host.up]
    candidates += spare + [host for host in left if not host.up]
    on = [host for host in halfway if host.busy] + candidates[:missing]
    # Where hosts are missing, one that is not up may be on its way.
    left = [h for h in left if h not in on and (h.up or not missing)]
    off = [host for host in left if host.may_go_off] + surplus
    off = off[:room]
    # None that Nova could use stays as it is: neither off nor of use.
    on += [host for host in left if host.up and host not in off]
    limit = len(hosts) if wish.max_actions is None else wish.max_actions
    return Decision(
        off=_members(off[: max(0, limit - len(on))]),
        on=_members(on[:limit]),
        hosts_on=sum(host.power is PowerState.ON for host in hosts),
        hosts_off=sum(host.power is PowerState.OFF for host in hosts),
        busy=len(busy),
        ready=len(ready),
        wanted=wanted,
    )


def room_to_go_off(
    members: Iterable[Member], settings: PowerSettings
) -> int | None:
    """How many more hosts ``max_powered_off`` allows to be off.

    :param members: all that there are, in scope or not.
    """
    if not settings.max_powered_off:
        return None
    nodes = [member.node for member in members if member.host]
    off = sum(counts_as_off(node) for node in nodes)
    return max(0, settings.most_off(len(nodes)) - off)


class _Candidate:
    """A compute host, and what may be done with it."""

    def __init__(
        self,
        member: Member,
        host: ComputeHost,
        settings: PowerSettings,
        now: datetime.datetime,
    ) -> None:
        self.member = member
        self._host = host
        self._settings = settings
        mark = ownership.mark_of(host)
        if mark is not None and not mark.names(member.node.id):
            mark = None
        #: Disabled, and that was us.
        self._mark = mark
        #: Seconds since then.
        self._age = mark.age(now) if mark else 0.0
        self._left = mark.left(now) if mark else 0.0

    @property
    def _node(self) -> Node:
        return self.member.node

    @property
    def order(self) -> tuple[object, ...]:
        """host-9 before host-10."""
        parts = re.split(r'([0-9]+)', self._host.name)
        # Every second part is a number.
        parts[1::2] = [number.zfill(20) for number in parts[1::2]]
        return parts, self._node.id

    @property
    def off_longest(self) -> float:
        """Sorts what we switched off by its time, before what others did."""
        return -self._age if self._mark else 1.0

    @property
    def power(self) -> PowerState:
        """Where the node is, or is about to be."""
        return self._node.target or self._node.power_state

    @property
    def busy(self) -> bool:
        return self._host.servers != 0

    @property
    def up(self) -> bool:
        """Whether nova-compute is."""
        return self._host.up

    @property
    def ready(self) -> bool:
        """Free, on, and Nova places servers on it."""
        return (
            not self.busy
            and self.power is PowerState.ON
            and self.up
            and self._host.enabled
        )

    @property
    def halfway(self) -> bool:
        """On, disabled by us: a transition that did not come to its end.

        To enable it takes no request for power.
        """
        return (
            self.power is PowerState.ON
            and self._mark is not None
            # Else somebody may be at it right now.
            and self._left == 0
            and self._may_be(PowerState.ON)
        )

    @property
    def may_go_off(self) -> bool:
        return self._may_be(PowerState.OFF)

    def spare(self, any_off_host: bool) -> bool:
        """Free, off, and ours to switch on."""
        return (
            not self.busy
            and self.power is PowerState.OFF
            and (self._mark is not None or self._host.enabled or any_off_host)
            and self._may_be(
                PowerState.ON, dwelt=self._age if self._mark else None
            )
        )

    def _may_be(self, state: PowerState, dwelt: float | None = None) -> bool:
        """Whether nothing is under way, and no guard forbids it."""
        if self._node.target is not None or self._node.busy is not None:
            return False
        wish = guards.Wish(self.member, state, self._settings, dwelt)
        return guards.refusal(wish) is None


def _members(hosts: Iterable[_Candidate]) -> tuple[Member, ...]:
    return tuple(host.member for host in hosts)
