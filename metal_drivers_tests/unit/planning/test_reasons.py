# SPDX-License-Identifier: Apache-2.0
"""Why each host stays, goes or comes."""

import dataclasses
from typing import Any

from metal_drivers.model import PowerState
from metal_drivers.planning.decision import Action
from metal_drivers.power import PowerSettings
from metal_drivers_tests.unit.planning import base
from metal_drivers_tests.unit.planning.base import OFF, host


class TestReasons(base.DecisionTestCase):
    def test_one_line_for_each_host_in_the_order_of_names(self) -> None:
        members = [host(n) for n in (10, 9, 2)]
        members.append(dataclasses.replace(host(1), host=None))
        verdicts = self.decide(*members).verdicts
        self.assertEqual(
            [
                'node-2 (host-2): off: no servers are on it; 3 are free and '
                'on, 1 wanted',
                'node-9 (host-9): off: no servers are on it; 3 are free and '
                'on, 1 wanted',
                'node-10 (host-10): stay: kept as a reserve; 3 are free and '
                'on, 1 wanted',
            ],
            list(map(str, verdicts)),
        )

    def test_that_of_each(self) -> None:
        """Beside a host that is free and on."""
        for number, (member, action, part) in enumerate(
            (
                (host(1, servers=1), Action.STAY, '1 server is on it'),
                (host(1, servers=7), Action.STAY, '7 servers are on it'),
                (host(1, servers=None), Action.STAY, 'it is not known how'),
                (host(1, maintenance='disk'), Action.STAY, 'in maintenance'),
                (host(1, locked='Jo'), Action.STAY, 'it is locked (Jo)'),
                (host(1, busy='cleaning'), Action.STAY, 'busy: cleaning'),
                (host(1, target=OFF), Action.STAY, 'changing to off'),
                (host(1, reason='fan'), Action.STAY, 'someone else: fan'),
                (host(1, up=False), Action.STAY, 'nova-compute is not up'),
                (host(1, PowerState.ERROR), Action.STAY, 'state is error'),
                (host(1, PowerState.UNKNOWN), Action.STAY, 'is unknown'),
                (host(1, OFF), Action.STAY, 'it is off, and not wanted on'),
                (
                    host(1, OFF, ours=12),
                    Action.STAY,
                    'off since 2026-11-22 00:00:00 UTC, and not wanted on',
                ),
                (host(1, OFF, reason='fan'), Action.STAY, 'else: fan'),
                (host(1, OFF, servers=2), Action.STAY, 'it is off, and 2'),
                (host(1, OFF, ours=1, locked='Jo'), Action.STAY, 'locked'),
                (
                    host(1, OFF, ours=1, fault='fan'),
                    Action.STAY,
                    'it has a fault: fan',
                ),
                (
                    host(1, ours=0.01, under_way=True),
                    Action.STAY,
                    'metal-drivers may be powering it off: it began at',
                ),
                (
                    host(1, ours=1, keep_on='disable_power_off'),
                    Action.ON,
                    'does not go off: the bare metal service forbids',
                ),
                (
                    host(1, servers=2, ours=1),
                    Action.ON,
                    '2 servers are on it, and metal-drivers left',
                ),
                (host(1, ours=1), Action.OFF, 'was interrupted'),
            )
        ):
            with self.subTest(number=number):
                decision = self.decide(member, host(2))
                first = decision.verdicts[0]
                self.assertIn(part, first.reason)
                self.assertIs(action, first.action)

    def assert_told(
        self, part: str, *members: Any, at: int = 0, **wish: Any
    ) -> None:
        decision = self.decide(*members, **wish)
        self.assertIn(part, decision.verdicts[at].reason)

    def test_what_is_missing(self) -> None:
        self.assert_told(
            '0 are free and on, 1 wanted; off since 2026-11-22 11:00:00 UTC',
            host(1, OFF, ours=1),
        )
        self.assert_told(
            'wanted; it is on, and metal-drivers', host(1, ours=1)
        )

    def test_limits(self) -> None:
        self.assert_told(
            'max_powered_off',
            host(1),
            host(2),
            room=0,
        )
        self.assert_told('max_powered_off', host(1, ours=1), host(2), room=0)
        self.assert_told(
            'at most 1 actions: max_actions',
            host(1),
            host(2),
            host(3),
            at=1,
            max_actions=1,
        )
        self.assert_told(
            'protected_hosts',
            host(1),
            host(2),
            settings=PowerSettings(protected_hosts=('host-1',)),
        )
        self.assert_told(
            'min_dwell',
            host(1, OFF, ours=1),
            settings=PowerSettings(min_dwell=7200),
        )

    def test_what_else_keeps_it_on(self) -> None:
        kept = {'id-1': 'a server was on it'}
        self.assert_told('a server was', host(1), host(2), kept=kept)
        self.assert_told(
            'does not go off: a server was',
            host(1, ours=1),
            host(2),
            kept=kept,
        )

    def test_waited_for(self) -> None:
        self.assert_told(
            'nova-compute is not up yet, and is waited for; 0 are free',
            host(1, ours=1, up=False),
            host(2, OFF, ours=1),
        )
