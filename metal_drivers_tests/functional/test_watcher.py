# SPDX-License-Identifier: Apache-2.0
"""Watcher's real services in a real cloud, used as an operator does."""

import datetime
import json
from typing import Any

from metal_drivers.compute import markers
from metal_drivers_tests.functional import base
from metal_drivers_tests.functional.services import shared, waiting

GOAL = 'saving_energy'
STRATEGY = 'metal_saving_energy'
ACTION = 'metal_power_state'

LONG_AGO = datetime.datetime(2020, 2, 2, tzinfo=datetime.UTC)

Json = dict[str, Any]


class WatcherTestCase(base.CloudTestCase):
    """With the Watcher that is shared, beside the shared cloud."""

    def setUp(self) -> None:
        super().setUp()
        self.watcher = shared.watcher_for(self)

    # What an operator does.

    def optimize(self, *words: str) -> Any:
        """What ``openstack optimize`` prints, which succeeds."""
        run = self.watcher.openstack('optimize', *words, '-f', 'json')
        self.assertEqual(0, run.returncode, run.stderr)
        return json.loads(run.stdout)

    def create_audit(self, **parameters: object) -> str:
        """The id of a new audit of our strategy."""
        words = [
            f'-p{name}={json.dumps(value)}'
            for name, value in parameters.items()
        ]
        created = self.optimize(
            'audit', 'create', '-g', GOAL, '-s', STRATEGY, *words
        )
        return str(created['UUID'])

    def audit(self, **parameters: object) -> str:
        """The id of the plan of a new audit, which succeeds."""
        audit = self.create_audit(**parameters)
        ended = self.watcher.wait_state(
            f'/v1/audits/{audit}', 'SUCCEEDED', 'FAILED'
        )
        self.assertEqual('SUCCEEDED', ended['state'], str(ended))
        (plan,) = self.optimize('actionplan', 'list', '--audit', audit)
        return str(plan['UUID'])

    def actions(self, plan: str) -> dict[str, Json]:
        """The actions of a plan, by the host that they are about."""
        listed = self.optimize(
            'action', 'list', '--detail', '--action-plan', plan
        )
        self.assertLessEqual({action['Action'] for action in listed}, {ACTION})
        return {
            action['Parameters']['resource_name']: action for action in listed
        }

    def planned(self, plan: str) -> dict[str, str]:
        """What a plan wants: a state for each host."""
        return {
            host: action['Parameters']['state']
            for host, action in self.actions(plan).items()
        }

    def start(self, plan: str) -> None:
        self.optimize('actionplan', 'start', plan)

    def end_of(self, plan: str) -> Json:
        """A plan that was started, once it has ended."""
        return self.watcher.wait_state(
            f'/v1/action_plans/{plan}', 'SUCCEEDED', 'FAILED', 'CANCELLED'
        )

    def execute(self, plan: str) -> None:
        """Carry a plan out; it and all its actions succeed."""
        self.start(plan)
        ended = self.end_of(plan)
        actions = self.actions(plan)
        self.assertEqual('SUCCEEDED', ended['state'], str(actions))
        self.assertEqual(
            {'SUCCEEDED'}, {action['State'] for action in actions.values()}
        )

    # What there is in the cloud then.

    def boot(self, number: int) -> None:
        """Have a server on a compute host."""
        host = self.cloud.compute_host(number)
        server = self.cloud.boot(host, self.unique('server'))
        self.addCleanup(self.cloud.delete_server, server)

    def lose_power(self, *numbers: int) -> None:
        """Have Nova notice that these hosts went off."""
        for number in numbers:
            self.cloud.stop_compute(number)
        for number in numbers:
            self.cloud.wait_service(self.cloud.compute_host(number), 'down')

    def wait_power(self, node: str, state: str) -> None:
        waiting.wait_until(
            lambda: (
                self.cloud.ironic.node(node)['power_state'] == f'power {state}'
            ),
            f'the power to be {state}',
        )

    def assert_ours(self, host: str, node: str) -> str:
        """Its nova-compute is disabled, by us; the reason."""
        service = self.service(host)
        self.assertEqual('disabled', service['status'])
        reason = str(service['disabled_reason'])
        self.assertTrue(reason.startswith(base.OURS), reason)
        self.assertIn(node, reason)
        return reason


