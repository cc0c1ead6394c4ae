# SPDX-License-Identifier: Apache-2.0
"""Switching on, and having nova-compute enabled where it is ours."""

from metal_drivers import exceptions
from metal_drivers.compute import markers
from metal_drivers.model import OffMode, Outcome, PowerState
from metal_drivers.power import Step, shared
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = simulator.OFF, simulator.ON

DOWN = exceptions.UnavailableError('the service is not there')


class OnCase(base.PowerCase):
    """n1 is off, and was powered off by metal-drivers."""

    def setUp(self) -> None:
        super().setUp()
        self.begin()

    def begin(self, reason: str | None = base.OURS) -> None:
        self.use(simulator.SimCloud(power=OFF))
        if reason:
            self.host.status, self.host.reason = 'disabled', reason


class TestOn(OnCase):
    def test_on_then_up_then_enabled(self) -> None:
        result = self.cloud.on()
        self.assert_ended(
            Outcome.DONE, result, 'on; nova-compute is up and enabled'
        )
        self.assertEqual(
            'get_node get_service get_node set_power_state get_node',
            ' '.join(self.cloud.calls.names()[:5]),
        )
        self.assertEqual(1, len(self.cloud.driver.requests))
        self.assert_enabled()
        self.assertEqual(
            [Step.POWER_ON, Step.STATE, Step.SERVICE, Step.ENABLED],
            self.steps(),
        )

    def test_already_on(self) -> None:
        for reason, said in (
            (None, 'on'),
            (base.THEIRS, 'on'),
            (base.OURS, 'on; nova-compute is up and enabled'),
        ):
            self.use(simulator.SimCloud())
            if reason:
                self.host.status, self.host.reason = 'disabled', reason
            result = self.cloud.on()
            self.assert_ended(Outcome.ALREADY, result)
            self.assertEqual(said, result.detail)
            self.assertNotIn('set_power_state', self.cloud.calls.names())
            if reason == base.THEIRS:
                self.assert_service('disabled', base.THEIRS)
            else:
                self.assert_enabled()

    def test_already_on_and_not_yet_up(self) -> None:
        self.node.power, self.node.on_since = ON, 0
        result = self.cloud.on(wait=False)
        self.assert_ended(Outcome.ALREADY, result, 'not up yet')
        self.assert_ours()
        self.assert_ended(Outcome.ALREADY, self.cloud.on())
        self.assertLess(30, self.cloud.clock.time)
        self.assertLess(self.cloud.clock.time, 35)
        self.assert_enabled()

    def test_already_on_and_up_and_not_waited_for(self) -> None:
        """Nova's word alone may be of the time before."""
        self.node.power = ON
        result = self.cloud.on(wait=False)
        self.assert_ended(Outcome.ALREADY, result, 'without --no-wait')
        self.assert_ours()

    def test_already_on_and_guarded(self) -> None:
        self.node.power = ON
        self.node.say(maintenance='repair')
        result = self.cloud.on()
        self.assert_ended(
            Outcome.ALREADY, result, 'remains disabled', 'repair'
        )
        self.assert_ours()

    def test_dry_run(self) -> None:
        self.assert_ended(
            Outcome.PLANNED,
            self.cloud.on(dry_run=True),
            'would power on, then enable nova-compute on h1',
        )
        self.node.power = ON
        self.assert_ended(
            Outcome.ALREADY,
            self.cloud.on(dry_run=True),
            'would enable nova-compute',
        )
        self.begin(base.THEIRS)
        result = self.cloud.on(dry_run=True)
        self.assert_ended(Outcome.PLANNED, result)
        self.assertEqual('would power on', result.detail)
        self.assertEqual([], self.cloud.driver.requests)
        self.assert_service('disabled', base.THEIRS)
        self.node.say(maintenance='repair')
        self.assert_ended(Outcome.REFUSED, self.cloud.on(dry_run=True))

    def test_not_waited_for(self) -> None:
        result = self.cloud.on(wait=False)
        self.assert_ended(Outcome.PLANNED, result, 'run the same command')
        self.assertEqual(0, self.cloud.clock.time)
        self.assert_ours()

    def test_not_waited_for_and_not_known(self) -> None:
        self.cloud.fail(DOWN, 'set_power_state', arrives_after=0)
        result = self.cloud.on(wait=False)
        self.assert_ended(
            Outcome.FAILED, result, 'may have been sent', DOWN.message
        )

    def test_a_key_that_is_revoked_after_the_request(self) -> None:
        error = exceptions.AuthenticationError('the key is not valid')
        self.cloud.fail(error, 'get_node', number=3, times=1000)
        result = self.cloud.on()
        self.assert_ended(
            Outcome.FAILED, result, 'power on was sent', error.message
        )
        self.assert_ours()

    def test_only_from_a_live_off(self) -> None:
        for state in (PowerState.UNKNOWN, PowerState.ERROR):
            self.begin()
            self.node.shown = state
            self.node.say(fault='no BMC')
            result = self.cloud.on()
            self.assert_ended(
                Outcome.REFUSED, result, state.value, 'no BMC', 'not off'
            )
            self.assertNotIn('set_power_state', self.cloud.calls.names())

    def test_change_under_way_is_waited_for(self) -> None:
        self.cloud.driver.start(self.node, ON, 60)
        self.assert_ended(Outcome.ALREADY, self.cloud.on())
        self.assertEqual([], self.cloud.driver.requests)
        self.assert_enabled()

    def test_busy_because_others_switch_it_on(self) -> None:
        # A machine that is on would go through a power cycle.
        self.cloud.fail(exceptions.BusyError('locked'), 'set_power_state')
        self.cloud.clock.at(
            1, lambda: self.cloud.driver.start(self.node, ON, 20)
        )
        result = self.cloud.on()
        self.assert_ended(Outcome.DONE, result, 'up and enabled')
        self.assertEqual([], self.cloud.driver.requests)

    def test_a_request_without_reply_that_arrives_late_and_again(self) -> None:
        """The second one would be a power cycle."""
        self.use(simulator.SimCloud(1, OFF, frozenset()))
        self.cloud.no_second_power_on = lambda host: True  # type: ignore
        self.node.delay = 250
        self.cloud.fail(DOWN, 'set_power_state', arrives_after=200)
        self.cloud.on(wait=False)
        self.cloud.calls.faults.clear()
        self.cloud.clock.advance(320)
        self.assert_ended(Outcome.DONE, self.cloud.on(), 'on')
        self.assertEqual(1, len(self.cloud.driver.requests))

    def test_another_process_has_sent_and_does_not_wait(self) -> None:
        """Nor does this one: its request would be a power cycle."""
        self.use(simulator.SimCloud(1, OFF, frozenset()))
        self.host.status, self.host.reason = 'disabled', base.OURS
        self.node.delay = 100
        self.assert_ended(Outcome.PLANNED, self.cloud.on(wait=False))
        self.cloud.shared = shared.Shared()
        result = self.cloud.on(wait=False)
        self.assert_ended(
            Outcome.REFUSED, result, 'may still be powering it on', 'try again'
        )
        self.assertEqual(1, len(self.cloud.driver.requests))

    def test_the_node_is_queried_again_after_a_short_wait(self) -> None:
        busy = exceptions.BusyError('locked')
        self.cloud.fail(busy, 'set_power_state')
        self.cloud.clock.at(0.5, lambda: self.node.say(maintenance='repair'))
        self.assert_ended(Outcome.REFUSED, self.cloud.on(), 'repair')
        self.assertLess(self.cloud.clock.time, 5)

    def test_the_marker_is_read_last_before_the_request(self) -> None:
        self.use(simulator.SimCloud(1, OFF, frozenset()))
        self.host.status, self.host.reason = 'disabled', base.OURS
        self.assert_ended(Outcome.DONE, self.cloud.on())
        names = self.cloud.calls.names()
        sent = names.index('set_power_state')
        self.assertEqual(['get_node', 'get_service'], names[sent - 2 : sent])

    def test_others_switch_it_on_and_it_is_not_waited_for(self) -> None:
        self.cloud.calls.meddling[3] = lambda: self.cloud.driver.start(
            self.node, ON, 0
        )
        result = self.cloud.on(wait=False)
        self.assert_ended(Outcome.DONE, result, 'on; run the same command')

    def test_lost_reply_is_asked_about_and_not_sent_again(self) -> None:
        for late in (0, 20):
            for capabilities in (simulator.CAPABLE, frozenset()):
                cloud = simulator.SimCloud(1, OFF, capabilities)
                self.use(cloud)
                cloud.fail(DOWN, 'set_power_state', arrives_after=late)
                self.assert_ended(Outcome.DONE, cloud.on())
                self.assertEqual(1, len(cloud.driver.requests))
                self.assertEqual(
                    1, cloud.calls.names().count('set_power_state')
                )

    def test_busy_until_the_deadline(self) -> None:
        error = exceptions.BusyError('node id-1 is locked')
        self.cloud.fail(error, 'set_power_state', times=1000)
        result = self.cloud.on(power_on_timeout=20)
        self.assert_ended(Outcome.TIMED_OUT, result, 'locked, for 20 s')

    def test_fault_is_told_at_once(self) -> None:
        self.node.ends_in = 'the BMC said no'
        result = self.cloud.on()
        self.assert_ended(Outcome.FAILED, result, 'gave up: the BMC said no')
        self.assertLess(self.cloud.clock.time, 20)
        self.assert_ours()

    def test_not_on_in_time(self) -> None:
        self.node.delay = 1000
        result = self.cloud.on()
        self.assert_ended(
            Outcome.TIMED_OUT, result, 'not reported on within 300 s'
        )
        self.assert_ours()

    def test_hard_is_what_a_driver_is_told(self) -> None:
        self.cloud.on()
        (sent,) = self.cloud.driver.requests
        self.assertEqual((OffMode.HARD, None), (sent.mode, sent.timeout))


