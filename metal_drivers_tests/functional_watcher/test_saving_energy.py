# SPDX-License-Identifier: Apache-2.0
"""Audit, plan, execution: the same on each bare metal service."""

import abc

from metal_drivers.model import OffMode, PowerState
from metal_drivers_tests.emulators import maas
from metal_drivers_tests.functional_watcher import backends, base

OURS = 'metal-drivers/1 powered off to save energy'


class _Abstract:
    """Hides it from whoever collects tests."""

    class Cycle(backends.Backend, abc.ABC):
        @abc.abstractmethod
        def fail_to_go_off(self, host: str) -> None:
            """Have the machine stay on, whatever is asked of it."""

        def test_off_and_back_on(self) -> None:
            plan = self.plan_of(self.audit())
            self.assertEqual(
                {'compute-2': 'off', 'compute-3': 'off'}, self.planned(plan)
            )
            self.assertEqual('RECOMMENDED', plan['state'])
            self.assertEqual('SUCCEEDED', self.execute(plan)['state'])
            self.assertEqual(
                {
                    'compute-1': 'on',  # has a server
                    'compute-2': 'off',
                    'compute-3': 'off',
                    'compute-4': 'on',  # min_free_hosts_num
                },
                self.powers(),
            )
            self.assert_service('compute-1', 'enabled')
            self.assert_service('compute-2', 'disabled', OURS)
            self.assert_service('compute-3', 'disabled', OURS)
            self.assert_service('compute-4', 'enabled')

            # Nothing is left to do.
            plan = self.plan_of(self.audit())
            self.assertEqual({}, self.planned(plan))
            self.assertEqual('SUCCEEDED', plan['state'])

            # More are wanted than are on.
            plan, actions = self.audit_and_execute(min_free_hosts_num=2)
            self.assertEqual('SUCCEEDED', plan['state'])
            (action,) = actions
            host = action['input_parameters']['resource_name']
            self.assertIn(host, ('compute-2', 'compute-3'))
            self.assertEqual('on', self.power(host))
            self.assert_service(host, 'enabled')

        def test_shut_off_servers_make_a_host_busy(self) -> None:
            self.nova.add_server('compute-2', status='SHUTOFF')
            _, actions = self.audit_and_execute()
            self.assertEqual(['compute-3'], base.names(actions))
            self.assertEqual('on', self.power('compute-2'))

        def test_one_that_fails_fails_alone(self) -> None:
            self.fail_to_go_off('compute-2')
            plan, actions = self.audit_and_execute()
            self.assertEqual('FAILED', plan['state'])
            failed, done = actions
            self.assertEqual('FAILED', failed['state'])
            self.assertRegex(
                failed['status_message'], r'compute-2\)? was not powered off'
            )
            self.assertEqual('on', self.power('compute-2'))
            self.assert_service('compute-2', 'enabled')
            self.assertEqual('SUCCEEDED', done['state'])
            self.assertEqual('off', self.power('compute-3'))

        def test_left_by_a_run_that_was_killed(self) -> None:
            """On and disabled: given back where it is wanted, else off."""
            self.leave_disabled('compute-2')
            plan, actions = self.audit_and_execute(min_free_hosts_num=3)
            self.assertEqual({'compute-2': 'on'}, self.planned(plan))
            self.assertEqual('SUCCEEDED', actions[0]['state'], actions)
            self.assertEqual('on', self.power('compute-2'))
            self.assert_service('compute-2', 'enabled')

            self.leave_disabled('compute-4')
            plan, _ = self.audit_and_execute(min_free_hosts_num=2)
            self.assertEqual({'compute-4': 'off'}, self.planned(plan))
            self.assertEqual('off', self.power('compute-4'))
            self.assert_service('compute-4', 'disabled', OURS)

        def test_server_that_lands_in_between(self) -> None:
            plan = self.plan_of(self.audit(max_actions=1))
            self.nova.on_disable(self.nova.add_server)
            plan = self.execute(plan)
            (action,) = self.actions_of(plan)
            self.assertEqual('FAILED', action['state'])
            self.assertIn('server', action['status_message'])
            self.assertEqual('on', self.power('compute-2'))
            self.assert_service('compute-2', 'enabled')


class TestFake(_Abstract.Cycle, backends.Fake):
    def fail_to_go_off(self, host: str) -> None:
        driver = self.driver
        switch = driver.set_power_state

        def set_power_state(
            node_id: str,
            state: PowerState,
            mode: OffMode = OffMode.HARD,
            timeout: float | None = None,
        ) -> None:
            if node_id != self.node_id(host):
                switch(node_id, state, mode, timeout)

        self.patch(driver, 'set_power_state', set_power_state)


class TestIronic(_Abstract.Cycle, backends.Ironic):
    def fail_to_go_off(self, host: str) -> None:
        self.ironic.node(self.node_id(host)).power_error = 'the BMC says no'


class TestCredentials(backends.IronicBehindKeystone, TestIronic):
    """Asked as Watcher's own clients ask."""


class TestMaas(_Abstract.Cycle, backends.Maas):
    def fail_to_go_off(self, host: str) -> None:
        self.maas.machine(host).off_seconds = maas.NEVER


class TestRedfish(_Abstract.Cycle, backends.Redfish):
    """With the driver of a third party."""

    def fail_to_go_off(self, host: str) -> None:
        self.jam(host)
