# SPDX-License-Identifier: Apache-2.0
"""What holds for a driver whose service is somewhere else."""

import traceback

from metal_drivers import base, exceptions
from metal_drivers.model import CheckStatus, PowerState
from metal_drivers_tests.contract import driver


class RemoteDriverContract(driver.DriverContract):
    """The contract of a driver that talks to a service over a network."""

    def create_unreachable_driver(self) -> base.MetalDriver:
        """A driver whose configuration leads to where nobody listens,
        with the same secrets."""
        raise NotImplementedError

    def setUp(self) -> None:
        super().setUp()
        self.lost = self.create_unreachable_driver()
        self.addCleanup(self.lost.close)

    def test_unreachable_is_unavailable(self) -> None:
        node = self.switchable_node().id
        for call in (
            self.lost.list_nodes,
            lambda: self.lost.get_node(node),
            lambda: self.lost.set_power_state(node, PowerState.OFF),
        ):
            exc = self.assertRaises(exceptions.UnavailableError, call)
            self.assertTrue(exc.cure, exc)
            self.assert_no_secret(f'{exc!r} {exc}')

    def test_unreachable_error_keeps_its_cause_and_no_secret(self) -> None:
        exc = self.assertRaises(
            exceptions.UnavailableError, self.lost.list_nodes
        )
        self.assertIsNotNone(exc.__cause__)
        self.assert_no_secret(''.join(traceback.format_exception(exc)))

    def test_unreachable_power_states_are_unknown(self) -> None:
        node = self.switchable_node().id
        self.assertEqual(
            {node: PowerState.UNKNOWN}, self.lost.get_power_states([node])
        )

    def test_unreachable_is_a_failed_check(self) -> None:
        results = self.lost.check()
        self.assertIn(
            CheckStatus.FAILED, [result.status for result in results]
        )
        for result in results:
            self.assert_no_secret(result.detail)
