# SPDX-License-Identifier: Apache-2.0
"""Which hosts to power off or on. No I/O, no clock, no randomness.

A host is *busy* with any server on it, one that is shut off too, or where
it is not known; else it is free. *Ready* is a free host that Nova can use.
:func:`decide` takes the steps of :mod:`.steps`.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Collection, Iterable, Mapping

from metal_drivers.fleet import Member
from metal_drivers.model import PowerState
from metal_drivers.planning import reasons, steps
from metal_drivers.planning.hosts import Host, Hosts
from metal_drivers.planning.levels import Balance, Group, Level, Levels
from metal_drivers.planning.reliability import Failures
from metal_drivers.planning.wish import Wish
from metal_drivers.settings import PowerSettings


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
    idle = steps.in_order_to_give_back(unfinished)
    spares = steps.spare(hosts, wish)

    on = steps.give_back_the_busy(unfinished, why)
    brought = steps.bring_back(idle, spares, balance.copy(), why)
    on += brought
    on += steps.one_more(hosts, spares, brought, levels, why)
    on += steps.exercise(spares, on, wish, why)
    left = steps.left_over(idle, on, balance, why)
    off = steps.power_off_the_rest(left, why)
    off += steps.surplus(hosts, balance.copy(), why)
    off = steps.within_the_limit(off, situation.room, why)
    on += steps.give_back_the_rest(left, off, why)
    again = steps.clean_up(hosts, {*on, *off}, situation.left, why)
    coming = len(on)
    on, off, again = steps.at_most(wish.max_actions, (on, off, again), why)
    cut_short = len(on) < coming
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