class TestSavingEnergy(WatcherTestCase):
    """Audit, action plan, execution."""

    def test_idle_hosts_go_off_and_one_comes_back(self) -> None:
        nodes = {number: self.node(number) for number in (1, 2, 3)}
        busy, *idle = (self.host(number) for number in nodes)
        self.boot(1)

        plan = self.audit(min_free_hosts_num=0)
        self.assertEqual(dict.fromkeys(idle, 'off'), self.planned(plan))
        for number, node in nodes.items():
            self.assert_power(node, 'on')
            self.assert_service(self.cloud.compute_host(number), 'enabled')
        self.execute(plan)
        self.assert_power(nodes[1], 'on')
        self.assert_service(busy, 'enabled')
        for number, host in zip((2, 3), idle, strict=True):
            self.assert_power(nodes[number], 'off')
            self.assert_ours(host, nodes[number])

        # A host is wanted again. Which one was off for longer is a matter
        # of chance.
        self.lose_power(2, 3)
        plan = self.audit(min_free_hosts_num=1)
        ((host, state),) = self.planned(plan).items()
        self.assertEqual('on', state)
        back = idle.index(host) + 2
        self.start(plan)
        self.wait_power(nodes[back], 'on')
        self.assert_ours(host, nodes[back])
        self.cloud.start_compute(back)
        self.assertEqual('SUCCEEDED', self.end_of(plan)['state'])
        self.assertEqual('SUCCEEDED', self.actions(plan)[host]['State'])
        self.assert_service(host, 'enabled')
        self.assertEqual('up', self.service(host)['state'])
        (other,) = set(idle) - {host}
        self.assert_power(nodes[idle.index(other) + 2], 'off')
        self.assert_ours(other, nodes[idle.index(other) + 2])

        # Nothing is left to do.
        self.assertEqual({}, self.planned(self.audit(min_free_hosts_num=1)))

    def test_dry_run_is_told_by_the_audit(self) -> None:
        node, host = self.node(2), self.host(2)
        plan = self.audit(min_free_hosts_num=0, dry_run=True)
        self.assertEqual({}, self.planned(plan))
        audit = self.optimize('actionplan', 'show', plan)['Audit']
        told = self.optimize('audit', 'show', audit)['Status Message']
        self.assertIn('Dry run: power off', told)
        self.assertIn(host, told)
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')

    def test_parameter_of_a_wrong_type_is_refused(self) -> None:
        run = self.watcher.openstack(
            *('optimize', 'audit', 'create', '-g', GOAL, '-s', STRATEGY),
            '-pmin_free_hosts_num="many"',
        )
        self.assertNotEqual(0, run.returncode)
        self.assertIn("'many' is not of type 'number'", run.stderr)

    def test_failed_action_says_why(self) -> None:
        node, host = self.node(3), self.host(3)
        self.cloud.ironic.alter(node, power_interface='no-such')
        self.addCleanup(self.cloud.ironic.alter, node, power_interface='fake')
        plan = self.audit(min_free_hosts_num=0)
        self.start(plan)
        self.assertEqual('FAILED', self.end_of(plan)['state'])
        action = self.actions(plan)[host]
        self.assertEqual('FAILED', action['State'])
        self.assertIn('Could not find', action['Status Message'])
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')


