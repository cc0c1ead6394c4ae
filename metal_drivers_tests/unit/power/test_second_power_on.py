# SPDX-License-Identifier: Apache-2.0
"""Several runs that power on one node of a service on which a second
power on, with the first under way, is a power cycle: MAAS."""

from __future__ import annotations

import functools

from metal_drivers import exceptions
from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.model import Capability, Outcome
from metal_drivers_tests.unit.power import base, simulator

DOWN = exceptions.UnavailableError('the service is not there')
OFF, ON = simulator.OFF, simulator.ON
SIMPLE = frozenset({Capability.SOFT_OFF})
LONG_AGO = simulator._EPOCH.replace(year=2025)


class TestTurn(base.PowerCase):
    """One power on; another was begun before, or others come between."""

    def setUp(self) -> None:
        super().setUp()
        self.begin()

    def begin(self, kind: MarkerKind = MarkerKind.POWERED_OFF) -> None:
        self.use(simulator.SimCloud(power=OFF, capabilities=SIMPLE))
        self.host.status = 'disabled'
        self.host.reason = markers.reason('id-1', LONG_AGO, kind)

    def kind(self) -> MarkerKind | None:
        mark = markers.parse(self.host.reason)
        return mark.kind if mark else None

    def test_the_mark_is_there_before_the_request(self) -> None:
        kinds = []
        arrived = self.cloud.driver.arrived

        def note(sent: simulator.Sent) -> None:
            arrived(sent)
            kinds.append(self.kind())

        self.cloud.driver.arrived = note
        self.assert_ended(Outcome.DONE, self.cloud.on(), 'up and enabled')
        self.assertEqual([MarkerKind.POWERING_ON], kinds)
        self.assert_enabled()

    def test_another_run_is_waited_for(self) -> None:
        """It was killed, or waits without a word."""
        self.mark_now()
        self.assert_ended(Outcome.DONE, self.cloud.on())
        (sent,) = self.cloud.driver.requests
        # The lease, and the time-out of a power on.
        self.assertLess(360, sent.at)
        self.assertLess(sent.at, 400)

    def test_and_has_powered_it_on(self) -> None:
        self.mark_now()
        self.cloud.clock.at(
            50, lambda: self.cloud.driver.start(self.node, ON, 0)
        )
        result = self.cloud.on()
        self.assert_ended(Outcome.DONE, result, 'up and enabled')
        self.assertEqual([], self.cloud.driver.requests)

    def test_and_is_renewed(self) -> None:
        self.mark_now()
        self.cloud.clock.at(300, self.mark_now)
        self.assert_ended(Outcome.DONE, self.cloud.on(service_up_timeout=1000))
        (sent,) = self.cloud.driver.requests
        self.assertLess(660, sent.at)

    def test_no_longer_than_there_is_time(self) -> None:
        self.mark_now()
        result = self.cloud.on(service_up_timeout=60)
        self.assert_ended(
            Outcome.REFUSED, result, 'may still be powering it on for 360 s; '
        )
        self.assertEqual([], self.cloud.driver.requests)

    def test_off_waits_for_it_too(self) -> None:
        self.node.power = ON
        self.mark_now()
        self.assert_ended(Outcome.DONE, self.cloud.off())
        (sent,) = self.cloud.driver.requests
        self.assertLessEqual(markers.LEASE, sent.at)

    def test_recovery_waits_for_it_too(self) -> None:
        self.node.power = ON
        self.mark_now()
        (result,) = self.cloud.engine().recover(self.cloud.fleet())
        self.assert_ended(Outcome.DONE, result)
        self.assertLessEqual(markers.LEASE, self.cloud.clock.time)
        self.assert_enabled()

    def test_recovery_leaves_one_that_is_off(self) -> None:
        self.mark_now()
        self.cloud.clock.advance(1000)
        (result,) = self.cloud.engine().recover(self.cloud.fleet())
        self.assert_ended(Outcome.ALREADY, result, 'power on began')
        self.assertIs(MarkerKind.POWERING_ON, self.kind())

    def test_one_that_will_not_come_on_is_still_ours(self) -> None:
        self.node.ends_in = 'swallowed'
        self.assert_ended(Outcome.TIMED_OUT, self.cloud.on())
        self.assert_ours()
        self.node.ends_in = ''
        self.cloud.clock.advance(1000)
        self.assert_ended(Outcome.DONE, self.cloud.on(), 'up and enabled')

    def test_where_nothing_was_sent_all_is_as_before(self) -> None:
        """So nobody waits for it."""
        before = self.host.reason
        busy = exceptions.BusyError('locked')
        self.cloud.fail(busy, 'set_power_state', times=1000)
        self.assert_ended(Outcome.TIMED_OUT, self.cloud.on())
        self.assert_service('disabled', before)
        forbidden = exceptions.AuthenticationError('not allowed')
        self.begin()
        self.cloud.fail(forbidden, 'set_power_state')
        self.assert_ended(Outcome.FAILED, self.cloud.on())
        self.assert_service('disabled', before)

    def test_the_marker_is_young_when_a_late_request_arrives(self) -> None:
        ages = []
        arrived = self.cloud.driver.arrived

        def note(sent: simulator.Sent) -> None:
            arrived(sent)
            mark = markers.parse(self.host.reason)
            assert mark is not None
            ages.append(mark.age(self.cloud.clock.now()))

        self.cloud.driver.arrived = note
        busy = exceptions.BusyError('locked')
        self.cloud.fail(busy, 'set_power_state', times=15)
        self.assert_ended(Outcome.DONE, self.cloud.on())
        (sent,) = self.cloud.driver.requests
        self.assertLess(markers.LEASE, sent.at)
        self.assertLess(max(ages), markers.RENEW)

    def test_a_marker_that_cannot_be_put_back_is_reported(self) -> None:
        """What was changed is no refusal; the message says what is left."""
        refused = exceptions.RefusedError('never')
        for call, number in (('get_service', 3), ('disable', 2)):
            self.begin()
            self.cloud.fail(refused, 'set_power_state')
            self.cloud.fail(DOWN, call, number=number, times=100)
            self.assert_ended(
                Outcome.FAILED,
                self.cloud.on(),
                'never',
                'The marker on h1 may still be "powering on": '
                'the service is not there',
                'Run the same command again; it waits until the marker is '
                '360 s old',
            )
            self.assertEqual(MarkerKind.POWERING_ON, self.kind())
            self.cloud.calls.faults.clear()
            self.assert_ended(Outcome.DONE, self.cloud.on())
            (sent,) = self.cloud.driver.requests
            self.assertLess(360, sent.at)

    def test_a_marker_of_which_nova_does_not_reply(self) -> None:
        """Nor does it when it is put back."""
        self.cloud.fail(DOWN, 'disable', times=2, arrives_after=0)
        self.assert_ended(
            Outcome.FAILED, self.cloud.on(), 'may still be "powering on"'
        )
        self.assertEqual([], self.cloud.driver.requests)

    def test_cancelled_before_the_request(self) -> None:
        before = self.host.reason
        engine = self.cloud.engine()
        self.cloud.clock.at(5, engine.cancel)
        (result,) = engine.switch(self.cloud.fleet(), ['n1'], ON)
        self.assert_ended(Outcome.FAILED, result, 'before a power request')
        self.assertEqual([], self.cloud.driver.requests)
        self.assert_service('disabled', before)

    def test_taken_by_others_before_the_request(self) -> None:
        others = markers.reason(
            'id-1',
            simulator._EPOCH.replace(microsecond=5000),
            MarkerKind.POWERING_ON,
        )
        for status, reason, said in (
            ('disabled', base.THEIRS, base.THEIRS),
            ('enabled', None, 'someone else enabled'),
            ('disabled', others, 'another process'),
        ):
            self.begin()
            change = functools.partial(
                self.cloud.nova.change, 'h1', status, reason
            )
            self.cloud.clock.at(1, change)
            result = self.cloud.on()
            self.assert_ended(Outcome.REFUSED, result, said)
            self.assertEqual([], self.cloud.driver.requests)
            self.assert_service(status, reason)

    def test_nova_that_is_slow(self) -> None:
        """Whoever has sent meanwhile cannot be seen any more."""
        calls = self.calls()
        self.begin()
        self.cloud.calls.meddling[calls.index('disable') + 1] = lambda: (
            self.cloud.clock.advance(30)
        )
        result = self.cloud.on()
        self.assert_ended(
            Outcome.TIMED_OUT,
            result,
            'Nova took 30 s',
            'The marker on h1 may still be "powering on": another process '
            'may be powering it on',
        )
        self.assertEqual([], self.cloud.driver.requests)
        self.assert_ours()

    def test_what_is_not_ours_gets_no_mark(self) -> None:
        for status, reason in (
            ('enabled', None),
            ('disabled', base.THEIRS),
            ('disabled', markers.reason('id-77', LONG_AGO)),
        ):
            self.begin()
            self.host.status, self.host.reason = status, reason
            self.assert_ended(Outcome.DONE, self.cloud.on())
            self.assert_service(status, reason)
            self.assertNotIn('disable', self.cloud.calls.names())
            (sent,) = self.cloud.driver.requests
            self.assertEqual(0, sent.at)

    def test_nobody_waits_where_the_service_shows_what_is_under_way(
        self,
    ) -> None:
        self.use(simulator.SimCloud(power=OFF))
        self.host.status, self.host.reason = 'disabled', base.OURS
        self.assert_ended(Outcome.DONE, self.cloud.on())
        (sent,) = self.cloud.driver.requests
        self.assertEqual(0, sent.at)

    def mark_now(self) -> None:
        self.host.reason = markers.reason(
            'id-1', self.cloud.clock.now(), MarkerKind.POWERING_ON
        )

    def calls(self) -> list[str]:
        self.cloud.on()
        return [call.name for call in self.cloud.calls.made]


