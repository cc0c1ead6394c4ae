# SPDX-License-Identifier: Apache-2.0
"""``fleet``."""

import signal
from typing import Any
from unittest import mock

from metal_drivers import clock
from metal_drivers_tests.emulators import faults, messages
from metal_drivers_tests.unit.cli import base

NODES = messages.matching('GET', '/v1/nodes')


class TestFleet(base.CommandTestCase):
    def power_off(self, number: int) -> None:
        node = self.ironic.node(f'metal-{number:02}')
        node.power_state = 'power off'
        self.mark(f'compute-{number:02}', node.uuid)

    def fleet(self, *args: str) -> dict[str, Any]:
        done = self.metal('fleet', *args, '-f', 'json')
        self.assertEqual((0, ''), (done.status, done.stderr))
        return {row['Item']: row['Value'] for row in done.json}

    def test_ten_lines(self) -> None:
        self.power_off(1)
        service = self.nova.hosts['compute-03']
        service.status, service.disabled_reason = 'disabled', 'fan'
        self.ironic.node('metal-03').power_state = 'power off'
        self.config['metal_drivers']['protected_hosts'] = 'compute-02'
        self.config['metal_drivers']['idle_watts'] = '150'
        self.assertEqual(
            {
                'Hosts on': 1,
                'Hosts off by metal-drivers': 1,
                'Hosts off for other reasons': 1,
                'Hosts of unknown power': 0,
                'Half done': 0,
                'Unreliable': 0,
                'Protected': 1,
                'Nodes that match no host': 1,
                'Reserve': 'not kept (0 are free and on, 1 wanted)',
                'Saving now': 150.0,
            },
            self.fleet(),
        )
        for emulator in (self.ironic, self.nova):
            self.assertEqual(
                {'GET'}, {request.method for request in emulator.requests}
            )

    def test_who_is_half_done(self) -> None:
        node = self.ironic.node('metal-01')
        self.mark('compute-01', node.uuid, under_way=True)
        self.assertEqual(1, self.fleet()['Half done'])
        self.assertIn('1 (compute-01)', self.metal('fleet').stdout)

    def test_reserves(self) -> None:
        self.nova.add_aggregate('rack-1', ['compute-01'], 'az1')
        found = self.fleet('--reserve', 'zone=az1,min_free_hosts_num=1')
        self.assertEqual(
            'kept (1 is free and on, 1 wanted)', found['Reserve of zone az1']
        )

    def test_nothing_is_invented(self) -> None:
        self.power_off(1)
        self.assertIsNone(self.fleet()['Saving now'])
        self.assertIn('no idle_watts', self.metal('fleet').stdout)
        self.power_off(3)
        self.config['metal_drivers']['idle_watts'] = 'compute-03=1200'
        self.assertIn(
            '1,200 W (1 of 2 hosts have no idle_watts)',
            self.metal('fleet').stdout,
        )

    def test_a_service_that_does_not_answer(self) -> None:
        self.ironic.fail(NODES, faults.status(500), times=None)
        done = self.metal('fleet')
        self.assertEqual(1, done.status)
        self.assert_one_line(done, '500')

    def watch(self, *args: str, times: int = 2, **how: Any) -> base.Done:
        """``--watch``, ended by SIGTERM once it has waited that often."""
        waited = 0

        def wait(self: clock.Clock, alarm: Any, seconds: float) -> None:
            nonlocal waited
            waited += 1
            if waited >= times:
                signal.raise_signal(signal.SIGTERM)
                alarm.wait(30)
            else:
                between()

        def between() -> None:
            self.power_off(1)

        with mock.patch.object(clock.Clock, 'wait', wait):
            return self.metal('fleet', '--watch', *args, **how)

    def test_watch_at_a_terminal_redraws(self) -> None:
        done = self.watch(terminal=True)
        self.assertEqual(0, done.status, done.stderr)
        self.assertIn('\x1b[', done.stdout)
        last = done.stdout.rpartition('Item')[2]
        self.assertRegex(last, r'off by metal-drivers +1\n')
        self.assertRegex(done.stdout, r'off by metal-drivers +0')
        self.assertNotIn('+--', done.stdout)

    def test_watch_in_a_pipe_is_plain(self) -> None:
        done = self.watch('-f', 'value')
        self.assertEqual((0, ''), (done.status, done.stderr))
        self.assertNotIn('\x1b', done.stdout)
        self.assertEqual(
            ['Hosts off by metal-drivers 0', 'Hosts off by metal-drivers 1'],
            [
                line
                for line in done.stdout.splitlines()
                if line.startswith('Hosts off by metal')
            ],
        )

    def test_watch_tells_once_of_a_group_that_does_not_exist(self) -> None:
        """Once more, when it was there in between."""
        none: list[Any] = []
        rack = [('rack', ['compute-01'])]
        there = [none, none, rack, none, none]

        def wait(self_: clock.Clock, alarm: Any, seconds: float) -> None:
            if there:
                self.nova.cloud.aggregates.clear()
                for name, hosts in there.pop():
                    self.nova.add_aggregate(name, hosts)
            else:
                signal.raise_signal(signal.SIGTERM)
                alarm.wait(30)

        rule = '--reserve=aggregate=rack,min_free_hosts_num=1'
        with mock.patch.object(clock.Clock, 'wait', wait):
            done = self.metal('fleet', '--watch', rule)
        self.assertEqual(0, done.status)
        self.assertEqual(6, done.stdout.count('Reserve of aggregate rack'))
        lines = done.stderr.splitlines()
        self.assertEqual(2, len(lines), done.stderr)
        for line in lines:
            self.assertIn('aggregate rack, which does not exist', line)

    def test_watch_goes_on_where_a_service_does_not_answer(self) -> None:
        def wait(self_: clock.Clock, alarm: Any, seconds: float) -> None:
            if not waits:
                signal.raise_signal(signal.SIGTERM)
                alarm.wait(30)
            elif waits.pop():
                self.ironic.fail(NODES, faults.status(500), times=None)

        for terminal in (True, False):
            waits = [False, True]
            self.ironic.heal()
            with mock.patch.object(clock.Clock, 'wait', wait):
                done = self.metal('fleet', '--watch', terminal=terminal)
            self.assertEqual(0, done.status)
            self.assertIn('This is not up to date', done.stdout + done.stderr)
