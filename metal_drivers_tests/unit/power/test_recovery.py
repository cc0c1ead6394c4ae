# SPDX-License-Identifier: Apache-2.0
"""What a killed run has left is finished or undone, and only that."""

import datetime
from typing import Any

from metal_drivers import exceptions
from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.model import (
    Capability,
    Outcome,
    PowerResult,
    PowerState,
)
from metal_drivers_tests.unit.power import base, simulator

DOWN = exceptions.UnavailableError('the service is not there')
OFF, ON = simulator.OFF, simulator.ON


class TestRecovery(base.PowerCase):
    def setUp(self) -> None:
        super().setUp()
        self.host.status, self.host.reason = 'disabled', base.OURS

    def recover(self, **settings: Any) -> list[PowerResult]:
        return self.cloud.engine(**settings).recover(self.cloud.fleet())

    def recovered(self, outcome: Outcome, *said: str, **settings: Any) -> None:
        (result,) = self.recover(**settings)
        self.assert_ended(outcome, result, *said)
        self.assertEqual([], self.cloud.driver.requests)

    def marked(
        self,
        age: float,
        node_id: str = 'id-1',
        kind: MarkerKind = MarkerKind.POWERING_OFF,
    ) -> None:
        self.cloud.clock.advance(age)
        self.host.reason = markers.reason(node_id, simulator._EPOCH, kind)

    def test_a_host_that_is_on_is_given_back(self) -> None:
        self.recovered(Outcome.DONE, 'up and enabled')
        self.assert_enabled()

    def test_once_nova_compute_is_up(self) -> None:
        self.node.on_since = self.cloud.clock.time
        self.recovered(Outcome.DONE)
        self.assertLessEqual(self.host.boot, self.cloud.clock.time)
        self.assert_enabled()

    def test_a_host_that_is_off_is_left(self) -> None:
        self.node.power = OFF
        self.recovered(
            Outcome.ALREADY,
            'powered off by metal-drivers since 2025-12-31 00:00:00',
        )
        self.assert_service('disabled', base.OURS)

    def test_a_state_that_is_not_known_is_left(self) -> None:
        for state in (PowerState.UNKNOWN, PowerState.ERROR):
            self.node.shown = state
            self.recovered(Outcome.REFUSED, f'is {state.value}')
            self.assert_service('disabled', base.OURS)

    def test_a_change_under_way_is_waited_for(self) -> None:
        self.cloud.driver.start(self.node, OFF, 40)
        self.recovered(Outcome.ALREADY, 'powered off by metal-drivers')
        self.assert_service('disabled', base.OURS)

    def test_a_change_that_does_not_end_is_told(self) -> None:
        self.node.busy_until = 1e6
        self.recovered(Outcome.TIMED_OUT, 'conductor c1')
        self.assert_service('disabled', base.OURS)

    def test_a_run_that_may_be_at_work_is_waited_for(self) -> None:
        self.marked(20)
        self.recovered(Outcome.DONE)
        self.assertLessEqual(markers.LEASE, self.cloud.clock.time)
        self.assert_enabled()

    def test_or_left_where_nothing_is_to_be_waited_for(self) -> None:
        self.marked(20)
        self.recovered(
            Outcome.REFUSED, 'may still be', 'for 40 s; ', wait=False
        )
        self.assert_ours()

    def test_a_service_that_tells_no_end_takes_longer(self) -> None:
        self.use(simulator.SimCloud(capabilities=()))
        self.host.status = 'disabled'
        self.marked(200)
        self.recovered(Outcome.DONE, power_off_timeout=300)
        self.assertLessEqual(360, self.cloud.clock.time)

    def test_the_mark_of_another_node_is_told_and_left(self) -> None:
        self.marked(1000, 'id-77')
        reason = self.host.reason
        self.recovered(Outcome.REFUSED, 'id-77')
        self.assert_service('disabled', reason)

    def test_a_host_without_a_node_is_told(self) -> None:
        self.node.say(host_names=('elsewhere',))
        self.recovered(Outcome.REFUSED, 'no node matches', 'node id-1')
        self.assert_service('disabled', base.OURS)

    def test_a_host_that_two_nodes_claim_is_told(self) -> None:
        self.use(simulator.SimCloud(2))
        self.host.status, self.host.reason = 'disabled', base.OURS
        self.cloud.driver.nodes['id-2'].say(host_names=('h1.example',))
        self.recovered(Outcome.REFUSED, 'no node matches')

    def test_what_others_disabled_is_none_of_it(self) -> None:
        self.host.reason = base.THEIRS
        self.assertEqual([], self.recover())
        self.assert_service('disabled', base.THEIRS)

    def test_enabled_by_hand_is_left(self) -> None:
        fleet = self.cloud.fleet()
        self.cloud.nova.change('h1', 'enabled', None)
        (result,) = self.cloud.engine().recover(fleet)
        self.assert_ended(Outcome.ALREADY, result)
        self.assert_enabled()
        self.assertNotIn('disable', self.cloud.calls.names())

    def test_disabled_by_others_meanwhile(self) -> None:
        self.node.on_since = self.cloud.clock.time
        self.cloud.clock.at(
            5, lambda: self.cloud.nova.change('h1', 'disabled', base.THEIRS)
        )
        self.recovered(Outcome.DONE, base.THEIRS)
        self.assert_service('disabled', base.THEIRS)

    def test_renewed_by_another_run_meanwhile(self) -> None:
        self.node.on_since = self.cloud.clock.time
        now = self.cloud.clock.now()
        renewed = markers.reason('id-1', now, MarkerKind.POWERING_OFF)
        self.cloud.clock.at(
            5, lambda: self.cloud.nova.change('h1', 'disabled', renewed)
        )
        self.recovered(Outcome.FAILED, 'another process')
        self.assert_service('disabled', renewed)

    def test_another_run_marks_what_it_has_done_meanwhile(self) -> None:
        """It saw the host off, and is through with it."""
        self.node.on_since = self.cloud.clock.time
        done = markers.reason('id-1', self.cloud.clock.now())
        self.cloud.clock.at(
            5, lambda: self.cloud.nova.change('h1', 'disabled', done)
        )
        self.recovered(Outcome.DONE, 'up and enabled')
        self.assert_enabled()

    def test_protected_since_then(self) -> None:
        """Nothing is switched, so it may be given back."""
        self.recovered(Outcome.DONE, protected_hosts=('h1',))
        self.assert_enabled()

    def test_guarded(self) -> None:
        self.node.say(maintenance='repair')
        self.recovered(Outcome.REFUSED, 'remains disabled', 'repair')

    def test_dry_run(self) -> None:
        self.recovered(Outcome.PLANNED, 'would enable', dry_run=True)
        self.assert_service('disabled', base.OURS)


