# SPDX-License-Identifier: Apache-2.0
"""Hosts that were to power on and did not: the marker counts how often."""

import functools
from collections.abc import Callable
from unittest import mock

from metal_drivers import exceptions
from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.model import Capability, Outcome, PowerResult, PowerState
from metal_drivers.power import shared
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = simulator.OFF, simulator.ON
#: A service that does not report the end of a change, as MAAS.
SIMPLE: frozenset[Capability] = frozenset()
DOWN = exceptions.UnavailableError('the service is not there')
REFUSED = exceptions.RefusedError('it has no power interface')


class FailedCase(base.PowerCase):
    """n1 is off, and was powered off by metal-drivers."""

    def setUp(self) -> None:
        super().setUp()
        self.begin()

    def begin(
        self,
        reason: str | None = base.OURS,
        capabilities: frozenset[Capability] = simulator.CAPABLE,
    ) -> None:
        self.use(simulator.SimCloud(1, OFF, capabilities))
        if reason is not None:
            self.host.status, self.host.reason = 'disabled', reason

    def on(self, **settings: object) -> PowerResult:
        """By a process of its own."""
        self.cloud.shared = shared.Shared()
        return self.cloud.on(**settings)

    def recover(self) -> PowerResult:
        (result,) = self.cloud.engine().recover(self.cloud.fleet())
        return result

    def failures(self) -> int:
        """As the marker says, for this node and by the time."""
        mark = markers.parse(self.host.reason)
        assert mark is not None and self.host.status == 'disabled'
        self.assertTrue(mark.names('id-1'))
        if mark.kind is not MarkerKind.FAILED_ON:
            return 0
        self.assertLess(mark.age(self.cloud.clock.now()), 1)
        return mark.times


class TestCount(FailedCase):
    def test_whatever_it_fails_at(self) -> None:
        """It counts, and the result says what the marker says."""

        def gives_up() -> None:
            self.node.ends_in = 'the BMC said no'

        def is_not_on_in_time() -> None:
            self.node.delay = 10_000

        def is_not_in_use_in_time() -> None:
            self.host.boot = 1e6

        def is_refused() -> None:
            self.cloud.fail(REFUSED, 'set_power_state')

        def gets_no_reply() -> None:
            self.cloud.fail(DOWN, 'set_power_state')

        ways: tuple[tuple[Callable[[], None], Outcome], ...] = (
            (gives_up, Outcome.FAILED),
            (is_not_on_in_time, Outcome.TIMED_OUT),
            (is_not_in_use_in_time, Outcome.TIMED_OUT),
            (is_refused, Outcome.FAILED),
            (gets_no_reply, Outcome.TIMED_OUT),
        )
        for capabilities in (simulator.CAPABLE, SIMPLE):
            for way, outcome in ways:
                if way is gives_up and capabilities is SIMPLE:
                    outcome = Outcome.TIMED_OUT
                self.begin(capabilities=capabilities)
                way()
                self.assert_ended(
                    outcome,
                    self.on(),
                    '. The marker on h1 now says "failed to power on, 1 time"',
                )
                self.assertEqual(1, self.failures(), way.__name__)

    def test_a_node_that_is_on_has_not_failed(self) -> None:
        """Another process has powered it on, and what this one sent arrives
        late: at the time-out the node is on, and a change under way."""
        self.node.delay = 10_000

        def others(sent: simulator.Sent) -> None:
            self.node.shown = ON

        with mock.patch.object(self.cloud.driver, 'arrived', others):
            result = self.on()
        self.assertIn('last reported power state was on', result.detail)
        self.assertNotIn('failed to power on', result.detail)
        self.assertEqual(0, self.failures())

    def test_each_is_one_more(self) -> None:
        for capabilities in (simulator.CAPABLE, SIMPLE):
            self.begin(capabilities=capabilities)
            self.node.ends_in = 'the BMC said no'
            for times in (1, 2, 3):
                result = self.on()
                self.assertEqual(times, self.failures())
                self.cloud.clock.advance(1000)
            self.assertIn(
                'now says "failed to power on, 3 times"', result.detail
            )

    def test_success_ends_the_count(self) -> None:
        """Also where it is powered off once more, and fails then."""
        self.node.ends_in = 'the BMC said no'
        for _ in range(2):
            self.on()
        self.assertEqual(2, self.failures())
        self.node.ends_in = ''
        self.assert_ended(Outcome.DONE, self.on(), 'up and enabled')
        self.assert_enabled()
        self.assert_ended(Outcome.DONE, self.cloud.off())
        self.assertEqual(0, self.failures())
        self.node.ends_in = 'the BMC said no'
        self.on()
        self.assertEqual(1, self.failures())

    def test_an_id_of_which_nova_keeps_only_a_part(self) -> None:
        long = 'id-' + 'x' * 300
        self.node.say(id=long)
        self.cloud.driver.nodes = {long: self.node}
        self.node.ends_in = 'the BMC said no'
        now = self.cloud.clock.now()
        self.host.reason = markers.reason(long, now)
        for times in (1, 2):
            self.on()
            self.assertEqual(255, len(self.host.reason or ''))
            mark = markers.parse(self.host.reason)
            assert mark is not None
            self.assertEqual(times, mark.times)
        self.node.ends_in = ''
        self.assert_ended(Outcome.DONE, self.on())
        self.assert_enabled()

    def test_what_does_not_speak_against_the_host(self) -> None:
        forbidden = exceptions.RefusedError('403')
        forbidden.status = 403
        unauthorized = exceptions.AuthenticationError('401')
        busy = exceptions.BusyError('locked')
        for capabilities in (simulator.CAPABLE, SIMPLE):
            for error, call, number in (
                (forbidden, 'set_power_state', 1),
                (unauthorized, 'set_power_state', 1),
                (busy, 'set_power_state', 1),
                (exceptions.DriverError('a bug'), 'set_power_state', 1),
                (unauthorized, 'get_node', 3),
                (DOWN, 'get_node', 3),
            ):
                self.begin(capabilities=capabilities)
                self.node.delay = 10_000
                self.cloud.fail(error, call, number=number, times=10_000)
                result = self.on()
                self.assertFalse(result.outcome.good)
                self.assertEqual(0, self.failures(), result.detail)
                self.assertNotIn('failed to power on', result.detail)

    def test_nova_that_is_away_does_not_either(self) -> None:
        self.host.boot = 1e6
        self.cloud.fail(DOWN, 'get_service', number=2, times=10_000)
        result = self.on()
        self.assert_ended(Outcome.TIMED_OUT, result, 'on, but nova-compute')
        self.assertEqual(0, self.failures())

    def test_nor_does_a_cancellation(self) -> None:
        self.node.delay = 10_000
        engine = self.cloud.engine()
        self.cloud.clock.at(20, engine.cancel)
        (result,) = engine.switch(self.cloud.fleet(), ['id-1'], ON)
        self.assert_ended(Outcome.FAILED, result, 'cancelled after')
        self.assertEqual(0, self.failures())

    def test_nor_one_that_was_on_already(self) -> None:
        """No power on was tried."""
        self.node.power, self.host.boot = ON, 1e6
        self.node.last_on = self.cloud.clock.time
        self.assert_ended(Outcome.TIMED_OUT, self.on(), 'not confirmed')
        self.assert_service('disabled', base.OURS)


