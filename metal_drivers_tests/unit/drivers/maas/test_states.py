# SPDX-License-Identifier: Apache-2.0
"""Live power states: what is known, and what is not."""

import datetime
import threading
from concurrent import futures
from typing import Any

import fixtures

from metal_drivers import exceptions
from metal_drivers.drivers.maas import session
from metal_drivers.model import Node, PowerState
from metal_drivers_tests.emulators import faults, maas, messages
from metal_drivers_tests.unit.drivers.maas import base

NOT_KNOWN = (
    faults.status(200, b'{"state": "unknown"}'),
    faults.status(200, b'{"state": "standby"}'),
    faults.status(200, b'{"state": null}'),
    faults.status(200, b'{"state": ["off"]}'),
    faults.status(200, b'{"power": "off"}'),
    faults.status(200, b'null'),
    faults.status(200, b'"off"'),
    faults.status(200, b'off', 'text/plain'),
    faults.status(500, b'exit status 1', 'text/plain'),
    faults.status(
        503, b'no connections', 'text/plain', [('Retry-After', '10')]
    ),
    faults.status(504, b'Unexpected exception: TimeoutError.', 'text/plain'),
    faults.status(403, b'', 'text/plain'),
    faults.status(409, b'conflict', 'text/plain'),
    faults.bad_gateway(),
    faults.html(),
    faults.html(404),
    faults.malformed_json(),
    faults.truncated(),
)


class TestStates(base.MaasTestCase):
    def ask(self, machine: maas.Machine) -> Node:
        node = self.driver.get_node(machine.system_id)
        self.recorder.note(node)
        states = self.driver.get_power_states([machine.system_id])
        self.assertEqual({machine.system_id: node.power_state}, states)
        return node

    def test_on_and_off(self) -> None:
        for power in ('on', 'off'):
            machine = self.maas.add_machine(power=power, cached='error')
            self.assertEqual(power, self.ask(machine).power_state.value)

    def test_what_is_not_known_is_never_off(self) -> None:
        """Nor on; and it is said why."""
        machine = self.maas.add_machine(power='off', cached='off')
        for fault in NOT_KNOWN:
            self.maas.fail(base.is_query, fault, 2)
            node = self.ask(machine)
            self.assertIs(PowerState.UNKNOWN, node.power_state)
            self.assertTrue(node.fault)
        self.assertIs(PowerState.OFF, self.ask(machine).power_state)

    def test_a_bmc_that_fails(self) -> None:
        """200 "error" on 3.4, 500 on 3.7."""
        for series, state in (
            ('3.4', PowerState.ERROR),
            ('3.7', PowerState.UNKNOWN),
        ):
            server = self.start(series)
            machine = server.add_machine(unreachable=True)
            driver = self.driver_at(server.maas_url, api_key=server.apikey)
            node = driver.get_node(machine.system_id)
            self.assertIs(state, node.power_state)
            self.assertTrue(node.fault)
            listed = driver.list_nodes()[0].power_state
            self.assertIsNot(PowerState.OFF, listed)

    def test_no_rack_a_lost_rack_and_no_driver(self) -> None:
        machine = self.maas.add_machine(power='off')
        for rack in set(maas.Rack) - {maas.Rack.CONNECTED}:
            self.maas.region.rack = rack
            self.assertIs(PowerState.UNKNOWN, self.ask(machine).power_state)
        self.maas.region.rack = maas.Rack.CONNECTED
        machine.driver_missing = True
        node = self.ask(machine)
        self.assertIs(PowerState.UNKNOWN, node.power_state)
        self.assertIn('install the ipmitool', node.fault or '')

    def test_a_query_that_maas_gives_up(self) -> None:
        self.maas.region.query_timeout = 0.001
        machine = self.maas.add_machine(bmc_seconds=maas.NEVER)
        node = self.ask(machine)
        self.assertIs(PowerState.UNKNOWN, node.power_state)
        self.assertIn('504', node.fault or '')

    def test_a_query_that_never_ends(self) -> None:
        machine = self.maas.add_machine(power='off', bmc_seconds=maas.NEVER)
        self.maas.region.query_timeout = maas.NEVER
        self.driver = self.driver_with(timeout=0.2)
        self.driver.list_nodes()
        node = self.ask(machine)
        self.assertIs(PowerState.UNKNOWN, node.power_state)
        self.assertIn('within 0.2 s', node.fault or '')

    def test_one_machines_trouble_is_not_that_of_others(self) -> None:
        good = self.maas.add_machine()
        bad = self.maas.add_machine(unreachable=True)
        self.assertEqual(
            {
                bad.system_id: PowerState.UNKNOWN,
                good.system_id: PowerState.ON,
                'zzzzzz': PowerState.UNKNOWN,
                '../x': PowerState.UNKNOWN,
            },
            self.driver.get_power_states(
                [bad.system_id, good.system_id, 'zzzzzz', '../x']
            ),
        )

    def test_a_wrong_key_is_an_error_at_once(self) -> None:
        ids = [self.maas.add_machine().system_id for _ in range(40)]
        driver = self.driver_with(api_key=self.keep_secret('no1:no2:no3'))
        self.error(
            exceptions.AuthenticationError, driver.get_power_states, ids
        )
        self.assertLessEqual(self.requests(base.is_query), 4)

    def test_a_maas_that_is_gone_is_not_asked_for_each(self) -> None:
        ids = [f'abc{number}' for number in range(1000)]
        tried: list[str] = []
        name = 'metal_drivers.drivers.maas.session.Session.send'
        send = session.Session.send

        async def spy(*args: Any) -> Any:
            tried.append(args[1])
            return await send(*args)

        self.useFixture(fixtures.MonkeyPatch(name, spy))
        driver = self.driver_with(url='http://127.0.0.1:1/MAAS')
        states = driver.get_power_states(ids)
        self.assertEqual({PowerState.UNKNOWN}, set(states.values()))
        self.assertEqual(1000, len(states))
        self.assertLessEqual(len(tried), 4)

    def test_no_list_is_made_to_find_one(self) -> None:
        machine = self.maas.add_machine()
        self.driver.get_node(machine.system_id)
        self.driver.get_power_states([machine.system_id])
        self.driver.set_power_state(machine.system_id, PowerState.OFF)
        self.error(exceptions.NotFoundError, self.driver.get_node, 'zzzzzz')
        self.assertEqual(0, self.requests(base.LIST))

    def test_what_ends_the_next_request_too_ends_the_first(self) -> None:
        machine = self.maas.add_machine().system_id
        wrong = self.driver_with(api_key=self.keep_secret('no1:no2:no3'))
        for kind, driver, system_id in (
            (exceptions.NotFoundError, self.driver, 'zzzzzz'),
            (exceptions.AuthenticationError, wrong, machine),
        ):
            self.error(kind, driver.get_node, system_id)
            self.assertEqual(
                1, sum('/machines/' in r.path for r in self.maas.requests)
            )
            self.maas.forget()

    def test_what_is_seen_is_as_old_as_the_question(self) -> None:
        def fault(exchange: faults.Exchange) -> None:
            arrived.append(datetime.datetime.now(datetime.UTC))
            exchange.send(exchange.perform())

        arrived: list[datetime.datetime] = []
        self.maas.fail(base.is_query, fault)
        node = self.driver.get_node(self.maas.add_machine().system_id)
        assert node.observed_at is not None
        self.assertLess(node.observed_at, arrived[0])