class TestKilledApplier(WatcherTestCase):
    """The applier dies while it switches a host off."""

    def setUp(self) -> None:
        super().setUp()
        self.metal = self.node(2)
        self.name = self.host(2)

    def plan_off(self) -> str:
        """A plan that switches the host off."""
        plan = self.audit(min_free_hosts_num=0)
        self.assertEqual({self.name: 'off'}, self.planned(plan))
        return plan

    def begin(self, plan: str) -> None:
        """Start it, and wait until nova-compute is disabled."""
        self.start(plan)
        waiting.wait_until(
            lambda: self.service(self.name)['status'] == 'disabled',
            'nova-compute to be disabled',
        )

    def kill(self) -> None:
        """SIGKILL; the applier runs again after the test in any case."""
        self.addCleanup(self.restart)
        self.watcher.applier.kill()

    def restart(self) -> None:
        self.watcher.applier.start()
        self.watcher.wait_applier()

    def assert_cancelled(self, plan: str) -> None:
        """Watcher says what became of the plan."""
        ended = self.end_of(plan)
        self.assertEqual('CANCELLED', ended['state'])
        self.assertIn('was stopped', ended['status_message'])
        action = self.actions(plan)[self.name]
        self.assertEqual('CANCELLED', action['State'])

    def test_before_the_power_was_cut(self) -> None:
        """The host stays on and disabled, until an audit gives it back."""
        plan = self.plan_off()
        # While a server is being scheduled, no host goes off.
        scheduler = self.cloud.process('nova-scheduler')
        self.addCleanup(scheduler.resume)
        scheduler.pause()
        self.boot_anywhere()
        self.begin(plan)
        self.kill()
        scheduler.resume()
        self.assert_power(self.metal, 'on')
        reason = self.assert_ours(self.name, self.metal)

        self.restart()
        self.assert_cancelled(plan)
        # For some time yet, whoever disabled it might be at work.
        now = datetime.datetime.now(datetime.UTC)
        self.disable(
            markers.reason(self.metal, now, markers.MarkerKind.POWERING_OFF)
        )
        self.assertEqual({}, self.planned(self.audit(min_free_hosts_num=1)))
        self.disable(base.aged(reason))
        plan = self.audit(min_free_hosts_num=1)
        self.assertEqual({self.name: 'on'}, self.planned(plan))
        self.execute(plan)
        self.assert_power(self.metal, 'on')
        self.assert_service(self.name, 'enabled')

    def test_while_it_goes_off(self) -> None:
        """Ironic switches it off all the same; an audit has it back."""
        plan = self.plan_off()
        self.addCleanup(self.cloud.set_power_delay, 0)
        self.cloud.set_power_delay(5)
        self.begin(plan)
        waiting.wait_until(
            lambda: self.cloud.ironic.node(self.metal)['target_power_state'],
            'the power off to begin',
        )
        self.kill()
        self.assert_power(self.metal, 'on')
        self.wait_power(self.metal, 'off')
        self.assert_ours(self.name, self.metal)

        self.restart()
        self.assert_cancelled(plan)
        self.lose_power(2)
        plan = self.audit(min_free_hosts_num=1)
        self.assertEqual({self.name: 'on'}, self.planned(plan))
        self.start(plan)
        self.wait_power(self.metal, 'on')
        self.cloud.start_compute(2)
        self.assertEqual('SUCCEEDED', self.end_of(plan)['state'])
        self.assert_service(self.name, 'enabled')

    def test_while_it_comes_back(self) -> None:
        """Nobody enables it, until an audit gives it back."""
        reason = markers.reason(self.metal, LONG_AGO)
        self.disable(reason)
        self.cloud.ironic.set_power(self.metal, 'off')
        self.lose_power(2)
        plan = self.audit(min_free_hosts_num=1)
        self.assertEqual({self.name: 'on'}, self.planned(plan))
        self.start(plan)
        self.wait_power(self.metal, 'on')
        self.kill()
        self.cloud.start_compute(2)
        self.cloud.wait_service(self.name, 'up')
        self.assertEqual(reason, self.assert_ours(self.name, self.metal))

        self.restart()
        self.assert_cancelled(plan)
        plan = self.audit(min_free_hosts_num=1)
        self.assertEqual({self.name: 'on'}, self.planned(plan))
        self.execute(plan)
        self.assert_service(self.name, 'enabled')

    def disable(self, reason: str) -> None:
        """Disable nova-compute on the host."""
        self.put_service(self.name, status='disabled', disabled_reason=reason)

    def boot_anywhere(self) -> None:
        """Ask for a server on whichever host."""
        server = self.cloud.nova.ask_for_server(self.unique('server'))
        self.addCleanup(self.cloud.delete_server, server)
