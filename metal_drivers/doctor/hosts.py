# SPDX-License-Identifier: Apache-2.0
"""Nodes and compute hosts, side by side."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence

from metal_drivers import conf, planning
from metal_drivers.compute import markers
from metal_drivers.compute.markers import Marker, MarkerKind
from metal_drivers.doctor import cures
from metal_drivers.doctor.model import Finding, Place, ok, warning
from metal_drivers.fleet import Member
from metal_drivers.guards import protecting
from metal_drivers.model import ComputeHost, PowerState
from metal_drivers.settings import PowerSettings

#: How many names a line has.
_MOST = 3
#: How many nodes have a line of their own.
_NODES = 20
#: How alike two names are that may mean one machine, from 0 to 1.
_ALIKE = 0.85


def matching(place: Place) -> Iterator[Finding]:
    """How many nodes match a compute host, and why the others do not."""
    members = place.fleet.members
    problems = [
        f'{member.node.name}: {member.problem}'
        for member in members
        if member.host is None
    ]
    matched = len(members) - len(problems)
    detail = f'{matched} of {len(members)} nodes match a compute host'
    if problems:
        yield warning(
            'matching',
            f'{detail} ({_some(problems)}). The others are never powered off '
            'or on. Correct those that run a compute host',
        )
    else:
        yield ok('matching', detail)


def mismatches(place: Place) -> Iterator[Finding]:
    """The likely reason why a node matches no compute host."""
    members = place.fleet.members
    taken = {member.host.id: member for member in members if member.host}
    in_ironic = place.selector.select().name == 'ironic'
    found = 0
    for member in members:
        if member.host is not None or found == _NODES:
            continue
        host = _likely(member, place.fleet.hosts, taken)
        if host is None:
            continue
        found += 1
        yield _mismatch(member, host, taken.get(host.id), in_ironic)


def _likely(
    member: Member, hosts: Iterable[ComputeHost], taken: Iterable[str]
) -> ComputeHost | None:
    """The compute host that may be meant, one without a node first."""
    names = {name.casefold() for name in _names(member)}
    short = {_short(name) for name in names}
    free = [host for host in hosts if host.id not in taken]
    rules: tuple[tuple[Iterable[ComputeHost], Callable[[str], bool]], ...] = (
        (free, lambda name: name in names),
        (free, lambda name: _short(name) in short),
        (hosts, lambda name: name in names),
        (
            free,
            lambda name: bool(
                difflib.get_close_matches(_short(name), short, 1, _ALIKE)
            ),
        ),
    )
    for among, fits in rules:
        found = [
            host for host in among if fits(host.hypervisor_hostname.casefold())
        ]
        if len(found) == 1:
            return found[0]
    return None


def _mismatch(
    member: Member, host: ComputeHost, other: Member | None, in_ironic: bool
) -> Finding:
    node, called = member.node, host.hypervisor_hostname
    names = {name.casefold() for name in _names(member)}
    if other is not None:
        how = f'has that name, but matches {other.node.name}'
    elif called.casefold() in names:
        how = f'has that name, and its uuid is {host.id}'
    elif _short(called.casefold()) in {_short(name) for name in names}:
        how = 'differs from that name only by the domain'
    else:
        how = 'has nearly that name'
    name = f'matching {node.name}'
    detail = f'{member.problem}. Hypervisor {called} {how}'
    if other is not None:
        return warning(
            name, f'{detail}. Two nodes cannot run one host: correct one'
        )
    if in_ironic:
        return warning(
            name,
            f'{detail}. If it runs on this node, set compute_node_id in '
            "the node's extra to that uuid",
            cures.words(
                *('openstack', 'baremetal', 'node', 'set', '--extra'),
                *(f'compute_node_id={host.id}', '--', node.id),
            ),
        )
    return warning(
        name,
        f'{detail}. If it runs on this node, give both the same name',
    )


def _names(member: Member) -> tuple[str, ...]:
    return member.node.host_names or (member.node.name,)


def _short(name: str) -> str:
    return name.partition('.')[0]


def disabled(place: Place) -> Iterator[Finding]:
    """Hosts that are on, with nova-compute disabled by metal-drivers."""
    now = datetime.datetime.now(datetime.UTC)
    told, ids = [], []
    for member in place.fleet.members:
        marker = markers.for_node(member.host, member.node.id)
        why = marker and _left(member, marker, now)
        if why:
            told.append(f'{member.label} {why}')
            ids.append(member.node.id)
    if not told:
        yield ok(
            'disabled hosts',
            'metal-drivers has left no host disabled that is on',
        )
        return
    yield warning(
        'disabled hosts',
        f'{len(told)} of the hosts that are on take no servers, since '
        f'metal-drivers has disabled nova-compute there: {_some(told)}. '
        'Enable it again with `metal-drivers node recover`',
        cures.words(*place.command, 'node', 'recover', '--', *ids),
    )


def _left(
    member: Member, marker: Marker, now: datetime.datetime
) -> str | None:
    """Why a marker should not be there any more."""
    node = member.node
    if node.power_state is not PowerState.ON or not node.settled:
        return None
    if marker.left(now) > 0:  # somebody is at work
        return None
    what = 'powering it off was begun and not finished'
    if marker.kind is MarkerKind.POWERED_OFF:
        what = 'was powered off by metal-drivers, and on by someone else'
    elif marker.kind.of_power_on:
        what = 'was to be powered on, and was not seen to come up'
    return f'({what}, {marker.when:%Y-%m-%d %H:%M} UTC)'


def protected(place: Place) -> Iterator[Finding]:
    """Patterns of protected_hosts that match nothing."""
    idle = [
        pattern
        for pattern in PowerSettings.from_conf(place.config).protected_hosts
        if not any(
            protecting(member, [pattern]) for member in place.fleet.members
        )
    ]
    if idle:
        yield warning(
            'protected hosts',
            f'no host or node matches {", ".join(idle)}. Correct '
            f'[{conf.GROUP}] protected_hosts, or remove what is not needed',
        )


def unreliable(place: Place) -> Iterator[Finding]:
    """Hosts that are off and may not come back, as an audit counts them."""
    told = [
        f'{member.label} {trouble}'
        for member, trouble in planning.unreliable(
            place.fleet.members, PowerSettings.from_conf(place.config)
        )
    ]
    if told:
        hosts = 'host' if len(told) == 1 else 'hosts'
        yield warning(
            'unreliable hosts',
            f'{len(told)} {hosts} may not come back: {_some(told)}. Check '
            'the machines, then power them on with '
            '`metal-drivers node power on`',
        )


def _some(texts: Sequence[str]) -> str:
    more = f' and {len(texts) - _MOST} more' if len(texts) > _MOST else ''
    return f'{"; ".join(texts[:_MOST])}{more}'
