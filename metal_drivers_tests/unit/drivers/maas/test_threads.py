# SPDX-License-Identifier: Apache-2.0
"""From wherever it is called: threads, event loops; and how it ends."""

import asyncio
import gc
import signal
import threading
import time
from collections.abc import Callable

from metal_drivers import exceptions
from metal_drivers.drivers.maas import MaasDriver, loop
from metal_drivers.model import PowerState
from metal_drivers_tests.contract import driver as contract
from metal_drivers_tests.emulators import faults
from metal_drivers_tests.unit.drivers.maas import base


def loops() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == 'metal-maas']


class TestCallers(base.MaasTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.machine = self.maas.add_machine()

    def list(self) -> int:
        return len(self.driver.list_nodes())

    def test_no_thread_before_the_first_call(self) -> None:
        before = len(loops())
        self.driver_with()
        self.assertEqual(before, len(loops()))

    def test_one_thread_for_all_callers(self) -> None:
        before = len(loops())
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda: found.append(self.list()))
            for _ in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([1] * 40, found)
        self.assertEqual(before + 1, len(loops()))
        self.assertEqual(1, self.requests(base.DESCRIBE))
        self.assertLessEqual(self.maas.connections, 4)

    def test_inside_a_loop_and_after_one(self) -> None:
        async def inside() -> int:
            return self.list()

        self.assertEqual(1, self.list())
        for debug in (False, True):
            self.assertEqual(1, asyncio.run(inside(), debug=debug))
            self.assertEqual(1, self.list())

    def test_several_drivers(self) -> None:
        drivers = [self.driver_with() for _ in range(5)]
        for driver in drivers:
            self.assertEqual(1, len(driver.list_nodes()))
        drivers[0].close()
        for driver in drivers[1:]:
            self.assertEqual(1, len(driver.list_nodes()))


class TestEnd(base.MaasTestCase):
    """Of the driver, with and without calls under way."""

    def in_background(self, call: Callable[[], object]) -> threading.Thread:
        """A thread whose call is to end with one of our errors."""

        def run() -> None:
            try:
                call()
            except exceptions.MetalError as exc:
                self.ended.append(exc)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def setUp(self) -> None:
        super().setUp()
        self.ended: list[exceptions.MetalError] = []
        self.machine = self.maas.add_machine()

    def test_twice_and_never_used(self) -> None:
        for _ in range(2):
            self.driver.close()
        driver = self.driver_with()
        driver.list_nodes()
        for _ in range(2):
            driver.close()

    def test_the_thread_ends(self) -> None:
        before = set(loops())
        self.driver.list_nodes()
        (thread,) = set(loops()) - before
        self.driver.close()
        self.assertFalse(thread.is_alive())

    def test_afterwards_it_says_so(self) -> None:
        self.driver.close()
        exc = self.error(exceptions.UnavailableError, self.driver.list_nodes)
        self.assertIn('closed', str(exc))
        self.assertEqual([], self.maas.requests)

    def test_pending_calls_end_with_our_errors(self) -> None:
        machine = self.machine.system_id
        self.driver.list_nodes()
        self.maas.forget()
        self.maas.fail(lambda request: True, faults.hang(), None)
        threads = [
            self.in_background(call)
            for call in (
                self.driver.list_nodes,
                self.driver.list_nodes,
                lambda: self.driver.get_node(machine),
                lambda: self.driver.set_power_state(machine, PowerState.OFF),
                # These wait for a turn.
                lambda: self.driver.get_node(machine),
                self.driver.list_nodes,
            )
        ]
        # No pending state is an answer.
        asked: list[object] = []
        threads.append(
            self.in_background(
                lambda: asked.append(
                    self.driver.get_power_states([machine] * 3)
                )
            )
        )
        self.maas.wait_for(lambda request: True, 4)
        begin = time.monotonic()
        closers = [
            threading.Thread(target=self.driver.close) for _ in range(3)
        ]
        for thread in closers:
            thread.start()
        for thread in [*closers, *threads]:
            thread.join(5)
            self.assertFalse(thread.is_alive())
        self.assertLess(time.monotonic() - begin, 2)
        self.recorder.note(*self.ended)
        self.assertEqual(7, len(self.ended))
        self.assertEqual([], asked)
        for exc in self.ended:
            self.assertIsInstance(exc, exceptions.UnavailableError)
            self.assertIn('closed', str(exc))

    def test_a_call_that_comes_a_moment_too_late(self) -> None:
        async def work() -> None:
            raise AssertionError('it was begun')

        thread = loop.LoopThread('late')
        running = thread._start()
        thread.close()
        self.assertRaises(loop.Closed, running.run, work)

    def test_while_others_go_on_calling(self) -> None:
        def call_on() -> None:
            while True:
                self.driver.list_nodes()

        threads = [self.in_background(call_on) for _ in range(8)]
        self.maas.wait_for(base.LIST, 20)
        self.driver.close()
        for thread in threads:
            thread.join(5)
            self.assertFalse(thread.is_alive())
        self.recorder.note(*self.ended)
        self.assertEqual(8, len(self.ended))

    def test_who_forgets_to_close(self) -> None:
        before = set(loops())
        driver = MaasDriver(dict(self.driver.config))
        driver.list_nodes()
        (thread,) = set(loops()) - before
        del driver
        gc.collect()
        contract.wait_until(
            lambda: not thread.is_alive(), 5, 'the thread ends'
        )

    def check_interrupt(self, send: Callable[[], None]) -> None:
        # A shell that starts the tests in the background has it ignored.
        former = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, former)
        driver = self.driver_with(max_concurrent=1)
        driver.list_nodes()
        self.maas.fail(base.LIST, faults.hang())
        self.maas.forget()

        def interrupt() -> None:
            self.maas.wait_for(base.LIST)
            send()

        threading.Thread(target=interrupt).start()
        begin = time.monotonic()
        self.assertRaises(KeyboardInterrupt, driver.list_nodes)
        # The turn of the interrupted request is over.
        self.assertEqual(1, len(driver.list_nodes()))
        self.assertLess(time.monotonic() - begin, 2)

    def test_an_interrupt_cancels_the_request(self) -> None:
        main = threading.main_thread().ident or 0
        self.check_interrupt(lambda: signal.pthread_kill(main, signal.SIGINT))

    def test_an_interrupt_that_wakes_nobody(self) -> None:
        """It can arrive a moment before the caller begins to wait; here
        another thread is interrupted, which is the same to the caller."""
        self.check_interrupt(
            lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        )
