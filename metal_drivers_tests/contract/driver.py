# SPDX-License-Identifier: Apache-2.0
"""What holds for every driver, as tests: one for each rule."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import testtools

from metal_drivers import base, conformance
from metal_drivers.conformance import hooks
from metal_drivers.model import Node, PowerState


class DriverContract(conformance.Hooks, testtools.TestCase):
    """Subclass it, and say how to make a driver.

    A subclass has a test for each rule of the contract that it gives the
    hooks for; see :class:`metal_drivers.conformance.Hooks`. This class has
    none. A rule is left out by ``test_ITS_ID = None``.

    The driver's service has at least one node that may be powered off
    and on again, and is on when a test begins.
    """

    #: Not to be collected itself.
    __test__ = False

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if not hooks.gives(cls, 'create_driver'):
            return
        cls.__test__ = True
        for rule in conformance.RULES:
            name = 'test_' + rule.id.replace('-', '_')
            if hasattr(cls, name):
                continue
            if all(hooks.gives(cls, each) for each in rule.needs):
                setattr(cls, name, _test_of(rule, name))

    def config(self) -> Mapping[str, Any]:
        """Values that configure the driver: by default, those of the one
        that was created."""
        return self.driver.config

    def switchable_node(self) -> Node:
        """A node that the tests may power off: by default, the first
        that is on."""
        for node in self.driver.list_nodes():
            if node.power_state is PowerState.ON and node.keep_on is None:
                return node
        raise AssertionError('the service has no node that is on')

    def setUp(self) -> None:
        super().setUp()
        self.driver: base.MetalDriver = self.create_driver()
        self.addCleanup(self.driver.close)

    # For the tests.

    def assert_keeps(self, rule: conformance.Rule) -> None:
        """Fails where the driver breaks the rule. One that cannot be
        tried with this driver is none of its tests."""
        result = conformance.Runner(self, self.driver).attempt(rule)
        if result.verdict is conformance.Verdict.FAILED:
            raise AssertionError(
                f'{result.detail}\n{rule.sentence}\nSee {rule.page}'
            ) from result.error

    def switch_on(self, node_id: str) -> None:
        self.driver.set_power_state(node_id, PowerState.ON)
        self.settle(node_id, PowerState.ON)

    def settle(self, node_id: str, state: PowerState) -> None:
        """Wait until the node is in that state and left alone."""

        def there() -> bool:
            node = self.driver.get_node(node_id)
            return node.settled and node.power_state is state

        wait_until(there, self.patience, f'{node_id} is {state.value}')


def _test_of(
    rule: conformance.Rule, name: str
) -> Callable[[DriverContract], None]:
    def test(self: DriverContract) -> None:
        self.assert_keeps(rule)

    test.__name__, test.__doc__ = name, rule.sentence
    test.__qualname__ = f'DriverContract.{name}'
    return test


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
