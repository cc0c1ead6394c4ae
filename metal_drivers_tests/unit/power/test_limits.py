# SPDX-License-Identifier: Apache-2.0
"""Guards that look at more than the node: dwell, and how many are off."""

from typing import Any

from metal_drivers.compute import markers
from metal_drivers.model import Outcome, PowerResult, PowerState
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = simulator.OFF, simulator.ON


class TestLabels(base.PowerCase):
    def test_protected_by_a_label(self) -> None:
        self.node.say(labels=frozenset({'gpu', 'CUSTOM_KEEP_ON'}))
        result = self.cloud.off(protected_labels=('x', 'custom_keep*'))
        self.assert_ended(
            Outcome.REFUSED, result, "'custom_keep*'", 'protected_labels'
        )
        self.assertEqual(['get_node'], self.cloud.calls.names())

    def test_by_none(self) -> None:
        self.node.say(labels=frozenset({'gpu'}))
        self.assert_ended(
            Outcome.DONE, self.cloud.off(protected_labels=('cpu', 'gp'))
        )


class TestDwell(base.PowerCase):
    def test_since_this_process_switched_it(self) -> None:
        self.assert_ended(Outcome.DONE, self.cloud.off())
        result = self.cloud.on(min_dwell=600)
        self.assert_ended(Outcome.REFUSED, result, 'min_dwell is 600 s')
        self.cloud.clock.advance(600)
        self.assert_ended(Outcome.DONE, self.cloud.on(min_dwell=600))
        self.assert_ended(Outcome.REFUSED, self.cloud.off(min_dwell=600))

    def test_since_another_process_switched_it_off(self) -> None:
        self.use(simulator.SimCloud(power=OFF))
        self.host.status = 'disabled'
        self.host.reason = markers.reason('id-1', self.cloud.clock.now())
        self.cloud.clock.advance(200)
        result = self.cloud.on(min_dwell=600)
        self.assert_ended(Outcome.REFUSED, result, 'Wait for 400 s')

    def test_not_between_soft_and_hard(self) -> None:
        self.node.ignores_soft = True
        self.assert_ended(Outcome.DONE, self.cloud.off(min_dwell=6000))


class TestHowManyAreOff(base.PowerCase):
    def setUp(self) -> None:
        super().setUp()
        self.use(simulator.SimCloud(10))
        self.names = [f'n{number}' for number in range(1, 11)]

    def off(self, *names: str, limit: str, **how: Any) -> list[PowerResult]:
        return self.cloud.switch(OFF, *names, max_powered_off=limit, **how)

    def outcomes(self, *names: str, limit: str, **how: Any) -> str:
        results = self.off(*names, limit=limit, **how)
        return ' '.join(result.outcome.value for result in results)

    def test_one_that_is_on_its_way_on_is_still_off(self) -> None:
        """Its power supply may be what is broken."""
        self.assertEqual('done', self.outcomes('n1', limit='1'))
        self.cloud.driver.nodes['id-1'].delay = 1000
        self.cloud.switch(ON, 'n1', wait=False)
        self.assertEqual('refused', self.outcomes('n2', limit='1'))

    def test_a_count_and_a_part(self) -> None:
        for limit, most in (('3', 3), ('30%', 3), ('39%', 3), ('0', 0)):
            self.use(simulator.SimCloud(10))
            said = self.outcomes(*self.names[:5], limit=limit)
            self.assertEqual(most, said.count('done'), said)
            self.assertEqual(5 - most, said.count('refused'), said)

    def test_says_what_would_lift_it(self) -> None:
        (result,) = self.off('n1', limit='0')
        self.assert_ended(
            Outcome.REFUSED, result, '0 hosts are off', 'max_powered_off is 0'
        )

    def test_those_that_were_off_before_count(self) -> None:
        for name in ('id-8', 'id-9'):
            self.cloud.driver.nodes[name].power = OFF
        self.assertEqual('done refused', self.outcomes('n1', 'n2', limit='3'))

    def test_those_that_are_about_to_be_off_count(self) -> None:
        self.cloud.driver.start(self.cloud.driver.nodes['id-9'], OFF, 1000)
        self.assertEqual('refused', self.outcomes('n1', limit='1'))

    def test_those_that_are_not_known_count(self) -> None:
        self.cloud.driver.nodes['id-9'].shown = PowerState.ERROR
        self.assertEqual('refused', self.outcomes('n1', limit='1'))

    def test_those_that_nova_leaves_out_go_on_to_count(self) -> None:
        """As it does while it cannot ask one of its cells."""
        self.assertEqual('done done', self.outcomes('n1', 'n2', limit='3'))
        shown = self.cloud.nova.shown
        self.patch(self.cloud.nova, 'shown', lambda: shown()[2:])
        self.assertEqual('done refused', self.outcomes('n3', 'n4', limit='3'))

    def test_those_that_may_be_hosts_count(self) -> None:
        node = self.cloud.driver.nodes['id-9']
        node.power = OFF
        node.say(hypervisor_id='00000000-0000-4000-8000-000000000009')
        self.assertEqual('refused', self.outcomes('n1', limit='1'))

    def test_those_that_are_no_hosts_do_not(self) -> None:
        node = self.cloud.driver.nodes['id-9']
        node.power = OFF
        node.say(host_names=('storage-9',))
        self.assertEqual('done', self.outcomes('n1', limit='1'))

    def test_those_that_failed_do_not(self) -> None:
        self.node.ends_in = 'no'
        self.assertEqual('failed done', self.outcomes('n1', 'n2', limit='1'))

    def test_those_under_way_elsewhere_in_the_process_do(self) -> None:
        slots = self.cloud.shared
        hosts = [f'id-{number}' for number in range(1, 11)]
        self.assertIsNone(slots.take_off_slot('id-5', hosts, (), 1, 0))
        self.assertEqual('refused', self.outcomes('n1', limit='1'))
        slots.release('id-5')
        self.assertEqual('done', self.outcomes('n1', limit='1'))

    def test_those_that_this_process_switched_after_the_list(self) -> None:
        members = self.cloud.fleet()
        self.off('n1', limit='5')
        engine = self.cloud.engine(max_powered_off='1')
        (result,) = engine.switch(members, ['n2'], OFF)
        self.assert_ended(Outcome.REFUSED, result)

    def test_dry_run_counts_what_it_plans(self) -> None:
        said = self.outcomes(*self.names[:3], limit='2', dry_run=True)
        self.assertEqual('planned planned refused', said)
        # What was only planned takes nobody's slot.
        self.assertEqual('done done', self.outcomes('n4', 'n5', limit='2'))

    def test_a_single_one_without_a_fleet(self) -> None:
        member = self.cloud.fleet().find('n1')
        engine = self.cloud.engine(max_powered_off='0')
        self.assert_ended(Outcome.REFUSED, engine.switch_one(member, OFF))
