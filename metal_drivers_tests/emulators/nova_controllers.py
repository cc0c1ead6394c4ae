# SPDX-License-Identifier: Apache-2.0
"""What Nova's hypervisors and servers answer to.

Refusals come in the order that Nova 34.0.0 has: the schema, the policy,
the id, the object, what is asked of it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from metal_drivers_tests.emulators import (
    messages,
    nova_api,
    nova_state,
    nova_views,
)

Host = nova_state.Host

_PAGED = (2, 33)
UUIDS = (2, 53)
STRICT = (2, 75)
_LIVE = (2, 88)
# Those of the schema that a client of ours could use.
_SERVER_FILTERS = frozenset(
    {
        'all_tenants',
        'changes-since',
        'deleted',
        'host',
        'hostname',
        'limit',
        'marker',
        'name',
        'node',
        'project_id',
        'sort_dir',
        'sort_key',
        'status',
        'tenant_id',
        'user_id',
        'uuid',
        'vm_state',
    }
)


class Nova(Protocol):
    """What the controllers need of the emulator."""

    cloud: nova_state.Cloud
    maximum: nova_api.Version
    max_limit: int
    admin: bool
    project_id: str
    rpc_timeout: float

    def pause(self, seconds: float | None = None) -> None:
        """Hold the request, at most until the emulator stops."""


class Controller:
    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        self.cloud = nova.cloud

    def _version(self, request: messages.Request) -> nova_api.Version:
        return nova_api.requested(request, self.nova.maximum)

    def _allow(self, rule: str) -> None:
        if not self.nova.admin:
            raise nova_api.forbid(rule)

    def _hosts(self) -> list[Host]:
        with self.cloud.lock:
            return list(self.cloud.hosts.values())

    def _need_cells(self, hosts: Iterable[Host | None]) -> None:
        if not all(host.cell_answers for host in hosts if host):
            raise nova_api.cell_is_down()


class Hypervisors(Controller):
    """``/os-hypervisors``."""

    def detail(self, request: messages.Request) -> messages.Reply:
        return self._list(request, 'list-detail', detail=True)

    def index(self, request: messages.Request) -> messages.Reply:
        return self._list(request, 'list', detail=False)

    def show(self, request: messages.Request, key: str) -> messages.Reply:
        version = self._version(request)
        servers = version >= UUIDS and nova_api.flag(request, 'with_servers')
        self._allow('os-hypervisors:show')
        if version >= UUIDS and not messages.is_uuid(key):
            raise nova_api.refuse(400, f'Invalid uuid {key}')
        for host in self._hosts():
            if key == _hypervisor_id(host, version):
                self._need_cells([host])
                counts = self.cloud.server_counts()
                view = self._view(host, version, True, servers, counts)
                return messages.json_reply({'hypervisor': view})
        raise nova_api.refuse(
            404, f"Hypervisor with ID '{key}' could not be found."
        )

    def _list(
        self, request: messages.Request, rule: str, detail: bool
    ) -> messages.Reply:
        version = self._version(request)
        servers = False
        if version >= UUIDS:
            nova_api.check_properties(
                request.query,
                (
                    'limit',
                    'marker',
                    'hypervisor_hostname_pattern',
                    'with_servers',
                ),
            )
            servers = nova_api.flag(request, 'with_servers')
        limit = self.nova.max_limit
        if version >= _PAGED:
            limit = nova_api.limit_of(request, self.nova.max_limit)
        self._allow(f'os-hypervisors:{rule}')
        shown: Sequence[Host] = self._hosts()
        self._need_cells(shown)
        links: list[dict[str, str]] = []
        pattern = request.last('hypervisor_hostname_pattern')
        if version >= UUIDS and pattern is not None:
            # [src] 'limit' itself, since there is always a limit.
            if 'limit' in request.query or request.last('marker'):
                raise nova_api.refuse(
                    400,
                    'Paging over hypervisors with the '
                    'hypervisor_hostname_pattern query parameter is not '
                    'supported.',
                )
            like = _like(pattern)
            shown = [h for h in shown if like.search(h.hypervisor_hostname)]
            if not shown:
                raise nova_api.refuse(
                    404, f"No hypervisor matching '{pattern}' could be found."
                )
        elif version >= _PAGED:
            shown, links = nova_api.page(
                shown,
                request,
                limit,
                # The old id goes on being a marker beside the uuid.
                lambda h, m: m in (h.hypervisor_id, str(h.number)),
                lambda h: _hypervisor_id(h, version),
            )
        counts = self.cloud.server_counts()
        body: dict[str, Any] = {
            'hypervisors': [
                self._view(host, version, detail, servers, counts)
                for host in shown
            ]
        }
        if links:
            body['hypervisors_links'] = links
        return messages.json_reply(body)

    def _view(
        self,
        host: Host,
        version: nova_api.Version,
        detail: bool,
        with_servers: bool,
        counts: dict[int, int],
    ) -> dict[str, Any]:
        self.cloud.observe(host)
        up = self.cloud.is_up(host)
        # Nova asks each compute that it takes to be up for its uptime.
        if detail and up and version >= _LIVE:
            self._ask_compute(host)
        pinned = host.running_vms
        return nova_views.hypervisor(
            host,
            version,
            up,
            counts.get(host.number, 0) if pinned is None else pinned,
            self.cloud.servers_on(host) if with_servers else None,
            detail,
        )

    def _ask_compute(self, host: Host) -> None:
        if not self.cloud.answers(host):
            self.nova.pause(self.nova.rpc_timeout)
            raise nova_api.timed_out()


class Servers(Controller):
    """``/servers``."""

    def detail(self, request: messages.Request) -> messages.Reply:
        version = self._version(request)
        unknown = [n for n in request.query if n not in _SERVER_FILTERS]
        if version >= STRICT and unknown:
            raise nova_api.refuse(
                400, f"'{unknown[0]}' does not match any of the regexes: '^_'"
            )
        limit = nova_api.limit_of(
            request, self.nova.max_limit, repeatable=True
        )
        shown, links = nova_api.page(
            self._visible(request),
            request,
            limit,
            lambda server, marker: server.id == marker,
            lambda server: server.id,
        )
        admin = self.nova.admin
        views = []
        for server in shown:
            up = server.host is not None
            if server.host is not None:
                self.cloud.observe(server.host)
                up = self.cloud.is_up(server.host)
            views.append(
                nova_views.server(server, version, request.host_url, admin, up)
            )
        body: dict[str, Any] = {'servers': views}
        if links:
            body['servers_links'] = links
        return messages.json_reply(body)

    def _visible(self, request: messages.Request) -> list[nova_state.Server]:
        everyone = nova_api.loose_flag(request, 'all_tenants')
        if everyone:
            self._allow('servers:detail:get_all_tenants')
        since = nova_api.changes_since(request)
        # [src] Deleted ones are listed for administrators only, beside the
        # others where changes are asked for.
        deleted = request.last('deleted')
        gone: bool | None = False
        if not self.nova.admin or deleted is None:
            gone = None if since is not None else False
        else:
            gone = bool(messages.loose_bool(deleted))
        with self.cloud.lock:
            found = [*self.cloud.servers.values(), *self.cloud.deleted]
        # The newest first.
        servers = sorted(found, key=lambda s: s.number, reverse=True)
        servers = [
            s
            for s in servers
            if gone in (None, s.deleted)
            and (since is None or s.updated >= since)
            # In silence, where there is any filter.
            and (s.host is None or s.host.cell_answers)
        ]
        if not everyone:
            own = self.nova.project_id
            servers = [s for s in servers if s.tenant_id == own]
        status = request.last('status')
        if status is not None:
            servers = [s for s in servers if s.status == status.upper()]
        # Ignored for others: they may not know where their servers are.
        if not self.nova.admin:
            return servers
        name, node = request.last('host'), request.last('node')
        return [
            s
            for s in servers
            if name in (None, s.host and s.host.name)
            and node in (None, s.host and s.host.hypervisor_hostname)
        ]

    def show(self, request: messages.Request, key: str) -> messages.Reply:
        version = self._version(request)
        with self.cloud.lock:
            server = self.cloud.servers.get(key)
        if server is None:
            raise nova_api.refuse(404, f'Instance {key} could not be found.')
        self._need_cells([server.host])
        view = nova_views.server(
            server, version, request.host_url, self.nova.admin, up=True
        )
        return messages.json_reply({'server': view})


def _like(pattern: str) -> re.Pattern[str]:
    """[src] LIKE '%pattern%', which in MySQL and SQLite is the same in
    either case, and in which two characters stand for others."""
    known = {'%': '.*', '_': '.'}
    return re.compile(
        ''.join(known.get(each, re.escape(each)) for each in pattern),
        re.IGNORECASE | re.DOTALL,
    )


def _hypervisor_id(host: Host, version: nova_api.Version) -> str:
    return host.hypervisor_id if version >= UUIDS else str(host.number)
