# SPDX-License-Identifier: Apache-2.0
"""Switching off that does not succeed: what is left behind, and said."""

from metal_drivers import exceptions
from metal_drivers.model import (
    OffMode,
    Outcome,
    PowerResult,
    PowerState,
)
from metal_drivers.power import Step
from metal_drivers_tests.unit.power import base, simulator

SOFT, HARD = OffMode.SOFT, OffMode.HARD
OFF, ON = simulator.OFF, simulator.ON

DOWN = exceptions.UnavailableError('the service is not there')


class TestEnds(base.PowerCase):
    def off(self, **settings: object) -> PowerResult:
        return self.cloud.off(off_modes=(HARD,), **settings)

    def test_fault_is_told_at_once(self) -> None:
        self.node.ends_in = 'the BMC said no'
        result = self.off()
        self.assert_ended(
            Outcome.FAILED, result, 'gave up: the BMC said no', 'on'
        )
        self.assertLess(self.cloud.clock.time, 20)
        self.assert_sent(HARD)
        self.assert_enabled()

    def test_fault_before_the_first_look(self) -> None:
        self.node.ends_in, self.node.delay = 'the BMC said no', 0
        self.assert_ended(Outcome.FAILED, self.off(), 'gave up')
        self.assertEqual(0, self.cloud.clock.time)

    def test_fault_after_a_lost_reply(self) -> None:
        self.node.ends_in = 'the BMC said no'
        self.cloud.fail(DOWN, 'set_power_state', arrives_after=0)
        self.assert_ended(Outcome.FAILED, self.off(), 'gave up')
        self.assertLess(self.cloud.clock.time, 12)

    def test_off_is_not_done_before_the_service_is(self) -> None:
        self.node.delay = 50
        self.cloud.clock.at(3, lambda: self.show(OFF))
        self.assert_ended(Outcome.DONE, self.off())
        self.assertLessEqual(50, self.cloud.clock.time)
        self.assertLess(self.cloud.clock.time, 55)

    def test_time_is_counted_from_the_reply(self) -> None:
        # MAAS may answer after minutes, when the BMC has acted.
        self.node.delay = 50
        self.cloud.calls.meddling[10] = lambda: self.cloud.clock.advance(290)
        self.assert_ended(Outcome.DONE, self.off())

    def test_refused(self) -> None:
        error = exceptions.RefusedError('forbidden here', cure='Unlock it.')
        self.cloud.fail(error, 'set_power_state')
        self.assert_ended(
            Outcome.REFUSED, self.off(), 'forbidden here. Unlock it.'
        )
        self.assert_enabled()

    def test_busy_until_the_deadline(self) -> None:
        error = exceptions.BusyError('node id-1 is locked')
        self.cloud.fail(error, 'set_power_state', times=1000)
        result = self.cloud.off(power_off_timeout=50, soft_off_timeout=50)
        self.assert_ended(
            Outcome.TIMED_OUT, result, 'is locked, for 50 s', 'did not start'
        )
        self.assertEqual(50, self.cloud.clock.time)
        self.assertEqual(20, self.cloud.calls.names().count('set_power_state'))
        self.assert_sent()
        self.assert_enabled()

    def test_busy_for_a_while(self) -> None:
        error = exceptions.BusyError('node id-1 is locked')
        self.cloud.fail(error, 'set_power_state', times=3)
        self.assert_ended(Outcome.DONE, self.off())
        self.assert_sent(HARD)

    def test_guards_are_asked_again_after_a_wait(self) -> None:
        error = exceptions.BusyError('node id-1 is locked')
        self.cloud.fail(error, 'set_power_state', times=3)
        self.cloud.clock.at(1, lambda: self.node.say(maintenance='repair'))
        self.assert_ended(Outcome.REFUSED, self.off(), 'repair')
        self.assert_sent()
        self.assert_enabled()

    def test_busy_because_others_switch_it_off(self) -> None:
        error = exceptions.BusyError('node id-1 is locked')
        self.cloud.fail(error, 'set_power_state')
        self.cloud.clock.at(
            1, lambda: self.cloud.driver.start(self.node, OFF, 60)
        )
        self.assert_ended(Outcome.DONE, self.off(), 'off')
        self.assert_sent()

    def test_change_under_way_is_waited_for(self) -> None:
        for state, outcome in ((OFF, Outcome.ALREADY), (ON, Outcome.DONE)):
            self.use(simulator.SimCloud())
            self.cloud.driver.start(self.node, state, 60)
            self.assert_ended(outcome, self.off())
            self.assertIn(Step.WAITING, self.steps())
            for sent in self.cloud.driver.requests:
                self.assertLessEqual(60, sent.at)

    def test_change_under_way_that_does_not_end(self) -> None:
        self.node.busy_until = 1e6
        result = self.off(power_off_timeout=20)
        self.assert_ended(
            Outcome.TIMED_OUT, result, 'conductor c1', 'within 20 s'
        )
        self.assertEqual({'get_node'}, set(self.cloud.calls.names()))

    def test_lost_reply_is_asked_about_and_not_sent_again(self) -> None:
        for error in (
            DOWN,
            exceptions.TimedOutError('no answer in time'),
            exceptions.ProtocolError('a page of HTML'),
        ):
            for capabilities in (simulator.CAPABLE, frozenset()):
                for late in (0, 20):
                    cloud = simulator.SimCloud(capabilities=capabilities)
                    self.use(cloud)
                    cloud.fail(error, 'set_power_state', arrives_after=late)
                    self.assert_ended(Outcome.DONE, self.off())
                    self.assert_sent(HARD)
                    self.assert_ours()

    def test_lost_request(self) -> None:
        self.cloud.fail(DOWN, 'set_power_state')
        result = self.off()
        self.assert_ended(
            Outcome.TIMED_OUT, result, 'within 300 s', DOWN.message
        )
        names = self.cloud.calls.names()
        self.assertEqual(1, names.count('set_power_state'))
        self.assert_enabled()

    def test_a_request_without_reply_that_arrives_late(self) -> None:
        """What MAAS takes for it, it takes from then on."""
        for status in (None, 502, 504):
            self.use(simulator.SimCloud(capabilities=()))
            self.node.delay = 280
            error = exceptions.UnavailableError('no reply from the service')
            error.status = status
            self.cloud.fail(error, 'set_power_state', arrives_after=290)
            result = self.off()
            self.assert_ended(
                Outcome.TIMED_OUT,
                result,
                'no reply from the service',
                'nova-compute on h1 remains disabled',
                'the node may still power off',
            )
            self.assert_ours()
            self.cloud.clock.advance(300)
            self.assertEqual(OFF, self.node.power)
            self.assertEqual([], self.cloud.harm)

    def test_a_request_that_was_answered_by_an_error(self) -> None:
        """It is not late: if it had an effect, that was seen."""
        self.use(simulator.SimCloud(capabilities=()))
        error = exceptions.UnavailableError('500: the power driver failed')
        error.status = 500
        self.cloud.fail(error, 'set_power_state')
        self.assert_ended(Outcome.TIMED_OUT, self.off(), '500')
        self.assert_enabled()

    def test_time_out_with_the_change_still_pending(self) -> None:
        self.node.delay = 1000
        result = self.off()
        self.assert_ended(
            Outcome.TIMED_OUT,
            result,
            'not reported off within 300 s; its last reported power '
            'state was on',
            'nova-compute on h1 remains disabled, because the node may '
            'still power off; run the same command again',
        )
        self.assert_ours()
        self.cloud.clock.advance(1000)
        self.assertEqual([], self.cloud.harm)

    def test_time_out_after_a_lost_reply(self) -> None:
        self.node.delay = 1000
        self.cloud.fail(DOWN, 'set_power_state', arrives_after=20)
        result = self.off()
        self.assert_ended(Outcome.TIMED_OUT, result, 'remains disabled')
        # It is known to have arrived.
        self.assertNotIn(DOWN.message, result.detail)

    def test_time_out_with_nothing_pending(self) -> None:
        self.use(simulator.SimCloud(capabilities=()))
        self.node.ends_in = 'swallowed'
        result = self.off()
        self.assert_ended(
            Outcome.TIMED_OUT, result, 'last reported power state was on'
        )
        self.assertNotIn('remains disabled', result.detail)
        self.assert_enabled()

    def test_a_key_that_is_revoked_after_the_request(self) -> None:
        """That a power off is on its way is what matters then."""
        for error in (
            exceptions.AuthenticationError('the key is not valid'),
            exceptions.RefusedError('you may not look'),
            exceptions.NotFoundError('no such node'),
        ):
            self.use(simulator.SimCloud())
            self.cloud.fail(error, 'get_node', number=3, times=1000)
            result = self.off()
            self.assert_ended(
                Outcome.FAILED,
                result,
                'hard power off was sent',
                'its result is not known',
                error.message,
                'remains disabled',
            )

    def test_a_key_that_is_revoked_between_soft_and_hard(self) -> None:
        self.node.ignores_soft = True
        error = exceptions.AuthenticationError('the key is not valid')
        self.cloud.fail(error, 'set_power_state', number=2)
        result = self.cloud.off()
        self.assert_ended(Outcome.FAILED, result, 'soft power off was sent')

    def test_query_fails_for_a_while(self) -> None:
        for error in (
            DOWN,
            exceptions.BusyError('b'),
            exceptions.ProtocolError('p'),
        ):
            self.use(simulator.SimCloud())
            self.cloud.fail(error, 'get_node', number=3, times=5)
            self.assert_ended(Outcome.DONE, self.off())
            self.assert_sent(HARD)

    def test_query_fails_for_good(self) -> None:
        self.cloud.fail(DOWN, 'get_node', number=3, times=1000)
        result = self.off()
        self.assert_ended(
            Outcome.TIMED_OUT, result, 'unknown', DOWN.message, 'remains'
        )
        self.assert_ours()

    def test_unknown_is_not_off(self) -> None:
        self.node.shown = None
        self.cloud.clock.at(1, lambda: self.show(PowerState.ERROR))
        result = self.off()
        self.assert_ended(Outcome.FAILED, result, 'error', 'remains disabled')
        self.assert_ours()

    def show(self, state: PowerState) -> None:
        self.node.shown = state