class TestConcurrency(base.MaasTestCase):
    def test_no_more_at_once_than_allowed(self) -> None:
        for most in (1, 4, 7):
            server = self.start(machines=20)
            driver = self.driver_at(
                server.maas_url, api_key=server.apikey, max_concurrent=most
            )
            ids = list(server.machines)
            go = threading.Event()
            server.fail(base.is_query, faults.hang(go), most)
            with futures.ThreadPoolExecutor(1) as pool:
                asked = pool.submit(driver.get_power_states, ids)
                server.wait_for(base.is_query, most)
                arrived = sum(map(base.is_query, server.requests))
                go.set()
            self.assertEqual(most, arrived)
            self.assertEqual({PowerState.ON}, set(asked.result().values()))
            self.assertLessEqual(server.concurrency, most)
            self.assertEqual(most, server.connections)

    def test_nor_from_many_threads(self) -> None:
        for _ in range(8):
            self.maas.add_machine()
        self.maas.region.latency['query'] = 0.01
        ids = list(self.maas.machines)
        threads = [
            threading.Thread(target=self.driver.get_power_states, args=(ids,))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(48, self.requests(base.is_query))
        self.assertLessEqual(self.maas.concurrency, 4)
        self.assertLessEqual(self.maas.connections, 4)
        self.assertEqual(1, self.requests(base.DESCRIBE))

    def test_200_calls_over_4_connections(self) -> None:
        for _ in range(50):
            self.maas.add_machine()
        ids = list(self.maas.machines)
        for _ in range(4):
            self.driver.get_power_states(ids)
        self.assertEqual(200, self.requests(base.is_query))
        self.assertLessEqual(self.maas.connections, 4)

    def test_to_wait_for_a_turn_is_no_time_out(self) -> None:
        """Eight requests of 100 s each, one at once, 400 s for each."""
        time = self.useFixture(base.LoopTime())
        self.maas.fail(base.LIST, time.takes(100), None)
        driver = self.driver_with(max_concurrent=1, list_timeout=400)
        with futures.ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(driver.list_nodes) for _ in range(8)]
        self.assertEqual([[]] * 8, [job.result() for job in jobs])

    def test_each_request_of_a_turn_has_its_own_time(self) -> None:
        """Three requests of 200 s each, 500 s for each."""
        machine = self.maas.add_machine()
        time = self.useFixture(base.LoopTime())
        self.maas.fail(
            messages.matching(None, f'.*/{machine.system_id}/'),
            time.takes(200),
            None,
        )
        driver = self.driver_with(max_concurrent=1, timeout=500)
        driver.set_power_state(machine.system_id, PowerState.OFF)
        self.assertEqual('off', machine.power)
