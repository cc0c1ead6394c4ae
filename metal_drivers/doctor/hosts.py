# SPDX-License-Identifier: Apache-2.0
"""Nodes and compute hosts, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metal_drivers import planning
from metal_drivers.doctor.model import Finding, Place, ok, warning
from metal_drivers.power import PowerSettings
from metal_drivers.power.guards import protecting

#: How many names a line has.
_MOST = 3


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
        yield warning('matching', f'{detail} ({_some(problems)})')
    else:
        yield ok('matching', detail)


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
            'protected hosts', f'no host or node matches {", ".join(idle)}'
        )


def unreliable(place: Place) -> Iterator[Finding]:
    """Hosts that failed to power on."""
    members = place.fleet.members
    failures = planning.failures_of(members)
    told = [
        f'{member.label} {failures[member.node.id]}'
        for member in members
        if member.node.id in failures
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
