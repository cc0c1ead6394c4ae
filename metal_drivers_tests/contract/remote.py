# SPDX-License-Identifier: Apache-2.0
"""What holds for a driver whose service is somewhere else."""

from metal_drivers import base
from metal_drivers_tests.contract import driver


class RemoteDriverContract(driver.DriverContract):
    """The contract of a driver that talks to a service over a network."""

    def create_unreachable_driver(self) -> base.MetalDriver:
        """A driver whose configuration leads to where nobody listens,
        with the same secrets."""
        raise NotImplementedError
