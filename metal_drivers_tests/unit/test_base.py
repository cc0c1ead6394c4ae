# SPDX-License-Identifier: Apache-2.0
"""What every driver has from its base."""

import inspect
from typing import Any

from metal_drivers import base as driver_base
from metal_drivers.model import Node, OffMode, PowerState
from metal_drivers_tests.unit import base


class _Careless(driver_base.MetalDriver):
    """Does not look at the state that it is given."""

    def __init__(self) -> None:
        super().__init__({})
        self.sent: list[tuple[Any, ...]] = []

    def list_nodes(self) -> list[Node]:
        return []

    def get_node(self, node_id: str) -> Node:
        return Node(node_id, node_id)

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        """Send it."""
        self.sent.append((node_id, state, mode, timeout))


class _Inherits(_Careless):
    """Overrides nothing."""


class _Extends(_Careless):
    """Has something to do before."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        super().set_power_state(node_id.lower(), *args, **more)


class TestPowerStates(base.TestCase):
    """Which ones can be asked for is checked once, for every driver."""

    def test_others_are_never_sent(self) -> None:
        for kind in (_Careless, _Inherits, _Extends):
            driver = kind()
            for state in (PowerState.UNKNOWN, PowerState.ERROR, 'on', None):
                self.assertRaises(
                    ValueError, driver.set_power_state, 'n1', state
                )
                self.assertRaises(
                    ValueError, driver.set_power_state, 'n1', state=state
                )
            self.assertEqual([], driver.sent)

    def test_on_and_off_are(self) -> None:
        for kind in (_Careless, _Inherits, _Extends):
            driver = kind()
            driver.set_power_state('n1', PowerState.ON)
            driver.set_power_state('n1', state=PowerState.OFF, timeout=3.0)
            self.assertEqual(
                [
                    ('n1', PowerState.ON, OffMode.HARD, None),
                    ('n1', PowerState.OFF, OffMode.HARD, 3.0),
                ],
                driver.sent,
            )

    def test_the_method_looks_like_the_driver_s(self) -> None:
        self.assertEqual('Send it.', inspect.getdoc(_Careless.set_power_state))
        self.assertEqual(
            ['self', 'node_id', 'state', 'mode', 'timeout'],
            list(inspect.signature(_Careless.set_power_state).parameters),
        )
