# SPDX-License-Identifier: Apache-2.0
"""Somebody else acts on a machine between our requests to MAAS.

Whatever is done before the machine is read is seen, and no request is
sent. Between that answer and the request nobody can look: what is done
then is not seen.
"""

import contextlib
import threading
from collections.abc import Callable

from metal_drivers import exceptions
from metal_drivers.model import PowerState
from metal_drivers_tests.emulators import faults, maas, messages
from metal_drivers_tests.unit.drivers.maas import base

ON, OFF = PowerState.ON, PowerState.OFF
Act = Callable[[maas.Machine], None]

#: Seconds of the emulator's clock that a BMC takes.
SLOW = 30.0


def allocate(machine: maas.Machine) -> None:
    """Release it, and give it to somebody who has not deployed it yet."""
    machine.status, machine.owner = maas.Status.ALLOCATED, 'joe'
    machine.power = machine.cached = 'off'


def deploy(machine: maas.Machine) -> None:
    machine.status, machine.owner = maas.Status.DEPLOYING, 'joe'


def begin_release(machine: maas.Machine) -> None:
    """A query that finds it off ends the release."""
    machine.status = maas.Status.RELEASING


def lock(machine: maas.Machine) -> None:
    machine.locked = True


def power_on(machine: maas.Machine) -> None:
    """Through MAAS, which then knows it."""
    machine.power = machine.cached = 'on'


#: What makes it a machine that must be left alone.
SEEN: dict[PowerState, tuple[Act, ...]] = {
    ON: (allocate, deploy, begin_release, lock),
    OFF: (allocate, deploy, begin_release, lock),
}


def nothing(machine: maas.Machine) -> None:
    """What nearly always happens."""


class TestOneMachine(base.MaasTestCase):
    """Somebody else acts at each point between two requests."""

    def test_what_is_done_is_seen(self) -> None:
        for state, acts in SEEN.items():
            for act in acts:
                for point in self.points():
                    told = f'{act.__name__}, {point}, {state.value}'
                    exc = self.switch(state, act, point)
                    self.assertEqual([], self.machine.actions, told)
                    self.assertIsInstance(exc, exceptions.RefusedError, told)

    def test_a_power_on_is_seen(self) -> None:
        """While the BMC is asked, it is on already; after it, it is not
        known what goes on."""
        for point in self.points():
            exc = self.switch(ON, power_on, point)
            self.assertEqual([], self.machine.actions, str(point))
            if point in (self.before_query, self.during_query):
                self.assertIsNone(exc)
            else:
                self.assertIsInstance(exc, exceptions.BusyError, str(point))
                self.assertIn('changed', str(exc))

    def test_where_nothing_is_done_the_request_is_sent(self) -> None:
        for state in SEEN:
            for point in self.points():
                self.assertIsNone(self.switch(state, nothing, point))
                self.assertEqual(1, len(self.machine.actions))

    def test_a_node_is_as_young_as_what_was_read_last(self) -> None:
        for point in self.points():
            self.machine = self.maas.add_machine(power='off')
            point(deploy)
            node = self.driver.get_node(self.machine.system_id)
            self.assertIn('Deploying', node.keep_off or '')
            self.assertIn('Deploying', node.keep_on or '')

    def test_two_answers_that_differ_are_no_state(self) -> None:
        for point in (self.after_query, self.before_read):
            self.machine = self.maas.add_machine(power='off')
            point(power_on)
            node = self.driver.get_node(self.machine.system_id)
            self.assertIs(PowerState.UNKNOWN, node.power_state)
            self.assertIn('changed', node.fault or '')

    def switch(
        self, state: PowerState, act: Act, point: Callable[[Act], None]
    ) -> exceptions.MetalError | None:
        """How it ends where this is done at that point."""
        self.machine = self.maas.add_machine(
            power='off' if state is ON else 'on'
        )
        point(act)
        try:
            self.driver.set_power_state(self.machine.system_id, state)
        except exceptions.MetalError as exc:
            self.recorder.note(exc)
            return exc
        return None

    def points(self) -> tuple[Callable[[Act], None], ...]:
        return (
            self.before_query,
            self.during_query,
            self.after_query,
            self.before_read,
        )

    def before_query(self, act: Act) -> None:
        def fault(exchange: faults.Exchange) -> None:
            act(self.machine)
            exchange.send(self.perform(exchange, nothing))

        self.maas.fail(base.is_query, fault)

    def during_query(self, act: Act) -> None:
        def fault(exchange: faults.Exchange) -> None:
            exchange.send(self.perform(exchange, act))

        self.maas.fail(base.is_query, fault)

    def after_query(self, act: Act) -> None:
        def fault(exchange: faults.Exchange) -> None:
            reply = self.perform(exchange, nothing)
            act(self.machine)
            exchange.send(reply)

        self.maas.fail(base.is_query, fault)

    def before_read(self, act: Act) -> None:
        def fault(exchange: faults.Exchange) -> None:
            act(self.machine)
            exchange.send(exchange.perform())

        self.maas.fail(base.is_read, fault)

    def perform(self, exchange: faults.Exchange, act: Act) -> messages.Reply:
        """The answer of a slow BMC; this is done while it is waited for."""
        self.machine.bmc_seconds = SLOW
        replies: list[messages.Reply] = []
        work = threading.Thread(
            target=lambda: replies.append(exchange.perform())
        )
        work.start()
        act(self.machine)
        while work.is_alive():
            self.maas.advance(SLOW)
            work.join(0.001)
        self.machine.bmc_seconds = 0.0
        return replies[0]


