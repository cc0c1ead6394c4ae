# SPDX-License-Identifier: Apache-2.0
"""Ironic with real Redfish, to a BMC that only pretends."""

from metal_drivers_tests.emulators import nova as nova_emulator
from metal_drivers_tests.functional import base
from metal_drivers_tests.functional.services import (
    ironic,
    redfish,
    waiting,
)

HOST = 'compute-01'
OURS = 'metal-drivers/1 '


class TestRedfish(base.TestCase):
    """Two machines at one BMC; on the first runs a compute host."""

    def setUp(self) -> None:
        super().setUp()
        self.bmc = redfish.RedfishBMC(
            ('first', 'second'), power='On', power_delay=1
        )
        self.start_service(self.bmc)
        self.ironic = ironic.StandaloneIronic(redfish=True)
        self.start_service(self.ironic)
        self.nova = self.useFixture(nova_emulator.NovaEmulator([HOST]))
        self.host = self.nova.hosts[HOST]
        self.node = self.ironic.enroll(
            'metal-1',
            driver='redfish',
            driver_info=self.bmc.driver_info(),
            extra={'compute_node_id': self.host.hypervisor_id},
        )
        self.nova.power_probe = lambda name: self.bmc.power_state() == 'On'
        self.config = self.config_of(
            {
                base.IRONIC: {
                    'auth_type': 'none',
                    'endpoint_override': self.ironic.url,
                },
                'nova': {
                    'auth_type': 'none',
                    'endpoint_override': f'{self.nova.url}/v2.1',
                },
            }
        )

    def power_off(self, *words: str) -> base.Run:
        return self.listing(
            self.config,
            *('node', 'power', 'off', '--yes', HOST, '--hard', *words),
        )

    def power_on(self, *words: str) -> base.Run:
        return self.listing(self.config, 'node', 'power', 'on', HOST, *words)

    def point_at(self, driver_info: dict[str, str]) -> None:
        self.ironic.patch(self.node, {'driver_info': driver_info})

    def assert_held(self) -> None:
        """nova-compute is disabled, by us."""
        self.assertEqual('disabled', self.host.status)
        reason = self.host.disabled_reason or ''
        self.assertTrue(reason.startswith(OURS), reason)

    def test_the_right_machine_goes_off_and_comes_back(self) -> None:
        _, second = self.bmc.system_ids
        self.assert_row(self.power_off(), 'done', 'hard power off')
        self.assertEqual('Off', self.bmc.power_state())
        self.assertEqual('On', self.bmc.power_state(second))
        self.assert_held()
        self.assert_row(self.power_on(), 'done', 'up and enabled')
        self.assertEqual('On', self.bmc.power_state())
        self.assertEqual('enabled', self.host.status)
        run = self.listing(
            self.config,
            *('node', 'power', 'off', '--yes', '--soft', HOST),
        )
        self.assert_row(run, 'done', 'soft power off')
        self.assertEqual('Off', self.bmc.power_state())
        self.assertEqual('On', self.bmc.power_state(second))

    def test_bmc_that_refuses_is_a_prompt_failure(self) -> None:
        wrong = self.bmc.wrong_system()
        self.point_at(wrong)
        run = self.power_off()
        self.assert_row(
            run, 'failed', 'gave up', wrong['redfish_system_id'], 'is on'
        )
        self.assertLess(run.seconds, base.BOUND)
        self.assert_kept(run, wrong['redfish_password'])
        self.assertEqual('On', self.bmc.power_state())
        # The host is as it was.
        self.assertEqual('enabled', self.host.status)
        self.assertIsNone(self.host.disabled_reason)

    def test_bmc_that_hangs_keeps_the_host_disabled(self) -> None:
        """The change is pending, so that no server must land there."""
        self.nova.power_probe = None
        self.bmc.pause()
        self.addCleanup(self.bmc.resume)
        run = self.power_off('--timeout', '3')
        self.assert_row(
            run, 'timed out', 'not reported off within 3 s', 'may still'
        )
        self.assertLess(run.seconds, base.BOUND)
        self.assertEqual(
            'power off', self.ironic.node(self.node)['target_power_state']
        )
        self.assert_held()

        # It is as it was said: the node goes off after all.
        self.bmc.resume()
        found = self.ironic.wait_settled(self.node, 90)
        self.assertEqual('power off', found['power_state'])
        self.assertEqual('Off', self.bmc.power_state())
        self.nova.power_probe = lambda name: self.bmc.power_state() == 'On'
        self.assert_row(self.power_off(), 'already', 'off')
        self.assert_held()
        self.assert_row(self.power_on(), 'done', 'up and enabled')
        self.assertEqual('On', self.bmc.power_state())
        self.assertEqual('enabled', self.host.status)

    def test_bmc_that_is_not_there(self) -> None:
        """Ironic takes minutes to give up; a restart is quicker."""
        self.point_at(self.bmc.unreachable())
        run = self.power_off('--timeout', '3')
        self.assert_row(run, 'timed out', '3 s', 'may still')
        self.assertLess(run.seconds, base.BOUND)
        self.assert_held()
        # While it is pending, others wait, and change nothing.
        run = self.power_on('--timeout', '2')
        self.assert_row(run, 'timed out', 'its change to off')
        self.assert_held()

        self.point_back()
        self.assertEqual('On', self.bmc.power_state())
        run = self.listing(self.config, 'node', 'list')
        self.assertEqual('on', run.row['Power State'])
        self.assertIn('interrupted', run.row['Note'])
        # The node is on, and the command finishes the rest.
        self.host.disabled_reason = base.aged(self.host.disabled_reason)
        self.assert_row(self.power_on(), 'already', 'up and enabled')
        self.assertEqual('enabled', self.host.status)
        self.assertIsNone(self.host.disabled_reason)

    def point_back(self) -> None:
        """End what Ironic is at, and give it the right address."""
        self.ironic.restart(crash=True)
        waiting.wait_until(
            lambda: not self.ironic.node(self.node)['reservation'],
            'the conductor to let go of the node',
        )
        self.point_at(self.bmc.driver_info())