class TestProcess(base.PowerCase):
    """The second power on of one process, whatever Nova has of it."""

    def setUp(self) -> None:
        super().setUp()
        self.use(simulator.SimCloud(power=OFF, capabilities=SIMPLE))
        # No mark is to be had on what is enabled.
        self.cloud.no_second_power_on = lambda host: True  # type: ignore

    def test_not_waited_for_and_again(self) -> None:
        self.node.delay = 100
        self.assert_ended(Outcome.PLANNED, self.cloud.on(wait=False))
        self.assert_ended(Outcome.DONE, self.cloud.on())
        self.assertEqual(1, len(self.cloud.driver.requests))

    def test_in_doubt_and_again(self) -> None:
        self.node.delay = 100
        self.cloud.fail(DOWN, 'set_power_state', arrives_after=60)
        self.cloud.on(power_on_timeout=20)
        self.assert_ended(Outcome.DONE, self.cloud.on())
        self.assertEqual(1, len(self.cloud.driver.requests))

    def test_lost_and_again(self) -> None:
        """Once it cannot have its effect any more, another is sent."""
        self.cloud.fail(DOWN, 'set_power_state')
        self.cloud.on(power_on_timeout=20)
        self.cloud.calls.faults.clear()
        self.assert_ended(Outcome.DONE, self.cloud.on())
        (sent,) = self.cloud.driver.requests
        self.assertLessEqual(300, sent.at)

    def test_no_longer_than_there_is_time(self) -> None:
        self.node.delay = 1000
        self.cloud.on(wait=False)
        result = self.cloud.on(service_up_timeout=60)
        self.assert_ended(
            Outcome.REFUSED, result, 'sent 0 s ago', 'within 300 s'
        )

    def test_on_and_off_and_on(self) -> None:
        """What has had its effect is not waited for."""
        self.assert_ended(Outcome.DONE, self.cloud.on())
        self.cloud.driver.start(self.node, OFF, 0)
        before = self.cloud.clock.time
        self.assert_ended(Outcome.DONE, self.cloud.on())
        self.assertEqual(before, self.cloud.driver.requests[-1].at)
