# SPDX-License-Identifier: Apache-2.0
"""Nova's API as far as bare metal drivers use it.

Answers as Nova 34.0.0 does (API 2.1 to 2.104), measured side by side.
"""

import time
from collections.abc import Callable, Iterable

from metal_drivers_tests.emulators import (
    http,
    messages,
    nova_api,
    nova_controllers,
    nova_records,
    nova_services,
    nova_state,
)

Host = nova_state.Host
Server = nova_state.Server

PROJECT_ID = 'c9968fd3ee9a451b9f67afbe994caba2'
# How long Nova waits for a compute, in seconds ([DEFAULT]
# rpc_response_timeout).
RPC_TIMEOUT = 60.0


class NovaEmulator(http.HttpEmulator):
    """A Nova with computes that can be switched off.

    :param hosts: names of compute hosts to begin with, or how many
    :param max_limit: objects on a page, at most
    :param valid_token: says which ``X-Auth-Token`` is good; None asks for
        no token at all
    :param maximum: the newest microversion, for an older Nova
    :param service_down_time: see :class:`.nova_state.Cloud`
    :param boot_time: see :class:`.nova_state.Cloud`
    :param clock: seconds since the epoch
    :ivar admin: False refuses and hides what a member may not
    :ivar rpc_timeout: how long a request since 2.88 hangs where a compute
        is just dead, in seconds
    """

    def __init__(
        self,
        hosts: Iterable[str] | int = (),
        max_limit: int = 1000,
        valid_token: Callable[[str], bool] | None = None,
        auth_url: str = 'http://127.0.0.1:5000/v3',
        maximum: nova_api.Version = nova_api.MAXIMUM,
        service_down_time: float = 0.0,
        boot_time: float = 0.0,
        clock: nova_state.Clock = time.time,
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self.max_limit = max_limit
        self.valid_token = valid_token
        self.auth_url = auth_url
        self.maximum = maximum
        self.admin = True
        self.project_id = PROJECT_ID
        self.rpc_timeout = RPC_TIMEOUT
        self.cloud = nova_state.Cloud(service_down_time, boot_time, clock)
        self._services = nova_services.Services(self)
        if isinstance(hosts, int):
            hosts = [f'compute-{n:02d}' for n in range(1, hosts + 1)]
        for name in hosts:
            self.add_host(name)

    # What a test controls.

    @property
    def hosts(self) -> dict[str, Host]:
        """Every host by its name."""
        with self.cloud.lock:
            return dict(self.cloud.hosts)

    @property
    def power_probe(self) -> nova_state.PowerProbe | None:
        """Asked for each host of each reply: is its compute running?"""
        return self.cloud.power_probe

    @power_probe.setter
    def power_probe(self, probe: nova_state.PowerProbe | None) -> None:
        self.cloud.power_probe = probe

    def add_host(
        self,
        name: str,
        hypervisor_id: str | None = None,
        hypervisor_hostname: str | None = None,
        servers: int = 0,
    ) -> Host:
        """Add a compute host that is up and enabled.

        :param servers: how many active servers it has
        """
        host = self.cloud.add_host(name, hypervisor_id, hypervisor_hostname)
        for _ in range(servers):
            self.add_server(host)
        return host

    def add_server(
        self,
        host: Host | str | None,
        status: str = 'ACTIVE',
        name: str | None = None,
        tenant_id: str = PROJECT_ID,
    ) -> Server:
        """Add a server to a host, or (None) to no host at all."""
        if isinstance(host, str):
            host = self.cloud.hosts[host]
        return self.cloud.add_server(host, status, name, tenant_id)

    def add_migration(
        self,
        server: Server,
        source: str,
        destination: str | None,
        status: str = 'running',
    ) -> None:
        """Have a server move, or have moved, between two hosts."""
        with self.cloud.lock:
            self.cloud.migrations.append(
                nova_state.Migration(
                    server.id,
                    source,
                    destination,
                    status,
                    updated=self.cloud.clock(),
                )
            )

    def add_aggregate(
        self, name: str, hosts: Iterable[str], zone: str | None = None
    ) -> None:
        """Add a host aggregate.

        :param zone: the availability zone that it makes: the hosts' own
        """
        aggregate = nova_state.Aggregate(name, list(hosts), zone)
        with self.cloud.lock:
            self.cloud.aggregates.append(aggregate)
            for host in aggregate.hosts:
                if zone is not None and host in self.cloud.hosts:
                    self.cloud.hosts[host].zone = zone

    def remove_server(self, server: Server | str) -> None:
        """Delete a server, given itself or its id."""
        key = server if isinstance(server, str) else server.id
        self.cloud.remove_server(key)

    def on_disable(self, callback: Callable[[Host], object]) -> None:
        """Call back when a PUT has disabled a service that was enabled.

        Before the reply is sent, so what the callback adds is there when
        the client looks again.
        """
        self._services.callbacks.append(callback)

    # How it answers.

    def routes(self) -> Iterable[http.Route]:
        hypervisors = nova_controllers.Hypervisors(self)
        servers = nova_controllers.Servers(self)
        services = self._services
        return (
            http.route('GET', '/', self._root),
            http.route('GET', '/v2.1/?', self._version),
            http.route(
                'GET', '/v2.1/os-hypervisors/detail', hypervisors.detail
            ),
            http.route('GET', '/v2.1/os-hypervisors', hypervisors.index),
            http.route(
                'GET',
                '/v2.1/os-hypervisors/(?P<key>[^/]+)',
                hypervisors.show,
            ),
            http.route('GET', '/v2.1/servers/detail', servers.detail),
            http.route('GET', '/v2.1/servers/(?P<key>[^/]+)', servers.show),
            http.route(
                'GET',
                '/v2.1/os-migrations',
                nova_records.Migrations(self).index,
            ),
            http.route(
                'GET',
                '/v2.1/os-aggregates',
                nova_records.Aggregates(self).index,
            ),
            http.route('GET', '/v2.1/os-services', services.index),
            http.route(
                'PUT', '/v2.1/os-services/(?P<key>[^/]+)', services.update
            ),
        )

    def before(self, request: messages.Request) -> None:
        if request.path in ('/', '/v2.1', '/v2.1/'):
            return
        token = request.headers.get('X-Auth-Token')
        if self.valid_token and not (token and self.valid_token(token)):
            raise messages.Refusal(messages.unauthorized(self.auth_url))

    def after(
        self, request: messages.Request, reply: messages.Reply
    ) -> messages.Reply:
        if not request.path.startswith('/v2.1'):
            return reply
        number = messages.request_id()
        ids = (
            ('x-openstack-request-id', number),
            ('x-compute-request-id', number),
        )
        if reply.status == 401 or reply is nova_api.NOT_FOUND:
            return reply.with_headers(*ids)
        try:
            version = self._version_of(request)
        except messages.Refusal:
            return reply.with_headers(*ids)
        return reply.with_headers(*nova_api.version_headers(version), *ids)

    def not_found(self, request: messages.Request) -> messages.Reply:
        if request.path.startswith('/v2.1/'):
            return nova_api.NOT_FOUND
        choices = [
            {
                'id': f'v{number}',
                'status': status,
                'links': [
                    {
                        'rel': 'self',
                        'href': f'{request.host_url}/{path}{request.path}',
                    }
                ],
                'media-types': nova_api.media_type(path[1:]),
            }
            for number, path, status in (
                ('2.0', 'v2', 'DEPRECATED'),
                ('2.1', 'v2.1', 'CURRENT'),
            )
        ]
        return messages.json_reply({'choices': choices}, 300)

    def _version_of(self, request: messages.Request) -> nova_api.Version:
        return nova_api.requested(request, self.maximum)

    def _root(self, request: messages.Request) -> messages.Reply:
        url = request.host_url
        versions = [
            nova_api.old_version_document(url),
            nova_api.version_document(url, self.maximum),
        ]
        return messages.json_reply({'versions': versions})

    def _version(self, request: messages.Request) -> messages.Reply:
        self._version_of(request)
        document = nova_api.version_document(request.host_url, self.maximum)
        document['links'].append(
            {
                'rel': 'describedby',
                'type': 'text/html',
                'href': 'http://docs.openstack.org/',
            }
        )
        document['media-types'] = nova_api.media_type('2.1')
        return messages.json_reply({'version': document})
