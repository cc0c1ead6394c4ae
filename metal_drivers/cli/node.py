# SPDX-License-Identifier: Apache-2.0
"""``node list`` and ``node show``."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from metal_drivers import ages, fleet
from metal_drivers.cli import base, live
from metal_drivers.compute import markers
from metal_drivers.hooks import HookNote
from metal_drivers.model import ComputeHost, Node, PowerState

_COLUMNS = (
    'ID',
    'Name',
    'Power State',
    'Host',
    'Hypervisor State',
    'Servers',
    'Note',
)

_NONE: Mapping[str, Sequence[HookNote]] = {}

#: Seconds after which it is said how old a power state is.
_RECENT = 60.0


class ListNodes(base.FittedLister):
    """List the nodes, with the compute hosts on them."""

    COLUMNS = _COLUMNS
    EXAMPLES = (
        (
            'All nodes, at a terminal in its width.',
            'metal-drivers node list',
        ),
        (
            'Power states as they are now, if the service can be queried.',
            'metal-drivers node list --live',
        ),
        (
            'For a script: names and power states.',
            'metal-drivers node list -f csv -c Name -c "Power State"',
        ),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            '--live',
            action='store_true',
            help='query each power state now, instead of showing what the '
            'service last reported',
        )
        parser.add_argument(
            '--long',
            action='store_true',
            help='show every column on a terminal; formats other than table '
            'always have all of them',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        connection = self.connect()
        with self.waiting(connection.compute):
            members = connection.fleet().members
            if parsed_args.live:
                members = live.members(connection.driver, members)
            notes = connection.hooks.notes()
        adopted = connection.settings.adopted_reasons
        return _COLUMNS, [row(member, notes, adopted) for member in members]

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        chosen = parsed_args.long or parsed_args.columns
        if self.at_terminal(parsed_args) and not chosen:
            # Chosen here, so that it can still be sorted by.
            parsed_args.columns = [
                name for name in column_names if name != 'ID'
            ]
        return super().produce_output(parsed_args, column_names, data)


class ShowNode(base.ShowOne):
    """Show everything known about one node; its power state is queried now."""

    EXAMPLES = (
        (
            'By the name of its compute host.',
            'metal-drivers node show compute-01',
        ),
        (
            'Only its power state.',
            'metal-drivers node show metal-01 -f value -c "Power State"',
        ),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            'node',
            metavar='NODE',
            help='an id, a node name or a host name',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        connection = self.connect()
        driver = connection.driver
        with self.waiting(connection.compute):
            member = connection.find([parsed_args.node]).find(parsed_args.node)
            member = dataclasses.replace(
                member, node=driver.get_node(member.node.id)
            )
            notes = connection.hooks.notes()
        adopted = connection.settings.adopted_reasons
        node, host = member.node, member.host
        seen = ages.as_seen(node, driver.capabilities, _now())
        rows = dict(
            zip(_COLUMNS, row(member, notes, adopted), strict=True)
        ) | {
            'Power State': _State(node.power_state, seen),
            'Asked Live': not seen,
            'Hypervisor': host.hypervisor_hostname if host else None,
            'Hypervisor ID': host.id if host else None,
            'Compute Service': host.status if host else None,
            'Disabled Reason': host.disabled_reason if host else None,
            'Observed At': node.observed_at and str(node.observed_at),
            'Powered On At': node.powered_on_at and str(node.powered_on_at),
            'Changing To': node.target.value if node.target else None,
            'Busy': node.busy,
            'Maintenance': node.maintenance,
            'Locked': node.locked,
            'Must Stay On': node.keep_on,
            'Must Stay Off': node.keep_off,
            'Soft Off': node.soft_off,
            'Fault': node.fault,
            'Labels': ', '.join(sorted(node.labels)),
        }
        rows |= {
            name.replace('_', ' ').title(): value
            for name, value in node.details.items()
        }
        return list(rows), [
            base.OrNothing(value) if value is None else value
            for value in rows.values()
        ]


class _State(base.Column):
    """A power state, and for people how old it is."""

    def __init__(self, state: PowerState, seen: str = '') -> None:
        super().__init__(state.value)
        self._seen = seen

    def human_readable(self) -> str:
        return f'{self._value} ({self._seen})' if self._seen else self._value


def _old(node: Node) -> str:
    """When its power state was seen, where that is worth a word."""
    if node.observed_at is None:
        return ''
    now = _now()
    if (now - node.observed_at).total_seconds() < _RECENT:
        return ''
    return ages.ago(node.observed_at, now)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def row(
    member: fleet.Member,
    notes: Mapping[str, Sequence[HookNote]] = _NONE,
    adopted: Sequence[str] = (),
) -> tuple[Any, ...]:
    """What ``node list`` shows of it.

    :param notes: what hooks know of hosts, by their names.
    :param adopted: ``adopted_reasons``.
    """
    node, host = member.node, member.host
    return (
        node.id,
        node.name,
        _State(node.power_state, _old(node)),
        base.OrNothing(host.name if host else None),
        base.OrNothing(host.state if host else None),
        base.OrNothing(host.servers if host else None),
        '; '.join([*_notes(member, adopted), *_of_hooks(member, notes)]),
    )


def _of_hooks(
    member: fleet.Member, notes: Mapping[str, Sequence[HookNote]]
) -> Iterable[str]:
    host = member.host.name if member.host else ''
    return (note.text for note in notes.get(host, ()) if note.text)


def _notes(member: fleet.Member, adopted: Sequence[str]) -> Iterable[str]:
    """What is out of the ordinary."""
    node, host = member.node, member.host
    if member.problem:
        yield f'unmatched: {member.problem}'
    if node.maintenance is not None:
        yield f'maintenance: {node.maintenance}'
    if node.locked is not None:
        yield f'locked: {node.locked}'
    if node.target is not None:
        yield f'changing to {node.target.value}'
    elif node.busy is not None:
        yield f'busy: {node.busy}'
    for reason in dict.fromkeys((node.keep_on, node.keep_off)):
        if reason:
            yield reason
    if node.fault is not None:
        yield f'fault: {node.fault}'
    if host is not None and not host.enabled:
        yield _disabled(node, host, adopted)


def _disabled(node: Node, host: ComputeHost, adopted: Sequence[str]) -> str:
    """Who disabled nova-compute, and what to do about it."""
    marker = markers.of(host)
    off = node.power_state is PowerState.OFF
    if off and markers.adopted(host, adopted):
        return (
            'counts as powered off by metal-drivers (adopted_reasons), with '
            f'the reason of someone else: {host.disabled_reason}'
        )
    if marker is None:
        reason = host.disabled_reason or 'no reason was given'
        return f'nova-compute disabled by someone else: {reason}'
    since = f'{marker.when:%Y-%m-%d %H:%M:%S} UTC'
    if markers.for_node(host, node.id) is None:
        return (
            f'nova-compute disabled by metal-drivers since {since}, for '
            f'another node ({marker.node_id})'
        )
    if not node.settled:
        return f'nova-compute disabled by metal-drivers since {since}'
    if node.power_state is PowerState.OFF:
        if marker.kind is markers.MarkerKind.POWERING_ON:
            return f'off; metal-drivers began powering it on at {since}'
        if marker.kind is markers.MarkerKind.FAILED_ON:
            times = '1 time' if marker.times == 1 else f'{marker.times} times'
            return f'failed to power on {times}, last at {since}'
        return f'powered off by metal-drivers since {since}'
    back = f'`metal-drivers node recover {host.name}` enables nova-compute'
    if marker.under_way:
        return (
            f'interrupted: metal-drivers began {marker.kind.work} at {since}; '
            f'if no process is at work on it, {back}'
        )
    if marker.kind is markers.MarkerKind.FAILED_ON:
        return f'failed to power on at {since}, but not off any more; {back}'
    return (
        f'powered off by metal-drivers at {since}, but not off any more; '
        f'{back}'
    )
