# SPDX-License-Identifier: Apache-2.0
"""Which hosts to power off or on. No I/O, no clock, no randomness.

A host is *busy* with any server on it, one that is shut off too, or where
it is not known; else it is free. *Ready* is a free host that Nova can use.
:func:`decide` takes the steps that the documentation ("In Watcher") has,
each a function of that name.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import heapq
import itertools
from collections.abc import Collection, Iterable, Mapping

from metal_drivers.fleet import Member
from metal_drivers.model import PowerState
from metal_drivers.planning import reasons
from metal_drivers.planning.hosts import Host, Hosts
from metal_drivers.planning.levels import Balance, Group, Level, Levels
from metal_drivers.planning.reliability import Failures
from metal_drivers.planning.wish import Wish
from metal_drivers.settings import PowerSettings

_DAY = 86400.0


@dataclasses.dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision rests on."""

    #: The nodes in the scope of the audit.
    members: tuple[Member, ...]
    settings: PowerSettings
    now: datetime.datetime
    #: How many more hosts may be off; None: all.
    room: int | None = None
    groups: tuple[Group, ...] = ()
    #: Why hosts do not go off that else would, by the ids of their nodes.
    kept: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: Power ons that failed, by the ids of the nodes.
    failures: Mapping[str, Failures] = dataclasses.field(default_factory=dict)
    #: Seconds: see :meth:`Failures.retry_at`.
    wake_retry_interval: float = 3600
    #: The ids of the nodes of which hooks have something left.
    left: Collection[str] = ()


class Action(enum.Enum):
    """What becomes of a host."""

    ON = 'on'
    OFF = 'off'
    STAY = 'stay'


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a host, and why."""

    member: Member
    action: Action
    reason: str

    def __str__(self) -> str:
        return f'{self.member.label}: {self.action.value}: {self.reason}'


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What to switch, and the numbers behind it."""

    off: tuple[Member, ...]
    on: tuple[Member, ...]
    #: One for each host in scope, in the order of their names.
    verdicts: tuple[Verdict, ...]
    #: Hosts free and on to begin with, and wanted: of all in scope first.
    levels: tuple[Level, ...]
    hosts_on: int
    hosts_off: int
    #: Hosts that are off and may not come back.
    hosts_unreliable: int
    #: Hosts with servers.
    busy: int
    #: The hosts among ``on`` that may not come back, and why not.
    relied_on: tuple[tuple[Member, str], ...]
    #: Where too few hosts will be free and on, with what this plan and other
    #: processes power on: one level for each group.
    short: tuple[Level, ...]
    #: Whether ``max_actions`` keeps hosts from coming on.
    cut_short: bool

    @property
    def shortages(self) -> list[str]:
        """A sentence for each level that is short."""
        more = '; max_actions allows no more now' if self.cut_short else ''
        return [f'{level.shortage}{more}.' for level in self.short]

    @property
    def ready(self) -> int:
        """Hosts free and on, to begin with."""
        return self.levels[0].ready

    @property
    def wanted(self) -> int:
        """How many of these there are to be."""
        return self.levels[0].wanted


def decide(situation: Situation, wish: Wish) -> Decision:
    """Decide for the members that have a host."""
    hosts = in_order(situation)
    levels = Levels(hosts, wish, situation.groups)
    balance = Balance(levels)
    why = reasons.Reasons(situation.kept, wish.any_off_host)

    unfinished = [host for host in hosts if host.unfinished]
    idle = in_order_to_give_back(unfinished)
    spares = spare(hosts, wish)

    on = give_back_the_busy(unfinished, why)
    brought = bring_back(idle, spares, balance.copy(), why)
    on += brought
    on += one_more(hosts, spares, brought, levels, why)
    on += exercise(spares, on, wish, why)
    left = left_over(idle, on, balance, why)
    off = power_off_the_rest(left, why)
    off += surplus(hosts, balance.copy(), why)
    off = within_the_limit(off, situation.room, why)
    on += give_back_the_rest(left, off, why)
    again = clean_up(hosts, {*on, *off}, situation.left, why)
    steps = on, off, again
    on, off, again = at_most(wish.max_actions, steps, why)
    cut_short = len(on) < len(steps[0])
    on += again
    return Decision(
        _members(off),
        _members(on),
        verdicts=_verdicts(hosts, on, off, why),
        levels=levels.all,
        hosts_on=sum(host.power is PowerState.ON for host in hosts),
        hosts_off=sum(host.power is PowerState.OFF for host in hosts),
        hosts_unreliable=sum(host.unreliable for host in hosts),
        busy=sum(host.busy for host in hosts),
        relied_on=tuple(
            (host.member, host.trouble)
            for host in brought
            if host.unreliable and host in on
        ),
        short=levels.short(free_then(hosts, on, off)),
        cut_short=cut_short,
    )


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


def free_then(hosts: Hosts, on: Hosts, off: Hosts) -> list[Host]:
    """Those that are free and on, once all that is under way is done."""
    coming, going = set(on), set(off)
    return [
        host
        for host in hosts
        if host.coming
        or (host.ready and host not in going)
        or (host in coming and not host.busy)
    ]


def room_to_go_off(
    members: Iterable[Member], settings: PowerSettings
) -> int | None:
    """How many more hosts ``max_powered_off`` allows to be off.

    :param members: all that there are, in scope or not.
    """
    if not settings.max_powered_off:
        return None
    counted = [m for m in members if m.host or m.doubtful]
    hosts = sum(member.host is not None for member in counted)
    off = sum(member.node.counts_as_off for member in counted)
    return max(0, settings.most_off(hosts) - off)


def in_order(situation: Situation) -> list[Host]:
    """Those with a host, in the order of its name."""
    hosts = [
        Host(
            member,
            member.host,
            situation.settings,
            situation.now,
            situation.failures.get(member.node.id),
            situation.wake_retry_interval,
        )
        for member in situation.members
        if member.host is not None
    ]
    return sorted(hosts, key=lambda host: host.order)


def _verdicts(
    hosts: Hosts, on: Hosts, off: Hosts, why: reasons.Reasons
) -> tuple[Verdict, ...]:
    actions = dict.fromkeys(on, Action.ON)
    actions |= dict.fromkeys(off, Action.OFF)
    return tuple(
        Verdict(host.member, actions.get(host, Action.STAY), why.reason(host))
        for host in hosts
    )


def _members(hosts: Hosts) -> tuple[Member, ...]:
    return tuple(host.member for host in hosts)
