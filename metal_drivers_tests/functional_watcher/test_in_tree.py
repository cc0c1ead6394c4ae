# SPDX-License-Identifier: Apache-2.0
"""Watcher's own strategy and action, unmodified, on our helper.

All that is changed is what ``factory.get_helper`` returns, as the change
to Watcher in the documentation has it.
"""

import fixtures
from watcher.common.metal_helper import constants, factory
from watcher.tests.functional import topology

from metal_drivers.watcher import helper
from metal_drivers_tests.functional_watcher import backends, base


class _Abstract:
    """Hides it from whoever collects tests."""

    class InTree(backends.Backend):
        # Watcher's compute model; our side asks another Nova, with the
        # same hosts.
        COMPUTE_TOPOLOGY = topology.ComputeTopology().add_computes(count=4)

        def setUp(self) -> None:
            super().setUp()
            self.useFixture(
                fixtures.MonkeyPatch(
                    'watcher.common.metal_helper.factory.get_helper',
                    helper.get_helper,
                )
            )

        def run_cycle(self, **parameters: int) -> dict[str, str]:
            """What Watcher has switched, by host."""
            audit = self.end_of_audit(
                self.create_audit(
                    strategy='saving_energy', parameters=parameters
                )
            )
            self.assertEqual('SUCCEEDED', audit['state'], audit)
            plan = self.execute(self.plan_of(audit))
            actions = self.actions_of(plan)
            self.assertEqual('SUCCEEDED', plan['state'], actions)
            return {
                host: action['input_parameters']['state']
                for host, action in zip(
                    base.names(actions), actions, strict=True
                )
            }

        def test_off_and_back_on(self) -> None:
            switched = self.run_cycle()
            self.assertEqual(['off', 'off'], list(switched.values()))
            self.assertNotIn('compute-1', switched)
            for host in switched:
                self.assertEqual('off', self.power(host))
                self.assert_service(host, 'disabled', 'metal-drivers/1')
            # It forgets to skip an empty plan, so ask for something.
            back = self.run_cycle(min_free_hosts_num=3)
            self.assertEqual(dict.fromkeys(switched, 'on'), back)
            for host in back:
                self.assertEqual('on', self.power(host))
                self.assert_service(host, 'enabled')

        def test_server_that_lands_in_between(self) -> None:
            audit = self.end_of_audit(
                self.create_audit(
                    strategy='saving_energy',
                    parameters={'min_free_hosts_num': 2},
                )
            )
            self.nova.on_disable(self.nova.add_server)
            plan = self.execute(self.plan_of(audit))
            (action,) = self.actions_of(plan)
            self.assertEqual('FAILED', action['state'])
            self.assertIn('server', action['status_message'])
            self.assertEqual({'on'}, set(self.powers().values()))


class TestFake(_Abstract.InTree, backends.Fake):
    pass


class TestIronic(_Abstract.InTree, backends.Ironic):
    pass


class TestMaas(_Abstract.InTree, backends.Maas):
    pass


class TestHelper(backends.Fake):
    """What the helper answers, as Watcher's own plugins ask."""

    START_DECISION_ENGINE = False
    START_APPLIER = False

    def test_nodes(self) -> None:
        self.driver.set_power_state(
            self.node_id('compute-3'),
            self.driver.get_node(self.node_id('compute-3')).power_state.OFF,
        )
        nodes = helper.get_helper().list_compute_nodes()
        found = {node.get_hypervisor_hostname(): node for node in nodes}
        self.assertEqual(set(self.HOSTS), set(found))
        node = found['compute-3']
        self.assertEqual(self.node_id('compute-3'), node.get_id())
        self.assertIs(constants.PowerState.OFF, node.get_power_state())
        self.assertFalse(node.hv_up_when_powered_off)
        seen = self.nova.hosts['compute-3']
        self.assertEqual(
            {
                'id': seen.hypervisor_id,
                'hypervisor_hostname': 'compute-3',
                'running_vms': 0,
                'state': 'down',
                'status': 'enabled',
                'service': {
                    'host': 'compute-3',
                    'id': seen.service_id,
                    'disabled_reason': None,
                },
            },
            node.get_hypervisor_node().to_dict(),
        )

    def test_same_signature(self) -> None:
        self.assertEqual(
            factory.get_helper.__code__.co_varnames[:1],
            helper.get_helper.__code__.co_varnames[:1],
        )
