# SPDX-License-Identifier: Apache-2.0
"""The contract, kept by the fake driver."""

from metal_drivers.drivers import fake
from metal_drivers_tests import contract


class TestFakeContract(contract.DriverContract):
    def create_driver(self) -> fake.FakeDriver:
        return fake.FakeDriver({'nodes': 3})
