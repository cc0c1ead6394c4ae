# SPDX-License-Identifier: Apache-2.0
"""What holds for every driver."""

import asyncio
import concurrent.futures
import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import testtools
from oslo_config import cfg

from metal_drivers import base, exceptions
from metal_drivers.model import (
    Capability,
    CheckResult,
    CheckStatus,
    Node,
    OffMode,
    PowerState,
)


class DriverContract(testtools.TestCase):
    """Subclass it, and say how to make a driver.

    The driver's service has at least one node that may be switched off
    and on again, and is on when a test begins.
    """

    #: Texts that must never be seen: passwords, tokens.
    secrets: Iterable[str] = ()
    #: The id of no node.
    unknown_id = '00000000-dead-4000-8000-000000000000'
    #: Seconds that a node may take to change its power.
    patience: float = 30

    def create_driver(self) -> base.MetalDriver:
        """A driver, ready to use; called once for each test."""
        raise NotImplementedError

    def config(self) -> Mapping[str, Any]:
        """Values that configure the driver: by default, those of the one
        that was created."""
        return self.driver.config

    def switchable_node(self) -> Node:
        """A node that the tests may switch off: by default, the first
        that is on."""
        for node in self.driver.list_nodes():
            if node.power_state is PowerState.ON and node.keep_on is None:
                return node
        raise AssertionError('the service has no node that is on')

    def setUp(self) -> None:
        super().setUp()
        if type(self).create_driver is DriverContract.create_driver:
            self.skipTest('a base for the tests of drivers')
        self.driver = self.create_driver()
        self.addCleanup(self.driver.close)

    # How it is loaded.

    def test_loads_as_watcher_loads_it(self) -> None:
        """Options first, then an instance with their values."""
        conf = cfg.ConfigOpts()
        kind = type(self.driver)
        for _ in range(2):  # once by Watcher's loader, once by ours
            conf.register_opts(kind.get_config_opts(), group='a.driver')
        conf([])
        for name, value in self.config().items():
            if name in conf['a.driver']:
                conf.set_override(name, value, group='a.driver')
        driver = kind(dict(conf['a.driver'].items()), osc=self.driver.osc)
        self.addCleanup(driver.close)
        self.assertEqual(_ids(self.driver), _ids(driver))

    def test_options_have_help(self) -> None:
        for opt in type(self.driver).get_config_opts():
            self.assertTrue(opt.help, opt.name)

    def test_options_for_secrets_are_secret(self) -> None:
        values = self.config()
        for opt in type(self.driver).get_config_opts():
            if values.get(opt.dest) in tuple(self.secrets):
                self.assertTrue(opt.secret, opt.name)

    def test_config_state_tells_ready_from_absent(self) -> None:
        kind = type(self.driver)
        nothing = {opt.dest: opt.default for opt in kind.get_config_opts()}
        self.assertEqual(
            base.ConfigStatus.READY, kind.config_state(self.config()).status
        )
        self.assertEqual(
            base.ConfigStatus.ABSENT, kind.config_state(nothing).status
        )

    def test_says_what_it_is(self) -> None:
        self.assertIsInstance(type(self.driver).priority, int)
        for capability in self.driver.capabilities:
            self.assertIsInstance(capability, Capability)

    # What it lists.

    def test_lists_nodes(self) -> None:
        nodes = self.driver.list_nodes()
        self.assertNotEqual([], nodes)
        for node in nodes:
            self.assertIsInstance(node, Node)
            self.assertTrue(node.id and isinstance(node.id, str))
            self.assertTrue(node.name and isinstance(node.name, str))
            self.assertIsInstance(node.power_state, PowerState)
            if node.observed_at is not None:
                self.assertIsNotNone(node.observed_at.tzinfo)
        self.assertEqual(len(nodes), len({node.id for node in nodes}))

    def test_shows_each_node_as_it_is_listed(self) -> None:
        for node in self.driver.list_nodes():
            self.assertEqual(
                dataclasses.replace(node, observed_at=None),
                dataclasses.replace(
                    self.driver.get_node(node.id), observed_at=None
                ),
            )

    def test_unknown_node_is_not_found(self) -> None:
        self.assertRaises(
            exceptions.NotFoundError, self.driver.get_node, self.unknown_id
        )

    def test_odd_id_is_not_found(self) -> None:
        """An id comes from a command line: nothing in it leads astray."""
        for odd in ('../x', 'a b', 'a?b=c', 'ä', '%2e%2e'):
            self.assertRaises(
                exceptions.NotFoundError, self.driver.get_node, odd
            )

    def test_finds_nodes_as_they_are_listed(self) -> None:
        """By each of their names, with whoever shares it."""
        nodes = self.driver.list_nodes()
        for node in nodes[:3]:
            for name in {node.id, node.name, *node.host_names}:
                for ref in {name, name.upper()}:
                    self.assertEqual(
                        _as_listed(base.named(nodes, ref)),
                        _as_listed(self.driver.find_nodes(ref)),
                        ref,
                    )

    def test_finds_nothing_that_is_not_there(self) -> None:
        for ref in (self.unknown_id, '', '../x', 'a b', 'a?b=c', 'ä', '*'):
            self.assertEqual([], self.driver.find_nodes(ref), ref)

    def test_lists_nodes_that_tell_their_hypervisor(self) -> None:
        """Without the list nobody sees that two claim one hypervisor."""
        if Capability.FIND in self.driver.capabilities:
            for node in self.driver.list_nodes():
                self.assertIsNone(node.hypervisor_id, node.id)

    def test_power_states_are_of_those_asked_for(self) -> None:
        nodes = self.driver.list_nodes()
        states = self.driver.get_power_states(node.id for node in nodes)
        self.assertEqual({node.id: node.power_state for node in nodes}, states)
        self.assertEqual({}, self.driver.get_power_states([]))

    def test_power_state_of_an_unknown_node_is_unknown(self) -> None:
        known = self.switchable_node().id
        self.assertEqual(
            {self.unknown_id: PowerState.UNKNOWN, known: PowerState.ON},
            self.driver.get_power_states([self.unknown_id, known]),
        )

    # What it switches.

    def test_switches_off_and_on(self) -> None:
        node = self.switchable_node()
        self.addCleanup(self.settle, node.id, PowerState.ON)
        self.driver.set_power_state(node.id, PowerState.OFF, OffMode.HARD)
        self.settle(node.id, PowerState.OFF)
        self.driver.set_power_state(node.id, PowerState.ON)
        self.settle(node.id, PowerState.ON)

    def test_switches_off_softly(self) -> None:
        node = self.switchable_node()
        extra: dict[str, Any] = {}
        if Capability.SOFT_OFF_TIMEOUT in self.driver.capabilities:
            extra['timeout'] = self.patience
        can = Capability.SOFT_OFF in self.driver.capabilities and node.soft_off
        if not can:
            self.assertRaises(
                exceptions.UnsupportedError,
                self.driver.set_power_state,
                node.id,
                PowerState.OFF,
                OffMode.SOFT,
            )
            return
        self.addCleanup(self.switch_on, node.id)
        self.driver.set_power_state(
            node.id, PowerState.OFF, OffMode.SOFT, **extra
        )
        self.settle(node.id, PowerState.OFF)

    def test_switches_only_on_and_off(self) -> None:
        node = self.switchable_node()
        for state in (PowerState.UNKNOWN, PowerState.ERROR):
            self.assertRaises(
                ValueError, self.driver.set_power_state, node.id, state
            )

    def test_cannot_switch_an_unknown_node(self) -> None:
        for state in (PowerState.ON, PowerState.OFF):
            self.assertRaises(
                exceptions.NotFoundError,
                self.driver.set_power_state,
                self.unknown_id,
                state,
            )

    # How it behaves.

    def test_check_is_all_right_and_changes_nothing(self) -> None:
        before = self.driver.list_nodes()
        results = self.driver.check()
        self.assertNotEqual([], results)
        for result in results:
            self.assertIsInstance(result, CheckResult)
            self.assertIsNot(CheckStatus.FAILED, result.status, result.detail)
        self.assertEqual(
            [(node.id, node.power_state) for node in before],
            [(node.id, node.power_state) for node in self.driver.list_nodes()],
        )

    def test_serves_several_threads(self) -> None:
        expected = _ids(self.driver)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(_ids, self.driver) for _ in range(8)]
        for job in jobs:
            self.assertEqual(expected, job.result())

    def test_works_where_an_event_loop_runs(self) -> None:
        async def inside() -> list[str]:
            return _ids(self.driver)

        self.assertEqual(_ids(self.driver), asyncio.run(inside()))

    def test_close_gives_back_threads_and_may_be_repeated(self) -> None:
        before = set(threading.enumerate())
        with self.driver as driver:
            driver.get_power_states(_ids(driver))
            driver.check()
        self.driver.close()
        # A server in this process may need a moment to see it.
        wait_until(
            lambda: set(threading.enumerate()) <= before,
            5,
            'no thread is left',
        )

    def test_keeps_secrets_to_itself(self) -> None:
        self.assert_no_secret(repr(self.driver))
        for result in self.driver.check():
            self.assert_no_secret(result.detail)
        try:
            self.driver.get_node(self.unknown_id)
        except exceptions.MetalError as exc:
            self.assert_no_secret(f'{exc!r} {exc}')

    # For the tests.

    def assert_no_secret(self, text: str) -> None:
        for secret in self.secrets:
            self.assertNotIn(secret, text)

    def switch_on(self, node_id: str) -> None:
        self.driver.set_power_state(node_id, PowerState.ON)
        self.settle(node_id, PowerState.ON)

    def settle(self, node_id: str, state: PowerState) -> None:
        """Wait until the node is in that state and left alone."""

        def there() -> bool:
            node = self.driver.get_node(node_id)
            return node.settled and node.power_state is state

        wait_until(there, self.patience, f'{node_id} is {state.value}')


def wait_until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll a service until something is so.

    :raises AssertionError: it is not so after that many seconds.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {seconds:g} s: {what}')
        # A real service tells no end of its own accord.
        time.sleep(0.05)


def _ids(driver: base.MetalDriver) -> list[str]:
    return sorted(node.id for node in driver.list_nodes())


def _as_listed(nodes: Iterable[Node]) -> dict[str, Node]:
    return {
        node.id: dataclasses.replace(node, observed_at=None) for node in nodes
    }
