# SPDX-License-Identifier: Apache-2.0
"""What an emulated Nova knows: compute hosts, their services, servers."""

import dataclasses
import datetime
import threading
import time
import uuid
from collections.abc import Callable

Clock = Callable[[], float]
PowerProbe = Callable[[str], bool]


@dataclasses.dataclass(eq=False)
class Host:
    """A compute host: its nova-compute service and its hypervisor.

    Tests may change any field at any time.

    :ivar name: the host of the service
    :ivar number: the hypervisor's id in the API before 2.53
    :ivar service_number: the service's id in the API before 2.53
    :ivar alive: nova-compute runs; the emulator's ``power_probe`` sets it
    :ivar just_dead: nova-compute does not run, but Nova says ``up`` still
    :ivar running_vms: what Nova reports, None for the true count
    :ivar cell_answers: the database of its cell does
    :ivar last_seen: the last heartbeat, in seconds of the clock
    :ivar updated_at: the last heartbeat *or* the last change through the
        API, in seconds of the clock: measured on Nova 34.0.0, where a
        PUT that changes the service moves it, too
    """

    name: str
    hypervisor_id: str
    hypervisor_hostname: str
    service_id: str
    number: int
    service_number: int
    status: str = 'enabled'
    disabled_reason: str | None = None
    forced_down: bool = False
    alive: bool = True
    just_dead: bool = False
    running_vms: int | None = None
    cell_answers: bool = True
    zone: str = 'nova'
    hypervisor_type: str = 'QEMU'
    last_seen: float = 0.0
    updated_at: float = 0.0
    was_alive: bool = True
    changed_at: float = float('-inf')


@dataclasses.dataclass(eq=False)
class Server:
    """An instance.

    :ivar host: None while it is being scheduled, or when that failed
    :ivar number: makes ``instance-0000000N``
    :ivar updated: the last change, or when it was deleted; seconds of the
        clock
    """

    id: str
    name: str
    host: Host | None
    status: str
    tenant_id: str
    number: int
    created: float
    updated: float = 0.0
    deleted: bool = False


@dataclasses.dataclass
class Migration:
    """What Nova writes of a server that moves.

    :ivar destination: None until the scheduler has chosen
    """

    server: str
    source: str
    destination: str | None
    status: str
    kind: str = 'live-migration'
    updated: float | None = None


@dataclasses.dataclass
class Aggregate:
    """A host aggregate.

    :ivar zone: the availability zone that it makes, or None
    """

    name: str
    hosts: list[str]
    zone: str | None = None


def stamp(seconds: float) -> str:
    """A time as os-services has it: UTC, microseconds, no zone."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime('%Y-%m-%dT%H:%M:%S.%f')


class Cloud:
    """Hosts and servers, and how Nova comes to know of them.

    Everything that reads or changes more than one field holds ``lock``.

    :param service_down_time: how long after its last heartbeat Nova says
        that a compute is up, in seconds of the clock. Nova's default is
        60; here 0, so that it knows at once.
    :param boot_time: from when a host is alive to its first heartbeat
    :param clock: seconds since the epoch
    """

    def __init__(
        self,
        service_down_time: float = 0.0,
        boot_time: float = 0.0,
        clock: Clock = time.time,
    ) -> None:
        self.service_down_time = service_down_time
        self.boot_time = boot_time
        self.clock = clock
        self.lock = threading.RLock()
        self.hosts: dict[str, Host] = {}
        self.servers: dict[str, Server] = {}
        self.deleted: list[Server] = []
        self.migrations: list[Migration] = []
        self.aggregates: list[Aggregate] = []
        self.power_probe: PowerProbe | None = None
        self._servers_made = 0

    def add_host(
        self,
        name: str,
        hypervisor_id: str | None = None,
        hypervisor_hostname: str | None = None,
    ) -> Host:
        with self.lock:
            if name in self.hosts:
                raise ValueError(f'There is a host {name} already')
            number = len(self.hosts) + 1
            now = self.clock()
            host = self.hosts[name] = Host(
                name,
                hypervisor_id or str(uuid.uuid4()),
                hypervisor_hostname or name,
                str(uuid.uuid4()),
                number,
                # The scheduler and the conductor come first.
                number + 2,
                last_seen=now,
                updated_at=now,
            )
            return host

    def add_server(
        self, host: Host | None, status: str, name: str | None, tenant_id: str
    ) -> Server:
        with self.lock:
            self._servers_made += 1
            number = self._servers_made
            server = Server(
                str(uuid.uuid4()),
                name or f'server-{number}',
                host,
                status,
                tenant_id,
                number,
                self.clock(),
                self.clock(),
            )
            self.servers[server.id] = server
            return server

    def remove_server(self, key: str) -> None:
        """Delete a server; its host is remembered."""
        with self.lock:
            server = self.servers.pop(key)
            server.status, server.deleted = 'DELETED', True
            server.updated = self.clock()
            self.deleted.append(server)

    def servers_on(self, host: Host) -> list[Server]:
        with self.lock:
            return [s for s in self.servers.values() if s.host is host]

    def server_counts(self) -> dict[int, int]:
        """How many servers each host has, by ``Host.number``."""
        counts: dict[int, int] = {}
        with self.lock:
            for server in self.servers.values():
                if server.host is not None:
                    number = server.host.number
                    counts[number] = counts.get(number, 0) + 1
        return counts

    def observe(self, host: Host) -> None:
        """Bring a host up to the present: what its heartbeats would do.

        A host that is found dead is taken to have sent its last heartbeat
        just now, which is the longest that Nova can be mistaken.
        """
        # Outside the lock: the probe may ask another emulator, which may
        # be asking us.
        if self.power_probe is not None:
            host.alive = self.power_probe(host.name)
        with self.lock:
            now = self.clock()
            alive = host.alive and not host.just_dead
            if alive != host.was_alive:
                host.was_alive = alive
                host.changed_at = now
                if not alive:
                    host.last_seen = now
            if alive and now - host.changed_at >= self.boot_time:
                host.last_seen = host.updated_at = now

    def is_up(self, host: Host) -> bool:
        """What Nova believes, after ``observe``."""
        if host.forced_down:
            return False
        if host.just_dead:
            return True
        silence = self.clock() - host.last_seen
        reports = host.was_alive and (
            self.clock() - host.changed_at >= self.boot_time
        )
        return reports or silence < self.service_down_time

    def answers(self, host: Host) -> bool:
        """A message to its nova-compute would be answered."""
        return host.alive and not host.just_dead

    def change(
        self,
        host: Host,
        status: str | None,
        reason: str | None,
        forced_down: bool | None,
    ) -> bool:
        """Apply a PUT; True where it has disabled an enabled service."""
        with self.lock:
            before = host.status, host.disabled_reason, host.forced_down
            if status is not None:
                host.status, host.disabled_reason = status, reason
            if forced_down is not None:
                host.forced_down = forced_down
            if before != (
                host.status,
                host.disabled_reason,
                host.forced_down,
            ):
                host.updated_at = self.clock()
            return before[0] == 'enabled' and host.status == 'disabled'
