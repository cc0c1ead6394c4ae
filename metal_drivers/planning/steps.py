# SPDX-License-Identifier: Apache-2.0
"""The steps of a decision, in their order. The documentation ("In Watcher")
has each by its name."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Iterable

from metal_drivers.model import PowerState
from metal_drivers.planning import reasons
from metal_drivers.planning.hosts import Host, Hosts
from metal_drivers.planning.levels import Balance, Levels
from metal_drivers.planning.wish import Wish

_DAY = 86400.0


def give_back_the_busy(unfinished: Hosts, why: reasons.Reasons) -> list[Host]:
    """Unfinished, and there are servers on it: whatever is wanted."""
    return [why.busy_again(host) for host in unfinished if host.busy]


def in_order_to_give_back(unfinished: Hosts) -> list[Host]:
    """Those without servers; first the ones that must stay on."""
    idle = [host for host in unfinished if not host.busy]
    return sorted(idle, key=lambda host: host.may_go_off)


def spare(hosts: Hosts, wish: Wish) -> list[Host]:
    """Off, and may be powered on; the one that is off longest first.

    Hosts that may not come back are the last; one that failed to, only
    once it is to be tried again.
    """
    found = [host for host in hosts if host.spare(wish.any_off_host)]
    return sorted(found, key=lambda host: (host.reliable, host.off_longest))


def bring_back(
    idle: Hosts, spares: Hosts, balance: Balance, why: reasons.Reasons
) -> list[Host]:
    """As many as are missing: unfinished ones, then those that are off.

    Where a group is short, hosts of that group come first. One whose
    nova-compute stays away comes last: it must not keep a good one off.
    """
    tiers: list[Hosts] = [
        [host for host in idle if host.up],
        [host for host in spares if not host.trouble],
        [host for host in spares if host.trouble],
        [host for host in idle if not host.up],
    ]
    taken: list[Host] = []
    for tier in tiers:
        if not balance.any_group_short:
            break
        taken += _for_groups(tier, balance, why)
    known = set(taken)
    for host in itertools.chain(*tiers):
        if not balance.short:
            break
        if host not in known:
            taken.append(why.missing(host, balance.shortest(host)))
            balance.add(host)
    return taken


def one_more(
    hosts: Hosts,
    spares: Hosts,
    brought: Hosts,
    levels: Levels,
    why: reasons.Reasons,
) -> list[Host]:
    """One host more than is missing, while another has failed lately and for
    the first time; one that counts for the same groups, where there is one.

    Hosts that do not come back are off longest, so the next one to be tried
    may be of their kind.
    """
    failed = next((host for host in hosts if host.failed_lately), None)
    known = set(brought)
    tried = {levels.of(host) for host in known.intersection(spares)}
    good = [h for h in spares if not h.trouble and h not in known]
    if failed is None or not tried or not good:
        return []
    more = max(
        good,
        key=lambda host: max(
            len({*levels.of(host)}.intersection(of)) for of in tried
        ),
    )
    return [why.one_more(more, failed)]


def _for_groups(
    hosts: Hosts, balance: Balance, why: reasons.Reasons
) -> list[Host]:
    """Hosts for the groups that are short; first those that count for the
    most of them."""
    heap = [
        (-gain, place)
        for place, host in enumerate(hosts)
        if (gain := balance.gain(host))
    ]
    heapq.heapify(heap)
    taken = []
    while heap and balance.any_group_short:
        known, place = heapq.heappop(heap)
        host = hosts[place]
        gain = balance.gain(host)
        if gain == -known:
            taken.append(why.missing(host, balance.shortest(host)))
            balance.add(host)
        elif gain:  # others have come meanwhile
            heapq.heappush(heap, (-gain, place))
    return taken


def exercise(
    spares: Hosts, on: Hosts, wish: Wish, why: reasons.Reasons
) -> list[Host]:
    """One host that was off for too long, unless one comes back anyway."""
    if not wish.exercise_days:
        return []
    overdue = [host for host in spares if host.age > wish.exercise_days * _DAY]
    if not overdue or not set(on).isdisjoint(overdue):
        return []
    return [why.exercised(overdue[0])]


def left_over(
    idle: Hosts, on: Hosts, balance: Balance, why: reasons.Reasons
) -> list[Host]:
    """Unfinished, without servers, and not brought back.

    Where hosts are missing, one that is not up may be on its way, and is
    waited for.
    """
    taken = set(on)
    left = []
    for host in idle:
        if host in taken:
            continue
        short = None if host.up else balance.shortest(host)
        if short is None:
            left.append(host)
        else:
            why.waited_for(host, short)
    return left


def power_off_the_rest(left: Hosts, why: reasons.Reasons) -> list[Host]:
    """What is left over goes off, where it may."""
    return [
        why.interrupted(host)
        for host in left
        if host.may_go_off and not why.keeps(host)
    ]


def surplus(
    hosts: Hosts, balance: Balance, why: reasons.Reasons
) -> list[Host]:
    """Free and on beyond what is wanted, of all hosts and of each group:
    the one that is on longest first, where that is known, else in the order
    of names."""
    ready = [host for host in hosts if host.ready]
    going = []
    for host in sorted(ready, key=lambda host: host.on_longest):
        tight = balance.tight(host)
        if tight is not None:
            why.wanted(host, tight)
        elif host.may_go_off and not why.keeps(host):
            balance.remove(host)
            going.append(why.too_many(host, balance.level(host)))
    return going


def within_the_limit(
    off: Hosts, room: int | None, why: reasons.Reasons
) -> list[Host]:
    """``max_powered_off`` limits what goes off."""
    if room is not None:
        for host in off[room:]:
            why.no_room(host)
    return list(off[:room])


def give_back_the_rest(
    left: Hosts, off: Hosts, why: reasons.Reasons
) -> list[Host]:
    """What is left over and does not go off: no host that Nova could use
    stays on and disabled."""
    going = set(off)
    return [
        why.given_back(host) for host in left if host.up and host not in going
    ]


def clean_up(
    hosts: Hosts,
    taken: Collection[Host],
    left: Collection[str],
    why: reasons.Reasons,
) -> list[Host]:
    """On and enabled, and hooks have something left: a power on has them
    told once more that the host is back, and sends no request."""
    return [
        why.cleaned_up(host)
        for host in hosts
        if host.node.id in left
        and host not in taken
        and host.power is PowerState.ON
        and host.node.settled
        and host.compute.enabled
    ]


def at_most(
    limit: int | None, steps: Iterable[list[Host]], why: reasons.Reasons
) -> list[list[Host]]:
    """What comes on, then what goes off; last what is only told to hooks
    again: a hook that always fails must not take the place of the others."""
    if limit is None:
        return list(steps)
    taken, left = [], limit
    for step in steps:
        for host in step[left:]:
            why.one_too_many(host, limit)
        taken.append(step[:left])
        left -= len(taken[-1])
    return taken
