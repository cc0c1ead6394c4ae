# SPDX-License-Identifier: Apache-2.0
"""A small real cloud on loopback, with computes that can go away."""

import functools
import pathlib
from typing import TYPE_CHECKING, Any

import requests

from metal_drivers_tests.functional.services import (
    baremetal,
    base,
    cells,
    compute,
    conf,
    deployment,
    endpoints,
    errors,
    neutron_stub,
    nova,
    process,
    rest,
    users,
    venvs,
    waiting,
)

if TYPE_CHECKING:
    import keystoneauth1.session


class CloudIronic(baremetal.BareMetal):
    """The Ironic of a cloud, as an administrator of the whole system."""

    def __init__(self, api: rest.Rest, database: pathlib.Path) -> None:
        self.baremetal_api = api
        self.baremetal_database = database


class Cloud(base.ServiceFixture):
    """Keystone, Placement, Nova, Glance, Ironic and RabbitMQ, all real.

    Neutron is a stub, and the computes have Nova's fake driver. The users:

    =======  =======  ================  ==============================
    User     Project  Roles             Is
    =======  =======  ================  ==============================
    admin    admin    admin             the administrator
    watcher  service  admin, service    Watcher's own account
    joe      demo     member, reader    nobody in particular
    =======  =======  ================  ==============================

    :param computes: how many computes, counted from 1.
    :param ironic_service_role: whether Ironic shows all nodes to the role
        ``service``, which by default it does not.
    :param power_delay: seconds, as for StandaloneIronic.

    :ivar where: the endpoints, for services that are added.
    :ivar auth_url: Keystone, with ``/v3``.
    :ivar ironic: the nodes; see BareMetal.
    :ivar nova: servers, hypervisors and services; see Compute.
    :ivar cell: where Nova keeps what it knows of the computes; see Cell.
    """

    name = 'cloud'
    password = users.PASSWORD
    region = users.REGION

    def __init__(
        self,
        computes: int = 3,
        ironic_service_role: bool = True,
        power_delay: float | str = 0,
        say: venvs.Say | None = None,
    ) -> None:
        super().__init__(say)
        self.computes = computes
        self._ironic_options: conf.Sections = {
            'DEFAULT': {
                'auth_strategy': 'keystone',
                'rbac_service_role_elevated_access': ironic_service_role,
            },
            'fake': {'power_delay': power_delay},
        }

    def _start(self) -> None:
        stub = self.useFixture(neutron_stub.NeutronStub())
        self.where = endpoints.Endpoints(stub.port)
        self.auth_url = self.where.auth_url
        self._deployment = deployment.Deployment(
            self.directory, self.where, self._ironic_options, self.say
        )
        self._deployment.prepare(self.computes)
        self.ironic = CloudIronic(
            self.rest('baremetal', 'admin', system_scope=True),
            self._deployment.ironic_database,
        )
        self.nova = compute.Compute(self.rest('compute'), self.rest('image'))
        self.cell = cells.Cell(self._deployment.cell_database)
        self.say('starting the services')
        self._processes: list[process.Service] = []
        self._deployment.start(self._run)
        # All are told to end before any is waited for.
        self.addCleanup(self._release)
        self.say('starting the computes')
        self._start_computes()

    def _run(self, service: process.Service) -> process.Service:
        self._processes.append(self.useFixture(service))
        return service

    def _release(self) -> None:
        for service in self._processes:
            service.release()

    def _start_computes(self) -> None:
        # A compute that asks before the conductor listens loses 10 seconds.
        waiting.wait_until(
            lambda: self._up('nova-conductor') and self._up('nova-scheduler'),
            'the conductor and the scheduler',
        )
        self._compute = {
            number: self._run(self._deployment.compute(number))
            for number in range(1, self.computes + 1)
        }
        for number, service in self._compute.items():
            host = nova.compute_host(number)
            service.wait_ready(functools.partial(self._hypervisor_up, host))

    def _up(self, binary: str) -> bool:
        return any(
            service['state'] == 'up'
            for service in self.nova.services(binary).values()
        )

    def _hypervisor_up(self, host: str) -> bool:
        # It is listed once the scheduler has mapped its host to the cell,
        # counts servers once it has looked at its resources, and counts as
        # up from its creation although the first report comes later.
        entry = self.nova.hypervisors().get(host, {})
        if entry.get('running_vms') is None or entry['state'] != 'up':
            return False
        return self.nova.services()[host]['updated_at'] is not None

    def compute_host(self, number: int) -> str:
        """Return the name of a compute, as 'compute-01'."""
        return nova.compute_host(number)

    def hypervisor_id(self, number: int) -> str:
        """Return the UUID of a compute's hypervisor."""
        return nova.hypervisor_id(number)

    def process(self, name: str) -> process.Service:
        """Return the process of that name, as 'nova-scheduler'."""
        (found,) = (s for s in self._processes if s.name == name)
        return found

    def set_power_delay(self, seconds: float) -> None:
        """Have each power action take longer; restarts Ironic.

        It is paid twice for a real change.
        """
        service = self.process('ironic')
        service.stop()
        self._deployment.configure_ironic({'fake': {'power_delay': seconds}})
        service.start()
        # It takes no action before its conductor has registered.
        service.wait_ready(self._drives)

    def _drives(self) -> bool:
        try:
            return bool(self.ironic.request('GET', '/v1/drivers')['drivers'])
        except (errors.RequestFailed, requests.RequestException):
            return False

    def stop_compute(self, number: int) -> None:
        """Take a compute away as if its host had lost power.

        Nova notices some 10 seconds later; see ``wait_service``.
        """
        self._compute[number].kill()

    def start_compute(self, number: int) -> None:
        """Bring a compute back; Nova sees it some seconds later."""
        self._compute[number].start()

    def freeze_compute(self, number: int) -> None:
        """Have a compute do nothing until ``thaw_compute``; its host lives,
        and the servers that it is sent wait."""
        self._compute[number].pause()

    def thaw_compute(self, number: int) -> None:
        self._compute[number].resume()

    def wait_service(
        self, host: str, state: str, timeout: float = 60
    ) -> dict[str, Any]:
        """Wait until Nova says that a compute is 'up' or 'down'."""
        return self.nova.wait_service(host, state, timeout)

    def boot(self, host: str, name: str = 'server') -> str:
        """Boot a server on a compute host; return its id once it runs."""
        return self.nova.boot(host, name)

    def delete_server(self, server: str) -> None:
        """Delete a server and wait until it is gone."""
        self.nova.delete_server(server)

    def enroll(
        self, name: str, hypervisor_id: str | None = None, **fields: Any
    ) -> str:
        """Create a node in Ironic and return its UUID.

        :param hypervisor_id: which compute runs on it; goes where deployers
            put it, to ``extra.compute_node_id``.
        :param fields: as for BareMetal.enroll.
        """
        if hypervisor_id is not None:
            extra = {'compute_node_id': hypervisor_id}
            fields['extra'] = {**fields.get('extra', {}), **extra}
        return self.ironic.enroll(name, **fields)

    def keystone_options(
        self, user: str, system_scope: bool = False
    ) -> dict[str, str]:
        """Return a user's options for an oslo.config section."""
        return users.options(self.auth_url, user, system_scope)

    def session(
        self, user: str, system_scope: bool = False
    ) -> 'keystoneauth1.session.Session':
        """Return a new keystoneauth session of a user."""
        import keystoneauth1.identity
        import keystoneauth1.session

        options: dict[str, Any] = dict(
            self.keystone_options(user, system_scope)
        )
        del options['auth_type']
        auth = keystoneauth1.identity.V3Password(**options)
        return keystoneauth1.session.Session(auth)

    def rest(
        self,
        service_type: str,
        user: str = 'admin',
        system_scope: bool = False,
    ) -> rest.Rest:
        """Return a service's endpoint, for plain requests of a user."""
        auth = users.TokenAuth(self.auth_url, users.USERS[user], system_scope)
        return rest.Rest(self.where.url(service_type), auth)