class TestShortWait(base.PowerCase):
    def test_powered_off_right_before_nova_compute_is_back(self) -> None:
        """Its last report comes a second after the node was seen on."""
        self.host.status, self.host.reason = 'disabled', base.OURS
        self.cloud.clock.advance(7)
        self.cloud.clock.at(
            1.5, lambda: self.cloud.driver.start(self.node, OFF, 0)
        )
        engine = self.cloud.engine()
        (result,) = engine.recover(self.cloud.fleet(), ['n1'])
        self.assert_ended(Outcome.ALREADY, result, 'powered off by')
        self.assert_service('disabled', base.OURS)


class TestAtWork(base.PowerCase):
    """A transition that finds the mark of another run."""

    def mark(
        self, node_id: str = 'id-1', kind: MarkerKind = MarkerKind.POWERING_OFF
    ) -> None:
        self.host.status = 'disabled'
        self.host.reason = markers.reason(
            node_id, self.cloud.clock.now(), kind
        )

    def test_off_waits_and_takes_over(self) -> None:
        self.mark()
        self.assert_ended(Outcome.DONE, self.cloud.off())
        (sent,) = self.cloud.driver.requests
        self.assertLessEqual(markers.LEASE, sent.at)

    def test_on_waits_until_nobody_can_switch_it_off(self) -> None:
        self.mark()
        self.assert_ended(Outcome.ALREADY, self.cloud.on(), 'enabled')
        self.assertLessEqual(markers.LEASE, self.cloud.clock.time)
        self.assertEqual([], self.cloud.driver.requests)

    def test_on_sees_that_the_other_switched_it_off(self) -> None:
        self.use(simulator.SimCloud(capabilities=()))
        self.mark()
        self.cloud.driver.start(self.node, OFF, 50)
        self.assert_ended(Outcome.DONE, self.cloud.on(), 'enabled')
        (sent,) = self.cloud.driver.requests
        self.assertIs(ON, sent.state)
        self.assertLess(sent.at, 70)

    def test_the_callers_time_is_not_that_of_the_other(self) -> None:
        self.use(simulator.SimCloud(capabilities=()))
        self.mark()
        self.cloud.clock.advance(100)
        result = self.cloud.on(
            service_up_timeout=9, power_off_timeout=9, soft_off_timeout=9
        )
        self.assert_ended(
            Outcome.REFUSED, result, 'may still be', 'for 260 s; '
        )
        self.assert_ours()

    def test_not_waited_for_and_somebody_may_be_at_work(self) -> None:
        self.mark()
        result = self.cloud.on(wait=False)
        self.assert_ended(Outcome.ALREADY, result, 'another process may be')
        self.assert_ours()

    def test_off_that_fails_leaves_what_may_go_off_by_itself(self) -> None:
        """A soft power off of a run that was killed is under way."""
        self.use(simulator.SimCloud(capabilities=[Capability.SOFT_OFF]))
        self.mark()
        self.cloud.clock.advance(markers.LEASE + 1)
        # Before it has taken the host over, and after.
        for name, number in (('count_servers', 1), ('count_servers', 2)):
            self.cloud.fail(DOWN, name, number=number)
            self.assert_ended(Outcome.FAILED, self.cloud.off())
            self.assert_ours()
        self.cloud.clock.advance(400)
        self.cloud.calls.faults.clear()
        (result,) = self.cloud.engine().recover(self.cloud.fleet())
        self.assert_ended(Outcome.DONE, result)
        self.assert_enabled()

    def test_another_run_takes_it_over_before_the_request(self) -> None:
        now = self.cloud.clock.now() + datetime.timedelta(milliseconds=5)
        theirs = markers.reason('id-1', now, MarkerKind.POWERING_OFF)
        # Right before the last look at nova-compute.
        self.cloud.calls.meddling[9] = lambda: self.cloud.nova.change(
            'h1', 'disabled', theirs
        )
        result = self.cloud.off()
        self.assert_ended(Outcome.REFUSED, result, 'another process has begun')
        self.assert_sent()
        self.assert_service('disabled', theirs)

    def test_nova_that_is_slow_before_the_request(self) -> None:
        """A mark that has become old is renewed; nobody is to believe that
        nobody is at work."""
        self.cloud.calls.meddling[7] = lambda: self.cloud.clock.advance(65)
        self.assert_ended(Outcome.DONE, self.cloud.off())
        (sent,) = self.cloud.driver.requests
        self.assertEqual(65, sent.at)
        self.assertEqual(3, self.cloud.calls.names().count('disable'))

    def test_nova_that_is_always_slow(self) -> None:
        for number in range(1, 200):
            self.cloud.calls.meddling[number] = lambda: (
                self.cloud.clock.advance(40)
            )
        result = self.cloud.off()
        self.assert_ended(Outcome.TIMED_OUT, result, 'Nova is faster')
        self.assert_sent()
        self.assert_enabled()

    def test_off_leaves_the_mark_of_another_node(self) -> None:
        self.mark('id-77')
        reason = self.host.reason
        self.node.ends_in = 'the BMC said no'
        self.assert_ended(Outcome.FAILED, self.cloud.off())
        self.assert_service('disabled', reason)
        self.node.ends_in = ''
        self.assert_ended(Outcome.DONE, self.cloud.off())
        self.assert_service('disabled', reason)

    def test_no_longer_than_the_caller_has_time(self) -> None:
        for switch in (self.cloud.on, self.cloud.off):
            self.mark()
            result = switch(
                service_up_timeout=30, power_off_timeout=30, soft_off_timeout=9
            )
            self.assert_ended(
                Outcome.REFUSED, result, 'may still be', 'for 60 s; '
            )
            self.assertEqual(0, self.cloud.clock.time)
            self.assert_ours()

    def test_a_mark_of_what_is_done_is_not_waited_for(self) -> None:
        self.mark(kind=MarkerKind.POWERED_OFF)
        self.assert_ended(Outcome.ALREADY, self.cloud.on(), 'enabled')
        self.assertLess(self.cloud.clock.time, 11)
        self.mark(kind=MarkerKind.POWERED_OFF)
        self.assert_ended(Outcome.DONE, self.cloud.off())
        self.assertLess(self.cloud.clock.time, 30)

    def test_a_clock_that_is_ahead_is_not_waited_for_for_ever(self) -> None:
        self.mark()
        ahead = simulator._EPOCH + datetime.timedelta(hours=2)
        self.host.reason = markers.reason(
            'id-1', ahead, MarkerKind.POWERING_OFF
        )
        self.assert_ended(Outcome.ALREADY, self.cloud.on())
        self.assertLess(self.cloud.clock.time, markers.LEASE + 30)

    def test_the_mark_tells_whether_it_is_done(self) -> None:
        marks = []
        self.cloud.nova.disabled = lambda host: marks.append(
            markers.parse(host.reason)
        )
        self.assert_ended(Outcome.DONE, self.cloud.off())
        begun, done = marks
        assert begun and done
        self.assertEqual((True, False), (begun.under_way, done.under_way))
        self.assertEqual(10, (done.when - begun.when).seconds)

    def test_the_host_is_off_whatever_becomes_of_the_mark(self) -> None:
        self.cloud.fail(DOWN, 'disable', number=2)
        self.assert_ended(Outcome.DONE, self.cloud.off())
        mark = markers.parse(self.host.reason)
        assert mark
        self.assertTrue(mark.under_way)

    def test_what_others_disabled_meanwhile_is_theirs(self) -> None:
        self.cloud.clock.at(
            5, lambda: self.cloud.nova.change('h1', 'disabled', base.THEIRS)
        )
        self.assert_ended(Outcome.DONE, self.cloud.off())
        self.assert_service('disabled', base.THEIRS)

    def test_the_mark_is_renewed_before_a_late_request(self) -> None:
        self.node.ignores_soft = True
        marks = []
        self.cloud.nova.disabled = lambda host: marks.append(
            markers.parse(host.reason)
        )
        self.assert_ended(Outcome.DONE, self.cloud.off())
        _, hard = self.cloud.driver.requests
        _, renewed, _ = marks
        assert renewed
        self.assertTrue(renewed.under_way)
        self.assertLess(
            hard.at - 30, (renewed.when - simulator._EPOCH).seconds
        )

    def test_the_mark_of_another_node_is_not_ours(self) -> None:
        self.use(simulator.SimCloud(power=OFF))
        self.mark('id-77')
        reason = self.host.reason
        self.assert_ended(Outcome.DONE, self.cloud.on(), 'remains disabled')
        self.assert_service('disabled', reason)
