# SPDX-License-Identifier: Apache-2.0
"""The contract of metal-drivers, on the emulator of sushy-tools."""

from metal_drivers_redfish.driver import RedfishDriver
from metal_drivers_tests import contract

from tests import bmcs

NOWHERE = 'http://127.0.0.1:1/redfish/v1/Systems/1'


class TestContract(contract.RemoteDriverContract):
    """Two systems at one BMC."""

    secrets = (bmcs.PASSWORD,)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bmc = bmcs.SushyEmulator('compute-01', 'compute-02')
        cls.bmc.setUp()
        cls.addClassCleanup(cls.bmc.cleanUp)

    def create_driver(self):
        return RedfishDriver(self.useFixture(bmcs.Files(self.bmc.urls)).config)

    def create_unreachable_driver(self):
        systems = {'compute-01': NOWHERE}
        return RedfishDriver(self.useFixture(bmcs.Files(systems)).config)