class TestService(OnCase):
    def test_host_that_does_not_come_back(self) -> None:
        self.host.boot = 1e6
        result = self.cloud.on(service_up_timeout=90)
        self.assert_ended(
            Outcome.TIMED_OUT, result, 'on, but nova-compute on h1', '90 s'
        )
        self.assert_ours()

    def test_up_right_after_going_off_is_not_back(self) -> None:
        # Off a moment ago: Nova still says up, of the time before.
        self.node.last_on = self.cloud.clock.time
        self.node.delay = 1
        self.host.boot = 50
        result = self.cloud.on()
        self.assert_ended(Outcome.DONE, result, 'up and enabled')
        self.assertLessEqual(51, self.cloud.clock.time)
        self.assertLess(self.cloud.clock.time, 60)

    def test_not_before_another_run_has_ended(self) -> None:
        """It was at work on a power off, and may be about to send one."""
        kinds = markers.MarkerKind
        for kind in (kinds.POWERING_OFF, kinds.SHUTTING_DOWN):
            for capabilities in (simulator.CAPABLE, frozenset()):
                self.use(simulator.SimCloud(1, OFF, capabilities))
                self.node.delay, self.host.boot = 1, 5
                self.host.status = 'disabled'
                now = self.cloud.clock.now()
                self.host.reason = markers.reason('id-1', now, kind)
                self.assert_ended(Outcome.DONE, self.cloud.on(), 'enabled')
                self.assertLessEqual(markers.LEASE, self.cloud.clock.time)

    def test_back_after_it_was_seen_down(self) -> None:
        self.node.last_on = self.cloud.clock.time
        self.host.boot = 100
        self.assert_ended(Outcome.DONE, self.cloud.on())
        self.assertLessEqual(110, self.cloud.clock.time)
        self.assert_enabled()

    def test_the_same_command_again_does_not_believe_it_either(self) -> None:
        self.node.last_on = self.cloud.clock.time
        self.node.delay, self.host.boot = 1, 70
        for time in (0, 40):
            self.cloud.clock.advance(time - self.cloud.clock.time)
            result = self.cloud.on(service_up_timeout=5)
            self.assert_ended(Outcome.TIMED_OUT, result)
        self.assert_ended(Outcome.ALREADY, self.cloud.on(), 'up and enabled')
        self.assertLessEqual(71, self.cloud.clock.time)

    def test_what_others_change_is_no_report(self) -> None:
        self.node.last_on = self.cloud.clock.time
        self.node.delay, self.host.boot = 1, 50
        again = markers.reason('id-1', self.cloud.clock.now())
        self.cloud.clock.at(
            20, lambda: self.cloud.nova.change('h1', 'disabled', again)
        )
        self.cloud.on()
        self.assertLessEqual(51, self.cloud.clock.time)

    def test_nova_that_does_not_tell_when_computes_reported(self) -> None:
        # Down before, or seen down since: both will do.
        for last_on, boot in ((-1000, 0), (0, 100)):
            self.begin()
            self.cloud.nova.tells_time = False
            self.node.last_on, self.host.boot = last_on, boot
            self.assert_ended(Outcome.DONE, self.cloud.on())
            self.assertLessEqual(10 + boot, self.cloud.clock.time)

    def test_disabled_by_others(self) -> None:
        self.begin(base.THEIRS)
        result = self.cloud.on()
        self.assert_ended(
            Outcome.DONE, result, f'disabled by someone else: {base.THEIRS}'
        )
        self.assertLessEqual(30, self.cloud.clock.time)
        self.assert_service('disabled', base.THEIRS)

    def test_disabled_by_others_meanwhile(self) -> None:
        self.cloud.clock.at(
            15, lambda: self.cloud.nova.change('h1', 'disabled', base.THEIRS)
        )
        self.assert_ended(Outcome.DONE, self.cloud.on(), base.THEIRS)
        self.assert_service('disabled', base.THEIRS)

    def test_enabled_all_the_time(self) -> None:
        self.begin(None)
        result = self.cloud.on()
        self.assert_ended(Outcome.DONE, result, 'on; nova-compute is up')
        self.assertNotIn('enable', self.cloud.calls.names())

    def test_unmanaged(self) -> None:
        result = self.cloud.on(manage_compute_service=False)
        self.assert_ended(Outcome.DONE, result)
        self.assertEqual('on', result.detail)
        self.assertEqual(
            {'get_node', 'set_power_state'}, set(self.cloud.calls.names())
        )

    def test_on_its_way_off_when_nova_compute_is_back(self) -> None:
        """A request of another process that got lost has arrived late."""
        self.cloud.clock.at(
            40, lambda: self.cloud.driver.start(self.node, OFF, 30)
        )
        result = self.cloud.on()
        self.assertIsNot(Outcome.DONE, result.outcome, result.detail)
        self.assert_ours()

    def test_nova_is_away_for_a_while(self) -> None:
        self.cloud.fail(DOWN, 'get_service', number=2, times=20)
        self.assert_ended(Outcome.DONE, self.cloud.on())
        self.assert_enabled()

    def test_nova_is_away_for_the_enabling(self) -> None:
        for late in (None, 0):
            self.begin()
            self.cloud.fail(DOWN, 'enable', arrives_after=late)
            self.assert_ended(Outcome.DONE, self.cloud.on())
            self.assert_enabled()

    def test_nova_is_away_for_good(self) -> None:
        self.cloud.fail(DOWN, 'get_service', number=2, times=1000)
        result = self.cloud.on()
        self.assert_ended(
            Outcome.TIMED_OUT, result, 'on, but', f'({DOWN.message})'
        )

    def test_nova_refuses(self) -> None:
        # The node is on: to say "refused" would say that it is not.
        self.cloud.fail(exceptions.RefusedError('not you'), 'enable')
        result = self.cloud.on()
        self.assert_ended(Outcome.FAILED, result, 'on, but not you')

    def test_nova_is_away_before(self) -> None:
        self.cloud.fail(DOWN, 'get_service')
        self.assert_ended(Outcome.FAILED, self.cloud.on(), DOWN.message)
        self.assertEqual([], self.cloud.driver.requests)
