# SPDX-License-Identifier: Apache-2.0
"""Each order in which two or three runs power on one node of a service on
which a second power on, with the first under way, is a power cycle: MAAS."""

from __future__ import annotations

from collections.abc import Iterator

import fixtures
import testtools

from metal_drivers import exceptions
from metal_drivers.compute import markers
from metal_drivers.model import Capability, Outcome, PowerState
from metal_drivers.power import PowerSettings, shared
from metal_drivers_tests.unit.power import interleaving, simulator

DOWN = exceptions.UnavailableError('the service is not there')
OFF, ON = simulator.OFF, simulator.ON
SIMPLE = frozenset({Capability.SOFT_OFF})
LONG_AGO = simulator._EPOCH.replace(year=2025)


class Runs:
    """Runs of several processes, step by step."""

    def __init__(self, count: int = 2, **machine: float) -> None:
        self.stepper = interleaving.Stepper()
        self.cloud = simulator.SimCloud(
            power=OFF,
            capabilities=SIMPLE,
            calls=self.stepper,
            clock_type=interleaving.SteppedClock,
        )
        self.cloud.node.delay = machine.get('delay', 10)
        self.cloud.host.status = 'disabled'
        self.cloud.host.reason = markers.reason('id-1', LONG_AGO)
        self.engines = [self.start(ON) for _ in range(count)]
        self.tasks = list(self.stepper.tasks)
        #: Of whose turn it was: runs with the same are the same.
        self.history = 0

    def engine(self) -> interleaving.SteppedEngine:
        engine = interleaving.SteppedEngine(
            self.cloud.driver,
            self.cloud.nova,
            PowerSettings(poll_interval=15),
            clock=self.cloud.clock,
            shared=shared.Shared(),
            chance=lambda: 0.5,
        )
        engine.stepper, engine.results = self.stepper, []
        return engine

    def start(self, state: PowerState) -> interleaving.SteppedEngine:
        engine = self.engine()
        engine.switch(self.cloud.fleet(), ['n1'], state)
        return engine

    def recover(self) -> None:
        self.engine().recover(self.cloud.fleet())
        self.finish(list(self.stepper.tasks))

    def step(self, task: interleaving.Task) -> None:
        """One call of that run, however long it has to wait for it."""
        if task.done:
            return
        if task.wake is not None and task.wake > self.cloud.clock.time:
            assert isinstance(self.cloud.clock, interleaving.SteppedClock)
            self.cloud.clock.until(task.wake)
        if task in self.tasks:
            self.history = hash((self.history, self.tasks.index(task)))
        self.stepper.step(task)

    def send(self) -> None:
        """No request hangs on its way for minutes."""
        for task in self.tasks:
            if task.call[0] == 'set_power_state':
                self.step(task)

    def finish(
        self, tasks: list[interleaving.Task], known: set[int] | None = None
    ) -> bool:
        """These, to their ends; whose turn it is first comes first.

        :param known: histories that were finished, and how.
        :returns: whether this one is none of them.
        """
        for _ in range(5000):
            left = [task for task in tasks if not task.done]
            if not left:
                return True
            if known is not None:
                if self.history in known:
                    return False
                known.add(self.history)
            self.step(min(left, key=lambda task: task.wake or 0.0))
        raise AssertionError('does not come to an end')

    def results(self) -> Iterator[Outcome]:
        for engine in self.engines:
            (result,) = engine.results
            yield result.outcome


class TestTwo(testtools.TestCase):
    """Two power on at once."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        #: Of those that were played.
        self.known: set[int] = set()

    def play(self, first: int, second: int, slow: int | None) -> Runs | None:
        """So many calls of each, then all the rest.

        :param slow: which one's next call takes until the other has sent.
        :returns: None: it has been played.
        """
        runs = Runs(delay=100)
        one, two = runs.tasks
        for _ in range(first):
            runs.step(one)
        for _ in range(second):
            runs.step(two)
        runs.send()
        if slow is not None:
            other = runs.tasks[1 - slow]
            while not (other.done or runs.cloud.driver.requests):
                runs.step(other)
        new = runs.finish(runs.tasks, self.known)
        for task in list(runs.stepper.tasks):
            task.dead = True
            runs.stepper.step(task)
        return runs if new else None

    def test_only_one_sends(self) -> None:
        for first in range(11):
            for second in range(11):
                for slow in (None, 0, 1):
                    story = f'{first} {second} {slow}'
                    runs = self.play(first, second, slow)
                    if runs is None:
                        continue
                    self.assertEqual([], runs.cloud.harm, story)
                    # None, where the last to write was too slow to send.
                    sent = len(runs.cloud.driver.requests)
                    self.assertLessEqual(sent, 1, story)
                    done = Outcome.DONE in runs.results()
                    self.assertEqual(bool(sent), done, story)
                    if not done:
                        self.assertIn(Outcome.TIMED_OUT, runs.results())
                        continue
                    runs.recover()
                    self.assertTrue(runs.cloud.host.enabled, story)

    def test_both_come_to_a_good_end_where_one_is_a_little_later(
        self,
    ) -> None:
        runs = self.play(14, 0, None)
        assert runs is not None
        self.assertEqual({Outcome.DONE}, set(runs.results()))

    def test_three(self) -> None:
        for first in range(0, 14, 2):
            for second in range(0, 14, 2):
                runs = Runs(3)
                for task, count in zip(
                    runs.tasks, (first, second, 5), strict=True
                ):
                    for _ in range(count):
                        runs.step(task)
                runs.finish(runs.tasks)
                self.assertEqual([], runs.cloud.harm, f'{first} {second}')
                self.assertEqual(1, len(runs.cloud.driver.requests))
