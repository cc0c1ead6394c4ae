# SPDX-License-Identifier: Apache-2.0
"""Which hosts to power off or on. No I/O, no randomness.

A host is *busy* with any server on it, one that is shut off too, or where
it is not known; else it is free. *Ready* is a free host that Nova can use.
:func:`decide` takes the steps that the documentation ("In Watcher") has,
each a function of that name.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable

from metal_drivers.fleet import Member
from metal_drivers.model import PowerState
from metal_drivers.power import PowerSettings
from metal_drivers.watcher.hosts import Host, Hosts


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """What an audit asks for."""

    free_used_percent: float = 10.0
    min_free_hosts_num: float = 1
    #: The most actions of a plan; None: no limit.
    max_actions: int | None = None
    #: Whether a host that is off counts as spare, no matter who disabled it.
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
    hosts = _in_order(members, settings, now)
    busy = sum(host.busy for host in hosts)
    ready = [host for host in hosts if host.ready]
    wanted = hosts_wanted(busy, wish)
    missing = max(0, wanted - len(ready))
    unfinished = [host for host in hosts if host.unfinished]
    idle = in_order_to_give_back(unfinished)

    on = give_back_the_busy(unfinished)
    on += bring_back(idle, spare(hosts, wish), missing)
    left = left_over(idle, on, missing)
    off = power_off_the_rest(left) + surplus(ready, wanted)
    off = off[:room]
    on += give_back_the_rest(left, off)
    return Decision(
        *at_most(wish.max_actions, off, on),
        hosts_on=sum(host.power is PowerState.ON for host in hosts),
        hosts_off=sum(host.power is PowerState.OFF for host in hosts),
        busy=busy,
        ready=len(ready),
        wanted=wanted,
    )


def hosts_wanted(busy: int, wish: Wish) -> int:
    """How many hosts are to be free and on."""
    share = busy * wish.free_used_percent / 100
    return int(max(share, wish.min_free_hosts_num))


def give_back_the_busy(unfinished: Hosts) -> list[Host]:
    """Unfinished, and there are servers on it: whatever is wanted."""
    return [host for host in unfinished if host.busy]


def in_order_to_give_back(unfinished: Hosts) -> list[Host]:
    """Those without servers; first the ones that must stay on."""
    idle = [host for host in unfinished if not host.busy]
    return sorted(idle, key=lambda host: host.may_go_off)


def spare(hosts: Hosts, wish: Wish) -> list[Host]:
    """Off, and may be powered on; the one that is off longest first."""
    found = [host for host in hosts if host.spare(wish.any_off_host)]
    return sorted(found, key=lambda host: host.off_longest)


def bring_back(idle: Hosts, spare: Hosts, missing: int) -> list[Host]:
    """As many as are missing: unfinished ones, then those that are off.

    One whose nova-compute stays away comes last: it must not keep a good
    one off.
    """
    up = [host for host in idle if host.up]
    down = [host for host in idle if not host.up]
    return [*up, *spare, *down][:missing]


def left_over(idle: Hosts, on: Hosts, missing: int) -> list[Host]:
    """Unfinished, without servers, and not brought back.

    Where hosts are missing, one that is not up may be on its way, and is
    waited for.
    """
    taken = set(on)
    return [
        host for host in idle if host not in taken and (host.up or not missing)
    ]


def power_off_the_rest(left: Hosts) -> list[Host]:
    """What is left over goes off, where it may."""
    return [host for host in left if host.may_go_off]


def surplus(ready: Hosts, wanted: int) -> list[Host]:
    """Free and on beyond what is wanted, in the order of names."""
    beyond = max(0, len(ready) - wanted)
    return [host for host in ready if host.may_go_off][:beyond]


def give_back_the_rest(left: Hosts, off: Hosts) -> list[Host]:
    """What is left over and does not go off: no host that Nova could use
    stays on and disabled."""
    going = set(off)
    return [host for host in left if host.up and host not in going]


def at_most(
    limit: int | None, off: Hosts, on: Hosts
) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
    """What goes off, and on; hosts that come on go before."""
    on = on[:limit]
    off = off if limit is None else off[: limit - len(on)]
    return _members(off), _members(on)


def room_to_go_off(
    members: Iterable[Member], settings: PowerSettings
) -> int | None:
    """How many more hosts ``max_powered_off`` allows to be off.

    :param members: all that there are, in scope or not.
    """
    if not settings.max_powered_off:
        return None
    nodes = [member.node for member in members if member.host]
    off = sum(node.counts_as_off for node in nodes)
    return max(0, settings.most_off(len(nodes)) - off)


def _in_order(
    members: Iterable[Member],
    settings: PowerSettings,
    now: datetime.datetime,
) -> list[Host]:
    """Those with a host, in the order of its name."""
    hosts = [
        Host(member, member.host, settings, now)
        for member in members
        if member.host is not None
    ]
    return sorted(hosts, key=lambda host: host.order)


def _members(hosts: Hosts) -> tuple[Member, ...]:
    return tuple(host.member for host in hosts)