class TestOthers(FailedCase):
    def test_what_others_wrote_remains(self) -> None:
        """Before, or while it is powered on."""
        later = markers.reason('id-1', simulator._EPOCH)
        another = markers.reason('id-77', simulator._EPOCH)
        for status, reason in (
            ('disabled', base.THEIRS),
            ('disabled', another),
            ('disabled', later),
            ('enabled', None),
        ):
            for delay in (0, 100):
                self.begin()
                self.node.delay = 10_000
                if delay:
                    self.cloud.clock.at(
                        delay,
                        functools.partial(
                            self.cloud.nova.change, 'h1', status, reason
                        ),
                    )
                elif reason != later:
                    self.host.status, self.host.reason = status, reason
                else:
                    continue
                self.assert_ended(Outcome.TIMED_OUT, self.on())
                self.assert_service(status, reason)

    def test_two_that_fail_at_once_count_once(self) -> None:
        """Neither is sent after the failure of the other."""
        self.node.delay = 10_000
        other = markers.reason(
            'id-1', simulator._EPOCH, MarkerKind.FAILED_ON, 1
        )
        self.cloud.clock.at(
            100, lambda: self.cloud.nova.change('h1', 'disabled', other)
        )
        self.assert_ended(Outcome.TIMED_OUT, self.on())
        self.assert_service('disabled', other)

    def test_no_marker_where_nova_is_not_managed(self) -> None:
        self.node.delay = 10_000
        result = self.on(manage_compute_service=False)
        self.assert_ended(Outcome.TIMED_OUT, result)
        self.assert_service('disabled', base.OURS)


