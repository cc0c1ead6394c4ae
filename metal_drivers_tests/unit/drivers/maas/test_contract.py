# SPDX-License-Identifier: Apache-2.0
"""The MAAS driver keeps the contract, on both releases, with TLS too."""

from collections.abc import Iterable

from metal_drivers.drivers.maas import MaasDriver
from metal_drivers_tests import contract
from metal_drivers_tests.emulators import maas
from metal_drivers_tests.unit.drivers.maas import base


class _OnLoopback(base.Watched):
    """Two deployed machines and one that is not."""

    series = ''
    tls = False
    unknown_id = 'zzzzzz'
    secrets: Iterable[str] = ()

    def create_driver(self) -> MaasDriver:
        self.maas = self.start(self.series, machines=2, tls=self.tls)
        self.maas.add_machine(status=maas.Status.READY, owner=None)
        self.secrets = tuple(self.recorder.secrets)
        return self.driver_to(self.maas.maas_url)

    def create_unreachable_driver(self) -> MaasDriver:
        return self.driver_to(self.maas.maas_url.replace('127.0.0.1', '[::1]'))

    def driver_to(self, url: str) -> MaasDriver:
        options = {'api_key': self.maas.apikey}
        if self.tls:
            options['cafile'] = self.maas.cafile
        return self.driver_at(url, **options)


class TestMaas34(_OnLoopback, contract.RemoteDriverContract):
    series = '3.4'


class TestMaas37(_OnLoopback, contract.RemoteDriverContract):
    series = '3.7'


class TestMaas34Tls(_OnLoopback, contract.RemoteDriverContract):
    series = '3.4'
    tls = True


class TestMaas37Tls(_OnLoopback, contract.RemoteDriverContract):
    series = '3.7'
    tls = True
