# SPDX-License-Identifier: Apache-2.0
"""The bare metal services that the tests run on."""

import abc
import datetime
import pathlib
import uuid
from typing import Any

import fixtures
import yaml
from keystoneauth1 import loading
from oslo_config import cfg

from metal_drivers import base as driver_base
from metal_drivers.compute import markers
from metal_drivers.model import PowerState
from metal_drivers.watcher import process
from metal_drivers_tests.emulators import ironic, keystone, maas
from metal_drivers_tests.functional.services import redfish
from metal_drivers_tests.functional_watcher import base


class Backend(base.TestCase, abc.ABC):
    """A test on a bare metal service."""

    @abc.abstractmethod
    def power(self, host: str) -> str:
        """``on`` or ``off``: what the machine of a host is, really."""

    @abc.abstractmethod
    def node_id(self, host: str) -> str: ...

    def powers(self) -> dict[str, str]:
        return {host: self.power(host) for host in self.HOSTS}

    def setUp(self) -> None:
        super().setUp()
        # nova-compute of a host runs while its machine does.
        self.nova.power_probe = lambda host: self.power(host) == 'on'

    def leave_disabled(self, host: str) -> None:
        """As a run leaves it that was killed."""
        long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(
            hours=1
        )
        seen = self.nova.hosts[host]
        seen.status = 'disabled'
        seen.disabled_reason = markers.reason(
            self.node_id(host), long_ago, markers.MarkerKind.POWERING_OFF
        )

    def use(self, fixture: Any) -> Any:
        """A fixture that is there before Watcher is."""
        fixture.setUp()
        self.addCleanup(fixture.cleanUp)
        return fixture


class Fake(Backend):
    """The driver in memory; nothing is asked over HTTP but Nova."""

    def backend(self) -> base.Sections:
        folder = self.use(fixtures.TempDir())
        path = pathlib.Path(folder.path, 'fleet.yaml')
        nodes = [
            {'id': f'id-{host}', 'host_names': [host]} for host in self.HOSTS
        ]
        path.write_text(yaml.safe_dump(nodes), encoding='utf-8')
        return {
            'metal_drivers': {'driver': 'fake'},
            'watcher.metal.drivers.fake': {'fleet_file': path},
        }

    def node_id(self, host: str) -> str:
        return f'id-{host}'

    @property
    def driver(self) -> driver_base.MetalDriver:
        return process.services().driver

    def power(self, host: str) -> str:
        return self.driver.get_node(self.node_id(host)).power_state.value

    def set_power(self, host: str, state: PowerState) -> None:
        self.driver.set_power_state(self.node_id(host), state)


class Ironic(Backend):
    """An emulated Ironic, which takes no credentials."""

    def backend(self) -> base.Sections:
        self.ironic: ironic.IronicEmulator = self.use(ironic.IronicEmulator())
        for host, seen in self.nova.hosts.items():
            self.ironic.add_node(
                uuid=self.node_id(host),
                name=f'rack-{host}',
                extra={'compute_node_id': seen.hypervisor_id},
            )
        return {
            'watcher.metal.drivers.ironic': {
                'auth_type': 'none',
                'endpoint_override': self.ironic.url,
            }
        }

    def node_id(self, host: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, host))

    def power(self, host: str) -> str:
        state = self.ironic.node(self.node_id(host)).power_state
        return (state or 'none').removeprefix('power ')


class IronicBehindKeystone(Ironic):
    """A configuration as Watcher has always had it: no section of ours."""

    def backend(self) -> base.Sections:
        super().backend()
        self.addCleanup(_forget_password_options)
        identity = self.use(keystone.KeystoneEmulator())
        self.nova.valid_token = self.ironic.valid_token = identity.valid
        identity.add_endpoint('compute', f'{self.nova.url}/v2.1')
        identity.add_endpoint('baremetal', self.ironic.url)
        return {
            'ironic_client': {'region_name': 'RegionOne'},
            'watcher_clients_auth': {
                'auth_type': 'password',
                'auth_url': identity.auth_url,
                'username': 'admin',
                'password': 'secret',
                'project_name': 'service',
                'user_domain_id': 'default',
                'project_domain_id': 'default',
            },
        }


def _forget_password_options() -> None:
    """One of them is required, once Watcher's clients have used them, and
    the next test has no such configuration."""
    cfg.CONF.reset()
    cfg.CONF.unregister_opts(
        loading.get_auth_plugin_conf_options('password'),
        group='watcher_clients_auth',
    )


class Maas(Backend):
    """An emulated MAAS, configured in Watcher's own section."""

    def backend(self) -> base.Sections:
        self.maas: maas.MaasEmulator = self.use(maas.MaasEmulator())
        # How long MAAS waits to see a change before it answers.
        self.maas.region.confirm = 1.0
        self._ids: dict[str, str] = {
            host: self.maas.add_machine(hostname=host).system_id
            for host in self.HOSTS
        }
        return {
            'maas_client': {
                'url': self.maas.maas_url,
                'api_key': self.maas.apikey,
            }
        }

    def node_id(self, host: str) -> str:
        return self._ids[host]

    def power(self, host: str) -> str:
        return self.maas.machine(self.node_id(host)).power


class Redfish(Backend):
    """Two BMCs, and the driver of ``examples/redfish``."""

    def backend(self) -> base.Sections:
        folder = pathlib.Path(self.use(fixtures.TempDir()).path)
        self._systems: dict[str, tuple[redfish.RedfishBMC, str]] = {}
        hosts = list(self.HOSTS)
        half = len(hosts) // 2
        for names in (hosts[:half], hosts[half:]):
            bmc = self.use(redfish.RedfishBMC(names, 'On', power_delay=0))
            for name, system in zip(names, bmc.system_ids, strict=True):
                self._systems[name] = bmc, system
        inventory = folder / 'inventory.yaml'
        servers = {
            name: {'system': bmc.url(system), 'credentials': 'all'}
            for name, (bmc, system) in self._systems.items()
        }
        inventory.write_text(yaml.safe_dump(servers))
        credentials = folder / 'credentials.yaml'
        credentials.touch(0o600)
        user = {'username': redfish.USER, 'password': redfish.PASSWORD}
        credentials.write_text(yaml.safe_dump({'all': user}))
        return {
            'watcher.metal.drivers.redfish': {
                'inventory_file': inventory,
                'credentials_file': credentials,
            }
        }

    def node_id(self, host: str) -> str:
        return host

    def power(self, host: str) -> str:
        bmc, system = self._systems[host]
        return bmc.power_state(system).lower()

    def jam(self, host: str) -> None:
        """Have the machine stay as it is, whatever is asked of it."""
        bmc, system = self._systems[host]
        bmc.jam(system)
