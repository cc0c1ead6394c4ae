# SPDX-License-Identifier: Apache-2.0
"""What the lists tell of the fleet at one moment. No I/O, no clock."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Callable, Mapping, Sequence

from metal_drivers import exceptions, guards
from metal_drivers.compute import markers
from metal_drivers.fleet import Fleet, Member
from metal_drivers.model import Aggregate, ComputeHost, PowerState
from metal_drivers.planning import groups, levels
from metal_drivers.planning.hosts import Host
from metal_drivers.planning.planner import failures_of
from metal_drivers.planning.wish import Wish
from metal_drivers.settings import PowerSettings

#: The zone of a host of which Nova reports none.
NO_ZONE = 'unknown'

#: The watts that a node needs when it is idle; None: not known.
Watts = Callable[[Member], float | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Lists:
    """What the services answered."""

    fleet: Fleet
    #: The zone of each host of Nova.
    zones: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    #: Those of Nova, where a rule needs them.
    aggregates: Sequence[Aggregate] = ()


class DisabledBy(enum.Enum):
    """Who disabled nova-compute."""

    US = 'metal-drivers'
    OTHERS = 'others'
    NOBODY = 'nobody'


@dataclasses.dataclass(frozen=True, slots=True)
class HalfDone:
    """A power change whose end was not seen."""

    #: Where it was to lead.
    to: PowerState
    #: When its marker was written.
    since: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class HostStatus:
    """One compute host."""

    name: str
    zone: str
    power: PowerState
    disabled_by: DisabledBy
    #: When metal-drivers saw it off; None: it is not off, or that is not
    #: known.
    off_since: datetime.datetime | None
    half_done: HalfDone | None
    #: Power ons that failed, one after the other.
    failures: int
    #: Off, and may not come back.
    unreliable: bool
    #: Never powered on or off.
    protected: bool
    #: What it needs when it is idle; None: not known.
    watts: float | None

    @property
    def off_by_us(self) -> bool:
        return (
            self.power is PowerState.OFF and self.disabled_by is DisabledBy.US
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """All compute hosts, and the nodes that are none."""

    #: In the order of their names.
    hosts: tuple[HostStatus, ...]
    #: How many nodes match no compute host.
    unmatched: int
    #: Hosts free and on, and wanted: of all hosts first, then of each group
    #: that a rule names.
    reserves: tuple[levels.Level, ...]
    #: Groups that a rule names and that do not exist, and a message for each.
    unknown: Mapping[str, str]

    def count(self, fits: Callable[[HostStatus], bool]) -> int:
        return sum(map(fits, self.hosts))

    @property
    def off_by_us(self) -> tuple[HostStatus, ...]:
        return tuple(host for host in self.hosts if host.off_by_us)

    @property
    def saved_watts(self) -> float:
        """Of the hosts whose watts are known."""
        return sum(host.watts or 0.0 for host in self.off_by_us)

    @property
    def without_watts(self) -> int:
        """How many of the hosts that save have no watts."""
        return sum(host.watts is None for host in self.off_by_us)


def take(
    lists: Lists,
    settings: PowerSettings,
    wish: Wish,
    now: datetime.datetime,
    watts: Watts = lambda member: None,
) -> Overview:
    """Put the lists of both services together.

    :param wish: how many hosts are to be free and on. In a group that does
        not exist, none is.
    """
    members = lists.fleet.members
    failures = failures_of(members)
    hosts = sorted(
        (
            Host(
                member,
                member.host,
                settings,
                now,
                failures.get(member.node.id),
            )
            for member in members
            if member.host is not None
        ),
        key=lambda host: host.order,
    )
    found, unknown = _groups(lists, wish)
    return Overview(
        tuple(
            _status(
                host,
                lists.zones.get(host.compute.name) or NO_ZONE,
                settings,
                watts(host.member),
            )
            for host in hosts
        ),
        len(members) - len(hosts),
        levels.strictest(levels.Levels(hosts, wish, found).all),
        unknown,
    )


def _groups(
    lists: Lists, wish: Wish
) -> tuple[list[levels.Group], dict[str, str]]:
    """The group of each rule, and what is wrong with those that do not
    exist."""
    zones: dict[str, set[str]] = {}
    for host, zone in lists.zones.items():
        zones.setdefault(zone or NO_ZONE, set()).add(host)
    names = {zone: frozenset(there) for zone, there in zones.items()}
    found: list[levels.Group] = []
    unknown: dict[str, str] = {}
    for rule in wish.reserve:
        try:
            found += groups.find(
                [rule], lists.fleet.members, lists.aggregates, lambda: names
            )
        except exceptions.ConfigurationError as exc:
            unknown[rule.group] = exc.message
            found.append(levels.Group(rule, frozenset()))
    return found, unknown


def _status(
    host: Host,
    zone: str,
    settings: PowerSettings,
    watts: float | None,
) -> HostStatus:
    power, mark = host.node.power_state, host.mark
    seen_off = (
        mark is not None
        and mark.kind is markers.MarkerKind.POWERED_OFF
        and power is PowerState.OFF
    )
    return HostStatus(
        name=host.compute.name,
        zone=zone,
        power=power,
        disabled_by=_disabled_by(host.compute, host),
        off_since=mark.when if mark and seen_off else None,
        half_done=_half_done(mark, power),
        failures=host.failures.count if host.failures else 0,
        unreliable=host.unreliable,
        protected=_protected(host.member, settings),
        watts=watts,
    )


def _disabled_by(compute: ComputeHost, host: Host) -> DisabledBy:
    if compute.enabled:
        return DisabledBy.NOBODY
    ours = host.mark is not None or host.adopted
    return DisabledBy.US if ours else DisabledBy.OTHERS


def _half_done(
    mark: markers.Marker | None, power: PowerState
) -> HalfDone | None:
    """A host that is on, and still disabled by us, is on its way as well:
    someone else powered it on, or a run was killed."""
    if mark is None:
        return None
    if mark.under_way:
        to = PowerState.ON if mark.kind.of_power_on else PowerState.OFF
        return HalfDone(to, mark.when)
    if power is PowerState.ON:
        return HalfDone(PowerState.ON, mark.when)
    return None


def _protected(member: Member, settings: PowerSettings) -> bool:
    request = guards.Request(member, PowerState.OFF, settings)
    return any(guards.protections(request))
