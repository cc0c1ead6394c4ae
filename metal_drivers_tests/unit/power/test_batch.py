# SPDX-License-Identifier: Apache-2.0
"""Many at once, in real threads: in step by barriers, never by sleeping."""

import threading
from typing import Any

import testtools

from metal_drivers import exceptions, fleet
from metal_drivers.drivers.fake import FakeDriver
from metal_drivers.model import (
    Node,
    OffMode,
    Outcome,
    PowerResult,
    PowerState,
)
from metal_drivers.power import Event, PowerEngine, PowerSettings, Step
from metal_drivers.power import shared as power_shared

OFF, ON = PowerState.OFF, PowerState.ON

#: Where a test would hang, it fails after so many seconds.
PATIENCE = 30


class Driver(FakeDriver):
    """Tells when a request comes, and takes it when it may."""

    def __init__(self, nodes: int) -> None:
        super().__init__({'nodes': nodes})
        self.gate = threading.Event()
        self.gate.set()
        self.held: set[str] = set()
        self.entered = threading.Semaphore(0)
        self.requests: list[str] = []
        self.stuck: set[str] = set()

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        self.requests.append(node_id)
        self.entered.release()
        if node_id in self.held:
            assert self.gate.wait(PATIENCE)
        if node_id not in self.stuck:
            super().set_power_state(node_id, state, mode, timeout)

    def list_nodes(self) -> list[Node]:
        if self.stuck & set(self.requests):
            raise exceptions.UnavailableError('away')
        return super().list_nodes()

    def get_node(self, node_id: str) -> Node:
        if node_id in self.stuck and node_id in self.requests:
            raise exceptions.UnavailableError('away')
        return super().get_node(node_id)


class TestBatch(testtools.TestCase):
    def begin(self, nodes: int, **settings: Any) -> None:
        self.driver = Driver(nodes)
        self.events: list[Event] = []
        self.shared = power_shared.Shared()
        self.engine = self.make(**settings)
        self.fleet = fleet.load(self.driver, None)
        self.names = [member.node.id for member in self.fleet.members]

    def make(self, **settings: Any) -> PowerEngine:
        return PowerEngine(
            self.driver,
            None,
            PowerSettings(
                **{
                    'unmatched': True,
                    'poll_interval': 1,
                    'max_power_off_per_minute': 6000,
                }
                | settings
            ),
            watch=self.events.append,
            shared=self.shared,
        )

    def in_background(self, engine: PowerEngine, *names: str) -> Any:
        results: list[PowerResult] = []
        thread = threading.Thread(
            target=lambda: results.extend(
                engine.switch(self.fleet, names, OFF)
            )
        )
        thread.start()

        def end() -> list[PowerResult]:
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive())
            return results

        return end

    def enter(self, times: int = 1) -> None:
        for _ in range(times):
            self.assertTrue(self.driver.entered.acquire(timeout=PATIENCE))

    def test_so_many_at_once_and_no_more(self) -> None:
        self.begin(8, max_concurrent=3)
        self.driver.held = set(self.names)
        self.driver.gate.clear()
        end = self.in_background(self.engine, *self.names)
        self.enter(3)
        self.assertFalse(self.driver.entered.acquire(blocking=False))
        self.assertEqual(3, len(self.driver.requests))
        self.driver.gate.set()
        self.assertEqual(
            [(name, Outcome.DONE) for name in self.names],
            [(result.node_id, result.outcome) for result in end()],
        )

    def test_one_that_hangs_stops_nobody(self) -> None:
        self.begin(6, max_concurrent=2)
        self.driver.held = {self.names[0]}
        self.driver.gate.clear()
        end = self.in_background(self.engine, *self.names)
        self.enter(6)
        self.assertEqual(set(self.names), set(self.driver.requests))
        self.driver.gate.set()
        self.assertEqual(self.names, [result.node_id for result in end()])

    def test_no_thread_is_left(self) -> None:
        before = threading.active_count()
        self.begin(50, max_concurrent=20)
        self.engine.switch(self.fleet, self.names, OFF)
        self.assertEqual(before, threading.active_count())

    def test_cancelled_while_it_waits(self) -> None:
        self.begin(4, max_concurrent=2)
        self.driver.stuck = set(self.names[:2])
        end = self.in_background(self.engine, *self.names)
        self.enter(2)
        self.engine.cancel()
        results = end()
        self.assertEqual(self.names[:2], sorted(self.driver.requests))
        self.assertEqual(
            [Outcome.FAILED] * 4, [result.outcome for result in results]
        )
        for result in results[:2]:
            self.assertIn('after power off was requested', result.detail)
        for result in results[2:]:
            self.assertIn('before a power request was sent', result.detail)
            self.assertIn('last reported power state was on', result.detail)

    def test_cancelled_before_it_begins(self) -> None:
        self.begin(2)
        self.engine.cancel()
        results = self.engine.switch(self.fleet, self.names, OFF)
        self.assertEqual([], self.driver.requests)
        self.assertEqual(2, len(results))

    def test_cancelled_while_it_waits_for_a_slot(self) -> None:
        self.begin(2, max_power_off_per_minute=1, max_concurrent=1)
        paced = threading.Event()

        def watch(event: Event) -> None:
            if event.step is Step.SLOT:
                paced.set()

        self.engine._watch = watch
        end = self.in_background(self.engine, *self.names)
        self.assertTrue(paced.wait(PATIENCE))
        self.engine.cancel()
        first, second = end()
        self.assertIs(Outcome.DONE, first.outcome)
        self.assertIn('cancelled before', second.detail)

    def test_one_transition_of_a_node_at_a_time(self) -> None:
        self.begin(1)
        self.driver.held = set(self.names)
        self.driver.gate.clear()
        first = self.in_background(self.engine, *self.names)
        self.enter()
        waits = threading.Event()
        other = self.make()
        other._watch = lambda event: (
            waits.set() if event.step is Step.WAITING else None
        )
        second = self.in_background(other, *self.names)
        self.assertTrue(waits.wait(PATIENCE))
        self.assertEqual(1, len(self.driver.requests))
        self.driver.gate.set()
        self.assertIs(Outcome.DONE, first()[0].outcome)
        self.assertIs(Outcome.ALREADY, second()[0].outcome)
        self.assertEqual(1, len(self.driver.requests))

    def test_a_watcher_that_raises_harms_nobody(self) -> None:
        self.begin(3)

        def watch(event: Event) -> None:
            raise RuntimeError('of my own')

        self.engine._watch = watch
        results = self.engine.switch(self.fleet, self.names, OFF)
        self.assertEqual([Outcome.DONE] * 3, [r.outcome for r in results])