class TestOneMachine34(TestOneMachine):
    series = '3.4'


class TestManyMachines(base.MaasTestCase):
    """They wait for a turn before they are looked at, never after."""

    def setUp(self) -> None:
        super().setUp()
        self.driver = self.driver_with(max_concurrent=1)
        self.driver.list_nodes()

    def switch_all(self, count: int) -> list[maas.Machine]:
        machines = [self.maas.add_machine(power='off') for _ in range(count)]
        self.maas.forget()

        def switch(machine: maas.Machine) -> None:
            with contextlib.suppress(
                exceptions.BusyError, exceptions.RefusedError
            ):
                self.driver.set_power_state(machine.system_id, ON)

        threads = [
            threading.Thread(target=switch, args=(machine,))
            for machine in machines
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return machines

    def test_nothing_comes_between_the_look_and_the_request(self) -> None:
        self.switch_all(8)
        asked = [request.path for request in self.maas.requests]
        self.assertEqual(24, len(asked))
        for number in range(0, 24, 3):
            of_one = set(asked[number : number + 3])
            self.assertEqual(1, len(of_one), str(asked))

    def test_somebody_acts_before_the_request_of_each(self) -> None:
        """At each point between two requests, whosever they are."""
        for act in (allocate, power_on):
            for number in range(9):
                told = f'{act.__name__} before request {number}'
                acted = self.act_before(number, act)
                machines = self.switch_all(3)
                self.assertTrue(self.rule.used, told)
                for machine in machines:
                    sent = [] if machine in acted else [maas.Effect.ON]
                    effects = [each.effect for each in machine.actions]
                    self.assertEqual(sent, effects, told)
                    # It is of no more use.
                    machine.status = maas.Status.READY

    def act_before(self, number: int, act: Act) -> list[maas.Machine]:
        """The machines that this is done to, once it is."""
        known = set(self.maas.machines)
        acted: list[maas.Machine] = []

        def fault(exchange: faults.Exchange) -> None:
            # The last of them is the one that is to be answered now.
            powered = filter(base.is_power, self.maas.requests)
            paths = {each.path for each in powered}
            for system_id, machine in self.maas.machines.items():
                path = f'/MAAS/api/2.0/machines/{system_id}/'
                if system_id not in known and path not in paths:
                    act(machine)
                    acted.append(machine)
            exchange.send(exchange.perform())

        self.rule = self.maas.fail(
            lambda request: len(self.maas.requests) == number + 1, fault
        )
        return acted
