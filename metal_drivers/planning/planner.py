# SPDX-License-Identifier: Apache-2.0
"""Asks what a decision needs beyond the two lists, and decides."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Collection, Iterable, Mapping

from metal_drivers import compute, exceptions
from metal_drivers.compute import markers
from metal_drivers.fleet import Fleet, Member
from metal_drivers.planning import groups
from metal_drivers.planning.decision import (
    Decision,
    Situation,
    decide,
    in_order,
    room_to_go_off,
)
from metal_drivers.planning.levels import Group
from metal_drivers.planning.reliability import Failures
from metal_drivers.planning.wish import Rule, Wish
from metal_drivers.settings import PowerSettings

LOG = logging.getLogger(__name__)

#: How many requests the question takes which hosts servers have left. With
#: those for groups, and for the scope of an audit, they are at most 10.
_MOST = 6
#: How many of them one host takes. For more than one host, Nova is asked for
#: the servers of all hosts.
_ONE_HOST = 3


def make_plan(
    found: Fleet,
    nova: compute.Compute,
    wish: Wish,
    settings: PowerSettings,
    *,
    scope: Collection[str] | None = None,
    wake_retry_interval: float = 3600,
    left: Collection[str] = (),
    now: datetime.datetime | None = None,
) -> Decision:
    """What to power on and off; nothing is changed.

    Asks Nova, at most eight times: for aggregates, if a rule names one or a
    zone, and once more for a zone that no aggregate makes; and which hosts
    servers have left, if ``idle_minutes`` is set and hosts are about to go
    off.

    :param scope: the hosts that it is about, by their names in Nova; None:
        all.
    :param wake_retry_interval: seconds.
    :param left: the ids of the nodes of which hooks have something left.
    :raises ConfigurationError: a rule names a group that does not exist.
    :raises MetalError: Nova cannot be asked for the groups.
    """
    now = now or datetime.datetime.now(datetime.UTC)
    names = {
        member.node.id: member.host.name
        for member in found.members
        if member.host
    }
    situation = Situation(
        tuple(
            member
            for member in found.members
            if member.node.id in names
            and (scope is None or names[member.node.id] in scope)
        ),
        settings,
        now,
        room_to_go_off(found.members, settings),
        _groups(found.members, nova, wish.reserve),
        failures=failures_of(found.members),
        wake_retry_interval=wake_retry_interval,
        left=left,
    )
    decision = decide(situation, wish)
    if not wish.idle_minutes:
        return decision
    recent = _Recent(nova, now, wish.idle_minutes, names)
    while True:
        kept = recent.kept(decision.off, situation.members)
        if kept == situation.kept:
            return decision
        # Others may go off in their place, and are asked about as well.
        situation = dataclasses.replace(situation, kept=kept)
        decision = decide(situation, wish)


def needed(nova: compute.Compute | None) -> compute.Compute:
    """Nova, without which there is no plan.

    :raises ConfigurationError: it is not configured.
    """
    if nova is None:
        raise exceptions.ConfigurationError(
            'Nova is not configured, so no node matches a compute host',
            cure='Configure [watcher_clients_auth], or an auth_type in '
            '[nova].',
        )
    return nova


def failures_of(members: Iterable[Member]) -> dict[str, Failures]:
    """Power ons that failed, by the ids of the nodes: markers tell."""
    found = {}
    for member in members:
        marker = markers.for_node(member.host, member.node.id)
        if marker and marker.kind is markers.MarkerKind.FAILED_ON:
            found[member.node.id] = Failures(marker.times, marker.when)
    return found


def unreliable(
    members: Iterable[Member],
    settings: PowerSettings,
    now: datetime.datetime | None = None,
) -> list[tuple[Member, str]]:
    """The members that are off and may not come back, as an audit counts
    them, and why not."""
    members = tuple(members)
    now = now or datetime.datetime.now(datetime.UTC)
    situation = Situation(
        members, settings, now, failures=failures_of(members)
    )
    return [
        (host.member, host.trouble)
        for host in in_order(situation)
        if host.unreliable
    ]


def _groups(
    members: tuple[Member, ...], nova: compute.Compute, rules: tuple[Rule, ...]
) -> tuple[Group, ...]:
    aggregates = nova.list_aggregates() if groups.in_nova(rules) else []
    return groups.find(rules, members, aggregates, lambda: _zones(nova))


def _zones(nova: compute.Compute) -> groups.Names:
    zones: dict[str, set[str]] = {}
    for service in nova.list_services():
        if service.zone is not None:
            zones.setdefault(service.zone, set()).add(service.host)
    return {name: frozenset(hosts) for name, hosts in zones.items()}


class _Recent:
    """Which hosts had a server a short while ago, asked when it is needed,
    and once.

    :param names: of the hosts, by the ids of their nodes.
    """

    def __init__(
        self,
        nova: compute.Compute,
        now: datetime.datetime,
        minutes: float,
        names: Mapping[str, str],
    ) -> None:
        self._nova = nova
        self._names = names
        self._since = now - datetime.timedelta(minutes=minutes)
        self._minutes = f'{minutes:g} min (idle_minutes)'
        self._left = _MOST
        #: By the host: what tells that a server was there; None: nothing.
        self._known: dict[str, str | None] = {}
        #: The same of all hosts, once they were asked for.
        self._all: Mapping[str, str] | None = None
        #: Why no more can be known.
        self._error = ''

    def kept(
        self, off: Iterable[Member], scope: Iterable[Member]
    ) -> Mapping[str, str]:
        """Why hosts do not go off, by the ids of their nodes; only those
        that do not, and of which that is known.

        What cannot be answered keeps all hosts on, so Nova is not asked
        again.

        :param off: those that are about to go off: only they are asked for.
        :param scope: all that an audit is about.
        """
        names = [self._names[member.node.id] for member in off]
        if names and self._all is None:
            try:
                self._ask(names)
            except exceptions.MetalError as exc:
                self._error = exc.message
                LOG.warning(
                    'It is not known where servers were within %s, so hosts '
                    'stay on: %s',
                    self._minutes,
                    exc,
                )
        reasons = {
            member.node.id: self._reason(self._names[member.node.id])
            for member in scope
        }
        return {key: reason for key, reason in reasons.items() if reason}

    def _ask(self, names: list[str]) -> None:
        """:raises MetalError: Nova cannot be asked."""
        if len(self._known) + len(names) > 1:
            self._all = self._nova.left_hosts(self._since, self._left)
            return
        (name,) = names
        self._left -= _ONE_HOST
        self._known[name] = self._nova.left_host(name, self._since)

    def _reason(self, name: str) -> str | None:
        found = self._known.get(name)
        if self._all is not None:
            found = self._all.get(name)
        if found:
            return f'a server was on it within {self._minutes}: {found}'
        if self._error:
            return (
                'it is not known whether a server was on it within '
                f'{self._minutes}: {self._error}'
            )
        return None
