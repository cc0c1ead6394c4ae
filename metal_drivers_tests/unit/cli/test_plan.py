# SPDX-License-Identifier: Apache-2.0
"""``plan``."""

import json
from typing import Any

from metal_drivers_tests.unit.cli import base


class TestPlan(base.CommandTestCase):
    """compute-01 and compute-03 are free and on, compute-02 is busy."""

    def plan(self, *args: str) -> dict[str, str]:
        """The action for each node."""
        done = self.metal('plan', *args, '-f', 'json')
        self.assertEqual((0, ''), (done.status, done.stderr))
        return {row['Node'].split()[0]: row['Action'] for row in done.json}

    def test_a_row_for_each_host(self) -> None:
        done = self.metal('plan', '-f', 'json')
        self.assertEqual((0, ''), (done.status, done.stderr))
        self.assertEqual(
            [
                {
                    'Node': 'metal-01 (compute-01)',
                    'Action': 'off',
                    'Reason': 'no servers are on it; 2 are free and on, '
                    '1 wanted',
                },
                {
                    'Node': 'metal-02 (compute-02)',
                    'Action': 'stay',
                    'Reason': '1 server is on it',
                },
                {
                    'Node': 'metal-03 (compute-03)',
                    'Action': 'stay',
                    'Reason': 'kept as a reserve; 2 are free and on, 1 wanted',
                },
            ],
            done.json,
        )

    def test_a_table(self) -> None:
        done = self.metal('plan')
        self.assertIn('Reason', done.stdout)
        self.assertIn('1 server is on it', done.stdout)
        self.assertIn(
            'kept as a reserve', self.metal('plan', terminal=True).stdout
        )

    def test_changes_nothing(self) -> None:
        before = {
            name: (host.status, host.disabled_reason)
            for name, host in self.nova.hosts.items()
        }
        self.assertEqual('off', self.plan()['metal-01'])
        for service in (self.ironic, self.nova):
            self.assertEqual(
                {'GET'}, {request.method for request in service.requests}
            )
        self.assertEqual(
            before,
            {
                name: (host.status, host.disabled_reason)
                for name, host in self.nova.hosts.items()
            },
        )

    def test_how_many(self) -> None:
        self.assertEqual('off', self.plan()['metal-01'])
        for args in (
            ('--min-free-hosts-num', '2'),
            ('--free-used-percent', '200'),
        ):
            self.assertEqual({'stay'}, set(self.plan(*args).values()))
        plan = self.plan('--min-free-hosts-num=0', '--max-actions=1')
        self.assertEqual(['off', 'stay', 'stay'], list(plan.values()))
        plan = self.plan('--min-free-hosts-num=0')
        self.assertEqual(['off', 'stay', 'off'], list(plan.values()))

    def test_reserve(self) -> None:
        self.nova.add_aggregate('rack-1', ['compute-01'], 'az1')
        self.nova.add_aggregate('ssd', ['compute-03'])
        rules: list[dict[str, Any]] = [
            {'zone': 'az1', 'min_free_hosts_num': 1},
            {'aggregate': 'ssd', 'min_free_hosts_num': 1},
        ]
        for args, kept in (
            (['--reserve', 'zone=az1,min_free_hosts_num=1'], ['metal-01']),
            (
                ['--reserve', ' zone = az1, min_free_hosts_num=1 '],
                ['metal-01'],
            ),
            (['--reserve', json.dumps(rules[0])], ['metal-01']),
            (
                ['--reserve', json.dumps(rules)],
                ['metal-01', 'metal-03'],
            ),
            (
                [
                    '--reserve=zone=az1,min_free_hosts_num=1',
                    '--reserve=aggregate=ssd,min_free_hosts_num=1',
                ],
                ['metal-01', 'metal-03'],
            ),
            (['--reserve', 'zone=az1,free_used_percent=99.5'], []),
        ):
            with self.subTest(args=args):
                plan = self.plan('--min-free-hosts-num=0', *args)
                self.assertEqual(
                    ['metal-02', *kept],
                    sorted(
                        (node for node in plan if plan[node] == 'stay'),
                        key=lambda node: (node != 'metal-02', node),
                    ),
                )

    def test_a_reserve_that_cannot_be_kept(self) -> None:
        self.nova.add_aggregate('rack-1', ['compute-01'], 'az1')
        done = self.metal(
            'plan',
            '--reserve=zone=az1,min_free_hosts_num=50',
            '--min-free-hosts-num=2',
        )
        self.assertEqual(0, done.status)
        self.assertIn('kept as a reserve', done.stdout)
        (line,) = done.stderr.splitlines()
        self.assertIn(
            'The reserve of zone az1 cannot be kept: 1 of 50 hosts is free '
            'and on, or will be.',
            line,
        )

    def test_a_group_that_does_not_exist(self) -> None:
        self.nova.add_aggregate('rack-1', ['compute-01'], 'az1')
        done = self.metal('plan', '--reserve=zone=az2,min_free_hosts_num=1')
        self.assertEqual(2, done.status)
        self.assert_one_line(
            done, 'zone az2, which does not exist', 'az1, nova'
        )

    def test_wrong_options_are_usage(self) -> None:
        for args, part in (
            (['--reserve', 'az1'], 'NAME=VALUE'),
            (['--reserve', 'zone=az1'], 'none of min_free_hosts_num'),
            (['--reserve', 'zone= ,min_free_hosts_num=1'], 'not a name'),
            (['--reserve', 'zone=a,zone=b,min_free_hosts_num=1'], 'twice'),
            (['--reserve', 'zone=a,min_free_hosts_num=many'], 'whole number'),
            (['--reserve', '{"zone": "az1"'], 'is not JSON'),
            (['--reserve', '{zone: az1}'], 'Quote names'),
            (['--reserve', '[7]'], 'not an object'),
            (['--idle-minutes', '-1'], 'at least 0'),
            (['--exercise-days', 'nan'], 'at least 0'),
            (['--max-actions', '0'], 'at least 1'),
            (['--free-used-percent', 'ten'], 'at least 0'),
        ):
            with self.subTest(args=args):
                done = self.metal('plan', *args)
                self.assertEqual(2, done.status)
                self.assertIn(part, done.stderr)

    def test_idle_minutes(self) -> None:
        self.nova.remove_server(self.nova.add_server('compute-01'))
        plan = self.plan('--idle-minutes=30', '--min-free-hosts-num=0')
        self.assertEqual(['stay', 'stay', 'off'], list(plan.values()))

    def test_exercise_days(self) -> None:
        node = self.ironic.node('metal-01')
        node.power_state = 'power off'
        self.mark('compute-01', node.uuid)
        self.assertEqual('stay', self.plan()['metal-01'])
        self.assertEqual('on', self.plan('--exercise-days=30')['metal-01'])

    def test_any_off_host(self) -> None:
        """As the strategy is configured in Watcher's file."""
        node = self.ironic.node('metal-01')
        node.power_state = 'power off'
        service = self.nova.hosts['compute-01']
        service.status, service.disabled_reason = 'disabled', 'fan'
        args = ('--min-free-hosts-num=2',)
        done = self.metal('plan', *args)
        self.assertIn('is off, and nova-compute was disabled', done.stdout)
        self.config['watcher_strategies.metal_saving_energy'] = {
            'any_off_host': True
        }
        self.assertEqual('on', self.plan(*args)['metal-01'])

    def test_without_nova(self) -> None:
        del self.config['nova']
        done = self.metal('plan')
        self.assertEqual(2, done.status)
        self.assert_one_line(done, 'Nova is not configured')
