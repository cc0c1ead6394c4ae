# SPDX-License-Identifier: Apache-2.0
"""No second request to power on while MAAS may act on the first.

MAAS 3.5 and newer would power-cycle the machine.
"""

import threading

from metal_drivers import exceptions
from metal_drivers.drivers.maas import MaasDriver, power_ons
from metal_drivers.model import Node, PowerState
from metal_drivers_tests.emulators import faults, maas
from metal_drivers_tests.unit.drivers.maas import base

ON, OFF = PowerState.ON, PowerState.OFF


FORK = """
import os
from metal_drivers import exceptions
from metal_drivers.drivers.maas.power_ons import PROCESS
from metal_drivers.model import Node

def send():
    return PROCESS.sending('there', Node('abc123', 'c1'), PROCESS.now())

with send(), PROCESS._lock:
    child = os.fork()
    if not child:
        try:
            with send():
                os._exit(1)
        except exceptions.BusyError as exc:
            print(exc, flush=True)
        os._exit(0)
_, status = os.waitpid(child, 0)
raise SystemExit(os.waitstatus_to_exitcode(status))
"""


class PowerOnTestCase(base.MaasTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.machine = self.maas.add_machine(power='off')

    def power_on(self, driver: MaasDriver | None = None) -> None:
        driver = driver or self.driver
        driver.set_power_state(self.machine.system_id, ON)

    def check_busy(self, *told: str, driver: MaasDriver | None = None) -> None:
        """No request is sent, and it is said when the first was."""
        before = self.requests(base.is_power)
        exc = self.error(
            exceptions.BusyError,
            self.power_on,
            driver or self.driver_with(),
        )
        self.assertRegex(str(exc), r'sent at \d\d:\d\d:\d\d UTC')
        for part in told:
            self.assertIn(part, str(exc))
        self.assertEqual(before, self.requests(base.is_power))


class TestUnderWay(PowerOnTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.maas.hold()
        self.ended: list[exceptions.MetalError | None] = []
        self.first = threading.Thread(target=self.in_background)
        self.first.start()
        self.addCleanup(self.first.join, 5)
        self.addCleanup(self.maas.release)
        self.maas.wait_for_actions()

    def in_background(self) -> None:
        try:
            self.power_on()
        except exceptions.MetalError as exc:
            self.ended.append(exc)
        else:
            self.ended.append(None)

    def test_another_driver_is_busy_until_it_is_answered(self) -> None:
        """Watcher's applier opens a driver for each action."""
        self.check_busy('not answered yet', 'Try again when it is, at ')
        # However long that takes.
        self.seconds += 10_000
        self.check_busy('not answered yet')
        self.maas.release()
        self.first.join(5)
        self.assertEqual([None], self.ended)
        other = self.driver_with()
        self.power_on(other)  # it is on
        other.set_power_state(self.machine.system_id, OFF)
        self.power_on(other)
        self.assertEqual(
            [maas.Effect.ON, maas.Effect.OFF, maas.Effect.ON],
            [action.effect for action in self.machine.actions],
        )

    def test_what_is_on_by_now_needs_none(self) -> None:
        self.machine.power = 'on'
        self.power_on(self.driver_with())
        self.assertEqual(1, self.requests(base.is_power))

    def test_it_may_be_powered_off_meanwhile(self) -> None:
        self.machine.power = 'on'
        self.machine.held = False
        self.driver_with().set_power_state(self.machine.system_id, OFF)
        self.assertEqual(maas.Effect.OFF, self.machine.actions[-1].effect)

    def test_other_machines_and_regions_are_not_concerned(self) -> None:
        self.driver_with().set_power_state(
            self.maas.add_machine(power='off').system_id, ON
        )
        other = self.start()
        other.add_machine(system_id=self.machine.system_id, power='off')
        self.power_on(self.driver_at(other.maas_url, api_key=other.apikey))
        self.assertEqual('on', other.machine(self.machine.system_id).power)

    def test_who_gives_up_leaves_it_in_doubt(self) -> None:
        self.driver.close()
        self.first.join(5)
        self.assertEqual(1, len(self.ended))
        self.check_busy('got no answer', 'Try again after ')

    def test_a_child_of_this_process_waits_as_well(self) -> None:
        """What is under way is not answered to it."""
        self.power_ons.after_fork()
        self.check_busy('got no answer')

    def test_so_does_a_child_that_was_forked_in_the_middle(self) -> None:
        done = base.run_python(FORK)
        self.assertEqual((0, ''), (done.returncode, done.stderr), done.stderr)
        self.assertIn('got no answer', done.stdout)


class TestInDoubt(PowerOnTestCase):
    def test_after_a_time_out(self) -> None:
        """For five minutes since it was sent."""
        self.machine.on_seconds = maas.NEVER
        hasty = self.driver_with(timeout=0.5)
        hasty.list_nodes()
        self.error(exceptions.TimedOutError, self.power_on, hasty)
        for seconds in (0, 200, 99.9):
            self.seconds += seconds
            self.check_busy('got no answer', 'Try again after ')
        self.seconds += 0.1
        self.maas.advance(300)
        self.machine.on_seconds = 0
        self.power_on()
        self.assertEqual('on', self.machine.power)

    def test_without_an_answer_it_is(self) -> None:
        for fault in (
            faults.reset(),
            faults.close(),
            faults.truncated(),
            faults.status(500, b'exit status 1', 'text/plain'),
            faults.status(503, b'no connections', 'text/plain'),
            faults.status(504, b'TimeoutError', 'text/plain'),
            faults.bad_gateway(),
            faults.html(),
            faults.html(404),
            faults.malformed_json(),
            faults.status(302, b'', 'text/plain'),
            faults.status(401, b"'Nonce already used: 1'", 'text/html'),
        ):
            self.machine = self.maas.add_machine(power='off')
            self.maas.fail(base.is_power, fault)
            self.error(exceptions.MetalError, self.power_on)
            self.machine.power = self.machine.cached = 'off'
            self.check_busy('got no answer')

    def test_with_an_answer_it_is_not(self) -> None:
        for fault in (
            faults.status(400, b'{}'),
            faults.status(401, b'Invalid API key', 'text/html'),
            faults.status(403, b'', 'text/plain'),
            faults.status(404, b'No Machine', 'text/plain'),
            faults.status(409, b'not allocated', 'text/plain'),
            faults.status(503, b'is already in progress', 'text/plain'),
        ):
            self.machine = self.maas.add_machine(power='off')
            self.maas.fail(base.is_power, fault)
            self.error(exceptions.MetalError, self.power_on)
            self.power_on()
            self.assertEqual('on', self.machine.power)

    def test_what_never_reached_maas_is_not(self) -> None:
        driver = self.driver_with(url='http://127.0.0.1:1/MAAS')
        unreachable = self.error(
            exceptions.UnavailableError, driver.list_nodes
        )

        def send() -> None:
            node = Node('abc123', 'c1')
            with self.power_ons.sending('there', node, self.seconds):
                raise unreachable

        for _ in range(2):
            self.error(exceptions.UnavailableError, send)

    def test_nothing_is_kept_for_longer_than_it_matters(self) -> None:
        for number in range(20):
            self.machine = self.maas.add_machine(power='off')
            if number % 2:
                self.maas.fail(base.is_power, faults.reset())
                self.error(exceptions.UnavailableError, self.power_on)
            else:
                self.power_on()
        self.assertEqual(20, len(self.power_ons))
        self.seconds += power_ons.ACTS_FOR
        self.machine = self.maas.add_machine(power='off')
        self.power_on()
        self.assertEqual(1, len(self.power_ons))


class TestLooks(PowerOnTestCase):
    """What was asked before another request ended is too old."""

    def test_another_one_was_answered_since(self) -> None:
        """MAAS may take a BMC's word: off then, and on in a moment."""
        self.machine.confirmed = False
        self.machine.on_seconds = 60

        def fault(exchange: faults.Exchange) -> None:
            reply = exchange.perform()
            self.power_on(other)
            exchange.send(reply)

        other = self.driver_with()
        original = self.power_ons.now
        # Each look at the clock is later than the one before.
        self.power_ons.now = lambda: original() + len(self.maas.requests)
        self.maas.fail(base.is_query, fault)
        exc = self.error(exceptions.BusyError, self.power_on)
        self.assertIn('after the power state was queried', str(exc))
        self.assertEqual(1, self.requests(base.is_power))

    def test_also_where_it_took_longer_than_five_minutes(self) -> None:
        node = Node('abc123', 'c1')
        with self.power_ons.sending('there', node, self.seconds):
            self.seconds += power_ons.ACTS_FOR + 50
            asked = self.seconds
            self.seconds += 10

        def send() -> None:
            with self.power_ons.sending('there', node, asked):
                raise AssertionError('it was sent')

        exc = self.error(exceptions.BusyError, send)
        self.assertIn('after the power state was queried', str(exc))

    def test_a_state_of_five_minutes_ago_is_none(self) -> None:
        """What was sent meanwhile may be forgotten by now."""

        def fault(exchange: faults.Exchange) -> None:
            self.seconds += power_ons.ACTS_FOR
            exchange.send(exchange.perform())

        self.maas.fail(base.is_query, fault)
        exc = self.error(exceptions.BusyError, self.power_on)
        self.assertIn('300 s ago', str(exc))
        self.assertEqual(0, self.requests(base.is_power))

    def test_of_many_at_once_one_is_sent(self) -> None:
        self.maas.hold()
        go = threading.Barrier(16)
        busy = threading.Semaphore(0)

        def run(driver: MaasDriver) -> None:
            go.wait(5)
            try:
                self.power_on(driver)
            except exceptions.BusyError:
                busy.release()

        drivers = [self.driver_with() for _ in range(4)]
        threads = [
            threading.Thread(target=run, args=(driver,))
            for driver in drivers * 4
        ]
        for thread in threads:
            thread.start()
        for _ in range(15):
            self.assertTrue(busy.acquire(timeout=5))
        self.maas.release()
        for thread in threads:
            thread.join(5)
        self.assertEqual(1, self.requests(base.is_power))
        self.assertEqual('on', self.machine.power)
