# SPDX-License-Identifier: Apache-2.0
"""A Nova that Watcher's own strategies use as well, and servers that take
as long to migrate as a test wants them to."""

import threading
from collections.abc import Iterable

from keystoneauth1 import noauth
from keystoneauth1 import session as ks_session
from openstack import connection

from metal_drivers_tests.emulators import (
    http,
    messages,
    nova,
    nova_api,
    nova_state,
)

#: Seconds after which a migration that does not begin counts as hanging.
PATIENCE = 60.0


class MovingNova(nova.NovaEmulator):
    """A Nova that migrates servers live.

    :ivar hold: whether migrations that begin wait for :meth:`land`
    """

    def __init__(self) -> None:
        super().__init__()
        self.hold = False
        self._begun = threading.Event()

    def routes(self) -> Iterable[http.Route]:
        action = '/v2.1/servers/(?P<key>[^/]+)/action'
        return (*super().routes(), http.route('POST', action, self._act))

    def _act(self, request: messages.Request, key: str) -> messages.Reply:
        with self.cloud.lock:
            server = self.cloud.servers[key]
            assert server.host is not None
            target = self._target(request.json()['os-migrateLive'], server)
            self.add_migration(server, server.host.name, target.name)
            server.status = 'MIGRATING'
            if not self.hold:
                self.land()
        self._begun.set()
        return messages.Reply(202, b'')

    def _target(
        self, asked: dict[str, str | None], server: nova_state.Server
    ) -> nova_state.Host:
        """The host that was asked for, or the first one, as the scheduler
        would take it: only of those that are up and enabled."""
        for host in self.cloud.hosts.values():
            self.cloud.observe(host)
            if (
                host is not server.host
                and asked.get('host') in (None, host.name)
                and host.status == 'enabled'
                and self.cloud.is_up(host)
            ):
                return host
        raise nova_api.refuse(400, 'No valid host was found.')

    def wait_for_migration(self) -> None:
        """Until one has begun, or was refused, since the last time."""
        if not self._begun.wait(PATIENCE):
            raise AssertionError('no server is migrated')
        self._begun.clear()

    def land(self) -> None:
        """Have all migrations arrive."""
        with self.cloud.lock:
            for each in self.cloud.migrations:
                if each.status == 'running':
                    assert each.destination is not None
                    server = self.cloud.servers[each.server]
                    server.host = self.cloud.hosts[each.destination]
                    server.status, each.status = 'ACTIVE', 'completed'

    def in_use(self, name: str) -> bool:
        """Whether a server is on that host, comes to it, or leaves it."""
        with self.cloud.lock:
            return bool(self.cloud.servers_on(self.cloud.hosts[name])) or any(
                each.status == 'running'
                and name in (each.source, each.destination)
                for each in self.cloud.migrations
            )


def sdk_connection(nova_url: str, placement_url: str) -> connection.Connection:
    """What Watcher asks Nova and Placement with."""
    endpoint = f'{nova_url}/v2.1'
    session = ks_session.Session(auth=noauth.NoAuth(endpoint=endpoint))
    return connection.Connection(
        session=session,
        compute_endpoint_override=endpoint,
        placement_endpoint_override=placement_url,
    )