class TestGivingBack(base.PowerCase):
    def test_failure_is_told(self) -> None:
        self.node.ends_in = 'the BMC said no'
        self.cloud.fail(DOWN, 'enable')
        result = self.cloud.off()
        self.assert_ended(
            Outcome.FAILED,
            result,
            'the BMC said no',
            'nova-compute on h1 may be left disabled: the service is not '
            'there; `metal-drivers node recover h1` enables it again',
        )

    def test_a_refusal_that_leaves_something_is_a_failure(self) -> None:
        refused = exceptions.RefusedError('forbidden here')
        self.cloud.fail(refused, 'set_power_state')
        self.cloud.fail(DOWN, 'enable')
        self.assert_ended(Outcome.FAILED, self.cloud.off(), 'forbidden here')

    def test_lost_reply_of_the_disabling(self) -> None:
        for late in (None, 0):
            self.use(simulator.SimCloud())
            self.cloud.fail(DOWN, 'disable', arrives_after=late)
            self.assert_ended(Outcome.FAILED, self.cloud.off())
            self.assert_sent()
            self.assert_enabled()

    def test_disabled_by_others(self) -> None:
        for fault in ('', 'the BMC said no'):
            self.use(simulator.SimCloud())
            self.node.ends_in = fault
            self.host.status, self.host.reason = 'disabled', base.THEIRS
            outcome = Outcome.FAILED if fault else Outcome.DONE
            self.assert_ended(outcome, self.cloud.off())
            self.assert_service('disabled', base.THEIRS)
            names = self.cloud.calls.names()
            self.assertEqual(set(), {'disable', 'enable'} & set(names))

    def test_disabled_by_others_and_pending(self) -> None:
        self.node.delay = 1000
        self.host.status, self.host.reason = 'disabled', base.THEIRS
        result = self.cloud.off()
        self.assert_ended(Outcome.TIMED_OUT, result)
        self.assertNotIn('remains disabled', result.detail)

    def test_disabled_by_others_while_it_may_still_go_off(self) -> None:
        """The message tells of nova-compute as it is at the end."""
        self.node.delay = 1000
        self.cloud.clock.at(
            200, lambda: self.cloud.nova.change('h1', 'disabled', base.THEIRS)
        )
        result = self.cloud.off(off_modes=(HARD,))
        self.assert_ended(
            Outcome.TIMED_OUT, result, 'has disabled nova-compute', base.THEIRS
        )
        self.assertNotIn('run the same command again', result.detail)

    def test_disabled_by_others_meanwhile(self) -> None:
        self.node.ends_in = 'the BMC said no'
        self.cloud.clock.at(
            3, lambda: self.cloud.nova.change('h1', 'disabled', base.THEIRS)
        )
        self.assert_ended(Outcome.FAILED, self.cloud.off())
        self.assert_service('disabled', base.THEIRS)

    def test_disabled_by_an_earlier_run_of_ours(self) -> None:
        for fault, servers, outcome in (
            ('', 0, Outcome.DONE),
            ('the BMC said no', 0, Outcome.FAILED),
            ('', 1, Outcome.REFUSED),
        ):
            self.use(simulator.SimCloud())
            self.host.status, self.host.reason = 'disabled', base.OURS
            self.node.ends_in, self.host.servers = fault, servers
            self.assert_ended(outcome, self.cloud.off())
            if outcome is Outcome.DONE:
                # With the time of this run.
                self.assert_ours()
                self.assertNotEqual(base.OURS, self.host.reason)
            else:
                self.assert_enabled()

    def test_an_earlier_disabling_that_cannot_be_undone(self) -> None:
        self.host.status, self.host.reason = 'disabled', base.OURS
        self.node.ends_in = 'the BMC said no'
        self.cloud.fail(DOWN, 'get_service', number=2, times=1000)
        result = self.cloud.off(off_modes=(HARD,))
        self.assert_ended(Outcome.FAILED, result, 'may be left disabled')

    def test_unmanaged_and_pending(self) -> None:
        self.node.delay = 1000
        result = self.cloud.off(manage_compute_service=False)
        self.assert_ended(Outcome.TIMED_OUT, result)
        self.assertNotIn('nova-compute', result.detail)