class TestTrouble(FailedCase):
    def test_a_marker_that_cannot_be_written(self) -> None:
        """The result says so, and is what it was."""
        for call, said in (
            ('disable', 'may not say "failed to power on, 1 time"'),
            ('get_service', 'does not say that this power on failed'),
        ):
            self.begin()
            self.node.delay = 10_000
            number = 2 if call == 'get_service' else 1
            self.cloud.fail(DOWN, call, number=number, times=100)
            self.assert_ended(
                Outcome.TIMED_OUT,
                self.on(),
                'not reported on within 300 s',
                f'The marker on h1 {said}',
                DOWN.message,
            )
            self.assert_service('disabled', base.OURS)

    def test_where_nothing_is_sent_the_count_is_put_back(self) -> None:
        """The service is busy for all of the time."""
        before = markers.reason(
            'id-1',
            simulator._EPOCH.replace(year=2025),
            MarkerKind.FAILED_ON,
            3,
        )
        self.begin(before, SIMPLE)
        busy = exceptions.BusyError('locked')
        self.cloud.fail(busy, 'set_power_state', times=1000)
        self.assert_ended(Outcome.TIMED_OUT, self.on(), 'locked')
        self.assert_service('disabled', before)


class TestAfterwards(FailedCase):
    """What other commands make of it."""

    def begin(
        self,
        reason: str | None = None,
        capabilities: frozenset[Capability] = simulator.CAPABLE,
    ) -> None:
        super().begin('', capabilities)
        self.host.reason = reason or self.failed()

    def failed(self, times: int = 2) -> str:
        now = self.cloud.clock.now()
        return markers.reason('id-1', now, MarkerKind.FAILED_ON, times)

    def test_recover_leaves_one_that_is_off(self) -> None:
        before = self.host.reason
        self.assert_ended(
            Outcome.ALREADY,
            self.recover(),
            'off; failed to power on, 2 times, last at 2026-01-01',
        )
        self.assert_service('disabled', before)

    def test_recover_enables_one_that_came_on_later(self) -> None:
        for capabilities in (simulator.CAPABLE, SIMPLE):
            self.begin(capabilities=capabilities)
            self.node.power = ON
            self.assert_ended(Outcome.DONE, self.recover(), 'enabled')
            self.assert_enabled()

    def test_so_does_power_on(self) -> None:
        self.node.power = ON
        self.assert_ended(Outcome.ALREADY, self.on(), 'up and enabled')
        self.assert_enabled()

    def test_power_off_of_one_that_came_on_later_starts_anew(self) -> None:
        self.node.power = ON
        self.assert_ended(Outcome.DONE, self.cloud.off())
        self.assertEqual(0, self.failures())

    def test_min_dwell_counts_from_the_failure(self) -> None:
        self.assert_ended(Outcome.REFUSED, self.on(min_dwell=600), 'min_dwell')
        self.cloud.clock.advance(601)
        self.assert_ended(Outcome.DONE, self.on(min_dwell=600))

    def test_another_process_that_fails_meanwhile(self) -> None:
        """The host is on in time for this one: it is enabled."""
        self.begin(base.OURS)
        self.node.delay = 30
        self.cloud.clock.at(
            20,
            lambda: self.cloud.nova.change('h1', 'disabled', self.failed(1)),
        )
        self.assert_ended(Outcome.DONE, self.on(), 'up and enabled')
        self.assert_enabled()


class TestLate(FailedCase):
    """A second power on does harm where the first may still take effect."""

    def test_the_next_waits_until_the_first_has_no_effect_any_more(
        self,
    ) -> None:
        self.begin(capabilities=SIMPLE)
        self.node.delay = 400
        self.assert_ended(Outcome.TIMED_OUT, self.on())
        self.assertEqual(1, self.failures())
        self.assert_ended(Outcome.DONE, self.on(), 'up and enabled')
        self.assertEqual(1, len(self.cloud.driver.requests))
        self.assert_enabled()

    def test_or_says_when_to_try_again(self) -> None:
        self.begin(capabilities=SIMPLE)
        self.node.ends_in = 'swallowed'
        self.on()
        self.assert_ended(
            Outcome.REFUSED,
            self.on(service_up_timeout=60),
            'the power on that failed at 00:05:12 UTC may still take effect '
            'within 300 s; try again then',
        )
        self.assertEqual(1, len(self.cloud.driver.requests))

    def test_a_service_that_reports_the_end_is_asked_again(self) -> None:
        self.node.ends_in = 'the BMC said no'
        self.on()
        before = self.cloud.clock.time
        self.node.ends_in = ''
        self.assert_ended(Outcome.DONE, self.on())
        self.assertLess(self.cloud.clock.time - before, 60)

    def test_recover_says_what_is_to_be_done(self) -> None:
        """It is on, and nobody is at work on it."""
        self.begin(capabilities=SIMPLE)
        self.host.boot = 1e6
        self.on()
        self.assertEqual(PowerState.ON, self.node.power)
        (result,) = self.cloud.engine(wait=False).recover(self.cloud.fleet())
        self.assert_ended(Outcome.REFUSED, result, 'not up yet')
