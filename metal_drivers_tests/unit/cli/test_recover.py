# SPDX-License-Identifier: Apache-2.0
"""What interrupted runs have left is cleared up."""

from metal_drivers_tests.unit.cli import base

THEIRS = 'kernel upgrade'


class TestRecover(base.CommandTestCase):
    """compute-01 was to be switched off, and is on; compute-02 is others',
    and compute-03 was switched off."""

    def setUp(self) -> None:
        super().setUp()
        one, _, three, _ = self.ironic.nodes.values()
        self.mark('compute-01', one.uuid, under_way=True)
        self.mark('compute-03', three.uuid)
        three.power_state = 'power off'
        service = self.nova.hosts['compute-02']
        service.status, service.disabled_reason = 'disabled', THEIRS

    def test_all_that_bear_our_mark(self) -> None:
        done = self.metal('node', 'recover', '-f', 'json')
        self.assertEqual(0, done.status, done.stdout)
        self.assertEqual(
            [
                ('metal-01 (compute-01)', 'done'),
                ('metal-03 (compute-03)', 'already'),
            ],
            [(row['Node'], row['Result']) for row in done.json],
        )
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)
        self.assertEqual('disabled', self.nova.hosts['compute-03'].status)
        self.assertEqual(THEIRS, self.nova.hosts['compute-02'].disabled_reason)
        self.assertEqual('power off', self.ironic.node('metal-03').power_state)

    def test_those_that_are_named(self) -> None:
        done = self.metal('node', 'recover', 'compute-02', 'x', '-f', 'json')
        self.assertEqual(1, done.status)
        self.assertEqual(
            ['already', 'failed'], [row['Result'] for row in done.json]
        )
        self.assertIn('not disabled by metal-drivers', done.json[0]['Detail'])
        self.assertEqual('disabled', self.nova.hosts['compute-01'].status)

    def test_dry_run(self) -> None:
        done = self.metal('node', 'recover', '--dry-run', '-f', 'json')
        self.assertEqual('planned', done.json[0]['Result'])
        self.assertEqual('disabled', self.nova.hosts['compute-01'].status)

    def test_without_nova_nobody_knows(self) -> None:
        del self.config['nova']
        done = self.metal('node', 'recover')
        self.assertEqual(2, done.status)
        self.assert_one_line(done, 'Nova', 'Configure [nova]')

    def test_nothing_to_do(self) -> None:
        for host in self.nova.hosts.values():
            host.status, host.disabled_reason = 'enabled', None
        done = self.metal('node', 'recover', '-f', 'json')
        self.assertEqual((0, []), (done.status, done.json))