class TestInterrupted(base.PowerCase):
    def interrupt(self, number: int) -> str:
        """Interrupt call ``number``; its name."""
        self.use(simulator.SimCloud())
        self.cloud.fail(KeyboardInterrupt(), number=number)
        self.assertRaises(KeyboardInterrupt, self.cloud.off)
        return self.cloud.calls.made[number - 1].name

    def test_given_back_where_the_node_stays_on(self) -> None:
        names: list[str] = []
        while 'set_power_state' not in names:
            names.append(self.interrupt(len(names) + 1))
            self.assertEqual([], self.cloud.harm)
            if names[-1] != 'set_power_state':
                self.assert_sent()
                self.assert_enabled()
        # Whether that one arrived is not known.
        self.assert_ours()
        self.assertEqual(10, len(names))

    def test_kept_where_the_node_may_go_off(self) -> None:
        for number in (11, 12):
            self.interrupt(number)
            self.assert_sent(SOFT)
            self.assert_ours()
            self.cloud.clock.advance(100)
            self.assertEqual(OFF, self.node.power)
            self.assertEqual([], self.cloud.harm)

    def test_given_back_once_the_service_gave_up(self) -> None:
        self.node.ends_in = 'the BMC said no'
        self.cloud.fail(KeyboardInterrupt(), 'sleep', arrives_after=0)
        self.node.delay = 1
        self.assertRaises(KeyboardInterrupt, self.cloud.off)
        self.assert_enabled()

    def test_while_the_node_is_busy(self) -> None:
        self.cloud.fail(exceptions.BusyError('locked'), 'set_power_state')
        self.cloud.fail(KeyboardInterrupt(), 'sleep')
        self.assertRaises(KeyboardInterrupt, self.cloud.off)
        self.assert_enabled()

    def test_cancelled_once_it_is_off(self) -> None:
        """What has been done is said, and noted."""
        engine = self.cloud.engine(off_modes=(HARD,))
        self.node.delay = 0
        # Right before the first look at what was sent.
        self.cloud.calls.meddling[11] = engine.cancel
        (result,) = engine.switch(self.cloud.fleet(), ['n1'], OFF)
        self.assert_ended(Outcome.DONE, result, 'off, by hard power off')
        self.assertIn('powered off to save energy', self.host.reason or '')
