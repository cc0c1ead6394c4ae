# SPDX-License-Identifier: Apache-2.0
"""No more starts a minute than the limit, over the whole process."""

import testtools

from metal_drivers import exceptions
from metal_drivers.model import Capability, Outcome
from metal_drivers.power import Step, shared
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = simulator.OFF, simulator.ON


class TestRate(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.rate = shared.Rate()

    def test_so_many_in_any_minute(self) -> None:
        for now in (0, 10):
            self.assertEqual(0, self.rate.take(2, now))
            self.rate.use(now)
        self.assertEqual(48, self.rate.take(2, 12))
        self.assertLess(0, self.rate.take(2, 59.9))
        self.assertEqual(0, self.rate.take(2, 60))
        self.rate.use(60)
        self.assertEqual(9, self.rate.take(2, 61))

    def test_sums_that_differ_in_their_last_bit(self) -> None:
        self.rate.take(1, 0)
        self.rate.use(10.368)
        self.assertEqual(0, self.rate.take(1, 70.368))
        self.assertNotEqual(0, self.rate.take(1, 70.368))

    def test_a_place_that_is_held_counts(self) -> None:
        self.rate.take(1, 0)
        self.assertEqual(1, self.rate.take(1, 1000))
        self.rate.give_back()
        self.assertEqual(0, self.rate.take(1, 1000))

    def test_a_start_counts_from_when_it_was_made(self) -> None:
        self.rate.take(1, 0)
        self.rate.use(50)
        self.assertEqual(49, self.rate.take(1, 61))


class TestLimited(base.PowerCase):
    def setUp(self) -> None:
        super().setUp()
        self.use(simulator.SimCloud(5))
        self.names = [f'n{number}' for number in range(1, 6)]

    def off(self, *names: str, rate: int = 2) -> list[Outcome]:
        results = self.cloud.switch(OFF, *names, max_power_off_per_minute=rate)
        return [result.outcome for result in results]

    def times(self) -> list[float]:
        return [sent.at for sent in self.cloud.driver.requests]

    def test_the_rate_is_kept(self) -> None:
        self.assertEqual([Outcome.DONE] * 5, self.off(*self.names))
        times = self.times()
        for index in range(3):
            self.assertLess(59.99, times[index + 2] - times[index])
        self.assertIn(Step.SLOT, self.steps())

    def test_over_all_engines_of_the_process(self) -> None:
        for name in self.names:
            self.off(name)
        times = self.times()
        self.assertLess(59.99, times[2] - times[0])

    def test_waiting_is_not_of_the_nodes_own_time(self) -> None:
        # After the wait there is time left for another try.
        busy = exceptions.BusyError('locked')
        self.cloud.fail(busy, 'set_power_state', number=2)
        _, second = self.cloud.switch(
            OFF,
            'n1',
            'n2',
            max_power_off_per_minute=1,
            power_off_timeout=20,
            soft_off_timeout=20,
        )
        self.assertIs(Outcome.DONE, second.outcome, second.detail)

    def test_what_sends_nothing_takes_no_place(self) -> None:
        self.cloud.nova.disabled = self.land
        self.off('n1', 'n2', rate=1)
        self.cloud.nova.disabled = lambda host: None
        self.off('n3', rate=1)
        self.assertEqual([0], self.times())

    def land(self, host: simulator.SimHost) -> None:
        host.servers += 1

    def test_hard_after_a_soft_one_that_got_lost(self) -> None:
        """It is the first of that node to arrive."""
        for capabilities in (simulator.CAPABLE, {Capability.SOFT_OFF}):
            self.use(simulator.SimCloud(3, capabilities=capabilities))
            lost = exceptions.UnavailableError('away')
            self.cloud.fail(lost, 'set_power_state')
            # Others, right before the hard one is due.
            self.cloud.clock.at(175, lambda: self.take())
            (result,) = self.cloud.switch(
                OFF, 'n1', soft_off_timeout=180, max_power_off_per_minute=1
            )
            self.assertIs(Outcome.DONE, result.outcome, result.detail)
            (hard,) = self.cloud.driver.requests
            self.assertLessEqual(175 + 60, hard.at)

    def take(self) -> None:
        rate = self.cloud.shared.rates[OFF]
        self.assertEqual(0, rate.take(1, self.cloud.clock.time))
        rate.use(self.cloud.clock.time)

    def test_a_node_that_is_busy_holds_none(self) -> None:
        rate = self.cloud.shared.rates[OFF]
        free = []
        error = exceptions.BusyError('locked')
        self.cloud.fail(error, 'set_power_state', times=1)

        def look() -> None:
            free.append(rate.take(1, self.cloud.clock.time))
            rate.give_back()

        self.cloud.clock.at(0.5, look)
        self.off('n2', rate=1)
        self.assertEqual([0], free)
        self.assertEqual(1, len(self.times()))

    def test_on_and_off_are_apart(self) -> None:
        self.off('n1')
        began = self.cloud.clock.time
        self.cloud.switch(ON, 'n1', max_power_on_per_minute=1)
        self.assertEqual(began, self.cloud.driver.requests[-1].at)
