# SPDX-License-Identifier: Apache-2.0
"""Hosts to decide about."""

import datetime
import random
from collections.abc import Mapping
from typing import Any

from metal_drivers.compute import markers
from metal_drivers.fleet import Member
from metal_drivers.model import ComputeHost, Node, PowerState
from metal_drivers.planning.decision import Decision, Situation, decide
from metal_drivers.planning.levels import Group
from metal_drivers.planning.reliability import Failures
from metal_drivers.planning.wish import Wish
from metal_drivers.power import PowerSettings
from metal_drivers_tests.unit import base

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
ON, OFF = PowerState.ON, PowerState.OFF


def host(
    number: int,
    power: PowerState = ON,
    servers: int | None = 0,
    *,
    ours: float | None = None,
    under_way: bool = False,
    reason: str | None = None,
    up: bool | None = None,
    **node: Any,
) -> Member:
    """A matched host.

    :param ours: hours since we disabled it.
    :param under_way: whether it was not seen off since.
    :param reason: why others disabled it.
    """
    if ours is not None:
        when = NOW - datetime.timedelta(hours=ours)
        kind = (
            markers.MarkerKind.POWERING_OFF
            if under_way
            else markers.MarkerKind.POWERED_OFF
        )
        reason = markers.reason(f'id-{number}', when, kind)
    up = power is ON if up is None else up
    return Member(
        Node(f'id-{number}', f'node-{number}', power, **node),
        ComputeHost(
            f'hv-{number}',
            f'host-{number}',
            f'host-{number}.example',
            'up' if up else 'down',
            'disabled' if reason else 'enabled',
            f'service-{number}',
            reason,
            servers,
        ),
    )


class DecisionTestCase(base.TestCase):
    def decide(
        self,
        *members: Member,
        settings: PowerSettings | None = None,
        room: int | None = None,
        groups: tuple[Group, ...] = (),
        kept: Mapping[str, str] | None = None,
        failures: Mapping[str, Failures] | None = None,
        **wish: Any,
    ) -> Decision:
        mixed = list(members)
        random.shuffle(mixed)
        situation = Situation(
            tuple(mixed),
            settings or PowerSettings(),
            NOW,
            room,
            groups,
            kept or {},
            failures or {},
        )
        return decide(situation, Wish(**wish))

    def reason(self, decision: Decision, number: int) -> str:
        """What is said of a host."""
        (found,) = (
            verdict.reason
            for verdict in decision.verdicts
            if verdict.member.node.id == f'id-{number}'
        )
        return found

    def assert_off(self, decision: Decision, *expected: int) -> None:
        self.assertEqual(list(expected), numbers(decision.off))
        self.assertEqual([], numbers(decision.on))

    def assert_on(self, decision: Decision, *expected: int) -> None:
        self.assertEqual(list(expected), numbers(decision.on))
        self.assertEqual([], numbers(decision.off))


def numbers(members: tuple[Member, ...]) -> list[int]:
    return [int(member.node.id.removeprefix('id-')) for member in members]
