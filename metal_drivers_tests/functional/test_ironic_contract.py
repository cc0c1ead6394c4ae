# SPDX-License-Identifier: Apache-2.0
"""The driver contract, kept with real Ironics."""

import uuid

from metal_drivers.drivers import ironic
from metal_drivers_tests import contract
from metal_drivers_tests.functional.services import (
    baremetal,
    process,
    shared,
)


class TestStandaloneIronic(contract.RemoteDriverContract):
    """Without authentication."""

    def create_driver(self) -> ironic.IronicDriver:
        service = shared.ironic_for(self)
        _add_node(self, service)
        return self.driver_at(service.url)

    def create_unreachable_driver(self) -> ironic.IronicDriver:
        return self.driver_at(_nowhere())

    def driver_at(self, url: str) -> ironic.IronicDriver:
        return ironic.IronicDriver(
            {'auth_type': 'none', 'endpoint_override': url}
        )


class TestIronicWithHttpBasic(contract.RemoteDriverContract):
    """With a user and a password of Ironic's own."""

    def create_driver(self) -> ironic.IronicDriver:
        self.service = shared.basic_ironic_for(self)
        self.secrets = (str(self.service.password),)
        _add_node(self, self.service)
        return self.driver_at(self.service.url)

    def create_unreachable_driver(self) -> ironic.IronicDriver:
        return self.driver_at(_nowhere())

    def driver_at(self, url: str) -> ironic.IronicDriver:
        return ironic.IronicDriver(
            {
                'auth_type': 'http_basic',
                'endpoint_override': url,
                'username': self.service.username,
                'password': self.service.password,
            }
        )


class TestIronicBehindKeystone(contract.RemoteDriverContract):
    """As Watcher's own user, with Ironic found in the catalogue."""

    def create_driver(self) -> ironic.IronicDriver:
        self.cloud = shared.cloud_for(self)
        self.secrets = (self.cloud.password,)
        _add_node(self, self.cloud.ironic)
        return self.driver_at(self.cloud.auth_url)

    def create_unreachable_driver(self) -> ironic.IronicDriver:
        return self.driver_at(f'{_nowhere()}/v3')

    def driver_at(self, auth_url: str) -> ironic.IronicDriver:
        options = self.cloud.keystone_options('watcher')
        return ironic.IronicDriver({**options, 'auth_url': auth_url})


def _add_node(
    test: contract.DriverContract, service: baremetal.BareMetal
) -> None:
    node = service.enroll(f'contract-{uuid.uuid4().hex[:8]}')
    test.addCleanup(service.delete, node)


def _nowhere() -> str:
    return f'http://127.0.0.1:{process.free_port()}'
