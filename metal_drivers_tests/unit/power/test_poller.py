# SPDX-License-Identifier: Apache-2.0
"""Many who wait, and one list for all; requests counted at Ironic."""

import threading
from typing import Any

import testtools

from metal_drivers import exceptions, fleet
from metal_drivers.drivers.ironic import IronicDriver
from metal_drivers.model import Outcome, PowerState
from metal_drivers.poller import Poller
from metal_drivers.power import Event, PowerEngine, PowerSettings, Step
from metal_drivers.power import shared as power_shared
from metal_drivers_tests.emulators import ironic
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = PowerState.OFF, PowerState.ON


class TestLookout(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.lookout = Poller(self.get, self.list_all)
        self.alarms = [threading.Event() for _ in range(3)]

    def get(self, key: str) -> str:
        self.asked.append(key)
        return f'{key} alone'

    def list_all(self) -> dict[str, str]:
        self.asked.append('list')
        if self.error:
            raise self.error
        return {key: f'{key} of all' for key in 'abc'}

    def wait(self, count: int) -> None:
        for alarm in self.alarms[:count]:
            context = self.lookout.waiting(alarm)
            context.__enter__()
            self.addCleanup(context.__exit__, None, None, None)

    def look(
        self, key: str, after: float, now: float, due: bool = True
    ) -> Any:
        return self.lookout.look(key, after, now, due)

    def test_one_alone_is_asked_for_alone(self) -> None:
        self.wait(1)
        self.assertEqual(('a alone', 5), self.look('a', 1, 5))

    def test_several_share_a_list(self) -> None:
        self.wait(3)
        self.assertEqual(('a of all', 5), self.look('a', 1, 5))
        self.assertTrue(all(alarm.is_set() for alarm in self.alarms))
        self.assertEqual(('b of all', 5), self.look('b', 2, 6, False))
        self.assertEqual(['list'], self.asked)

    def test_who_has_left_is_not_woken_by_what_is_past(self) -> None:
        with self.lookout.waiting(self.alarms[0]):
            self.wait(2)
            self.look('a', 1, 5)
        self.assertFalse(self.alarms[0].is_set())

    def test_a_list_of_before_the_request_is_of_no_use(self) -> None:
        self.wait(2)
        self.look('a', 1, 5)
        self.assertIsNone(self.look('b', 5, 6, False))
        self.assertEqual(('b of all', 7), self.look('b', 5, 7))
        self.assertEqual(['list', 'list'], self.asked)

    def test_few_of_very_many_are_asked_for_one_by_one(self) -> None:
        self.lookout.size = 1000
        self.wait(3)
        self.assertEqual(('a alone', 5), self.look('a', 1, 5))

    def test_a_list_that_hangs_holds_nobody_up(self) -> None:
        self.wait(3)
        seen: list[Any] = []
        entries = self.list_all

        def hang() -> dict[str, str]:
            # Others look while it hangs: for a while it is waited for.
            seen.append(self.look('b', 2, 14))
            seen.append(self.look('b', 2, 16))
            return entries()

        self.lookout._list_all = hang
        self.look('a', 1, 5)
        self.assertEqual([None, ('b alone', 16)], seen)

    def test_what_is_not_in_the_list(self) -> None:
        self.wait(2)
        self.assertEqual(('x alone', 5), self.look('x', 1, 5))

    def test_a_failure_is_told_to_all(self) -> None:
        self.wait(2)
        self.error = exceptions.UnavailableError('away')
        for key in 'ab':
            self.assertRaises(
                exceptions.UnavailableError, self.look, key, 1, 5
            )
        self.assertEqual(['list'], self.asked)

    def test_a_list_that_is_not_allowed(self) -> None:
        self.wait(2)
        self.error = exceptions.AuthenticationError('not you')
        for key in 'ab':
            self.assertEqual((f'{key} alone', 5), self.look(key, 1, 5))
        self.assertEqual(['list', 'a', 'b'], self.asked)


class TestIronic(testtools.TestCase):
    def test_requests_for_many(self) -> None:
        """Twenty that are waited for cost lists, not a look each."""
        server = self.useFixture(ironic.IronicEmulator())
        for number in range(20):
            server.add_node(name=f'n{number}')
        driver = IronicDriver(
            {'auth_type': 'none', 'endpoint_override': server.url}
        )
        self.addCleanup(driver.close)
        found = fleet.load(driver, None)
        server.hold()
        sent = threading.Semaphore(0)

        def watch(event: Event) -> None:
            if event.step in (Step.SOFT_OFF, Step.HARD_OFF):
                sent.release()

        engine = PowerEngine(
            driver,
            None,
            PowerSettings(
                unmatched=True,
                max_concurrent=20,
                max_power_off_per_minute=6000,
                poll_interval=1,
            ),
            watch=watch,
            shared=power_shared.Shared(),
        )
        names = [member.node.id for member in found.members]
        results: list[Any] = []
        thread = threading.Thread(
            target=lambda: results.extend(engine.switch(found, names, OFF))
        )
        thread.start()
        for _ in names:
            self.assertTrue(sent.acquire(timeout=30))
        server.release()
        thread.join(30)
        self.assertEqual([Outcome.DONE] * 20, [r.outcome for r in results])
        single = sum(
            request.method == 'GET' and request.path.startswith('/v1/nodes/')
            for request in server.requests
        )
        # One before each request, of that node alone; and what looks by
        # itself while a list is under way.
        self.assertLessEqual(20, single)
        self.assertLess(single, 80)


class TestBringingBack(base.PowerCase):
    def test_a_single_one_is_asked_for_alone(self) -> None:
        self.use(simulator.SimCloud(power=OFF))
        self.assert_ended(Outcome.DONE, self.cloud.on())
        names = self.cloud.calls.names()
        self.assertNotIn('list_nodes', names)
        self.assertNotIn('list_services', names)
