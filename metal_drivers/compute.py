# SPDX-License-Identifier: Apache-2.0
"""Nova's side: compute hosts, the servers on a host, nova-compute.

All requests are made at microversion 2.53, explicitly. It is the first
with uuids and with the count of servers that is free; from 2.88 on each
entry of the list costs a message to its compute, and one compute that has
just died makes the whole list hang for a minute and fail.
"""

from __future__ import annotations

import datetime
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

from oslo_config import cfg

from metal_drivers import base, conf, exceptions, keystone, rest
from metal_drivers.model import (
    CheckResult,
    CheckStatus,
    ComputeHost,
    ComputeService,
)

MICROVERSION = '2.53'

#: The largest page that Nova gives (``[api] max_limit``).
_PAGE = 1000


_UUID = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', re.I)

#: How a server is that has something on two hosts.
_MOVING = frozenset(
    {'MIGRATING', 'RESIZE', 'VERIFY_RESIZE', 'REVERT_RESIZE', 'REBUILD'}
)

#: How a migration is at its end. ``finished`` is not: a resize is yet to be
#: confirmed, or reverted.
_SETTLED = frozenset(
    {
        'completed',
        'confirmed',
        'reverted',
        'done',
        'error',
        'failed',
        'cancelled',
    }
)


class Compute:
    """Nova, as far as power is concerned.

    Every method raises :class:`~metal_drivers.MetalError`, and may be
    called from several threads at once.

    :param session: a keystoneauth session.
    :param values: adapter options of keystoneauth: region, interface.
    """

    def __init__(self, session: Any, values: Mapping[str, Any]) -> None:
        self._nova = rest.Service(
            lambda: keystone.load_adapter(
                session,
                values,
                group=conf.NOVA_GROUP,
                service_type='compute',
            ),
            'Nova',
            conf.NOVA_GROUP,
            session,
        )

    def list_hosts(self) -> list[ComputeHost]:
        """Every compute host, a request for each page of 1,000.

        Nova takes about 5 ms for each.
        """
        return [
            _host(entry)
            for entry in self._hypervisors(f'/detail?limit={_PAGE}')
        ]

    def find_hosts(self, name: str) -> list[ComputeHost]:
        """The compute hosts in whose hypervisor's name this is, as a whole
        or as a part; whether its case matters depends on Nova's database.

        One request where there are any, two where there are none.
        """
        query = urllib.parse.urlencode({'hypervisor_hostname_pattern': name})
        try:
            reply = self._nova.call(
                'GET',
                f'/os-hypervisors/detail?{query}',
                f'find hypervisor {name}',
                microversion=MICROVERSION,
            )
        except (exceptions.NotFoundError, exceptions.ProtocolError) as exc:
            if exc.status not in (300, 404):
                raise
            return self._none()
        entries = reply.get('hypervisors') if isinstance(reply, dict) else None
        if not isinstance(entries, list):
            raise exceptions.ProtocolError(
                f'Nova: the reply to find hypervisor {name} has no list of '
                'hypervisors'
            )
        return [_host(entry) for entry in entries]

    def get_host(self, hypervisor_id: str) -> ComputeHost | None:
        """The compute host with that uuid; None: Nova has no such.

        One request where there is one, two where there is none.
        """
        try:
            reply = self._nova.call(
                'GET',
                '/os-hypervisors/'
                + urllib.parse.quote(hypervisor_id.casefold(), safe=''),
                f'show hypervisor {hypervisor_id}',
                microversion=MICROVERSION,
            )
        except (exceptions.NotFoundError, exceptions.ProtocolError) as exc:
            if exc.status not in (300, 404):
                raise
            self._none()
            return None
        return _host(
            reply.get('hypervisor') if isinstance(reply, dict) else None
        )

    def _none(self) -> list[ComputeHost]:
        """No host; but a 404 can also come from an endpoint that is wrong.

        :raises ConfigurationError: that is what it was.
        """
        next(iter(self._hypervisors('?limit=1')), None)
        return []

    def _hypervisors(self, path: str) -> Iterator[dict[str, Any]]:
        try:
            for page in self._nova.pages(
                f'/os-hypervisors{path}',
                'hypervisors',
                'list hypervisors',
                microversion=MICROVERSION,
            ):
                yield from page
        except (exceptions.NotFoundError, exceptions.ProtocolError) as exc:
            # 300 and 404: not below the version of the API.
            if exc.status not in (300, 404):
                raise
            raise exceptions.ConfigurationError(
                exc.message,
                cure=f'Check that the endpoint of [{conf.NOVA_GROUP}] is the '
                'whole URL, such as http://controller:8774/v2.1.',
                options=('endpoint_override',),
            ) from exc

    def count_servers(self, host: str) -> int:
        """How many servers are on the host at this moment, shut off ones
        included; asked live, since a hypervisor's own count lags.

        :raises ProtocolError: the reply tells of servers elsewhere.
        """
        query = urllib.parse.urlencode(
            {'all_tenants': 1, 'host': host, 'limit': _PAGE}
        )
        count = 0
        for page in self._nova.pages(
            f'/servers/detail?{query}',
            'servers',
            f'list the servers on {host}',
            microversion=MICROVERSION,
        ):
            count += len(page)
            for server in page:
                # Nova leaves out a filter that this user may not use.
                if server.get('OS-EXT-SRV-ATTR:host') != host:
                    raise exceptions.ProtocolError(
                        f'Nova: the list of the servers on {host} has '
                        f'server {server.get("id")}, which is on another '
                        'host',
                        cure='Give the user of '
                        f'[{conf.NOVA_GROUP}] the role admin.',
                    )
        return count

    def list_unplaced(self) -> set[str]:
        """The servers that have no host yet, since they are being
        scheduled; one request where there are none.

        Nova counts such a server on no host, and may place it on one that
        was disabled a moment ago.

        :raises ProtocolError: the reply does not tell where servers are.
        """
        query = urllib.parse.urlencode(
            {'all_tenants': 1, 'status': 'BUILD', 'limit': _PAGE}
        )
        found = set()
        for page in self._nova.pages(
            f'/servers/detail?{query}',
            'servers',
            'list the servers that are being built',
            microversion=MICROVERSION,
        ):
            for server in page:
                # Not shown to a user who may not know.
                if 'OS-EXT-SRV-ATTR:host' not in server:
                    raise exceptions.ProtocolError(
                        'Nova: the list of the servers that are being built '
                        f'does not show the host of {server.get("id")}',
                        cure='Give the user of '
                        f'[{conf.NOVA_GROUP}] the role admin.',
                    )
                if server['OS-EXT-SRV-ATTR:host'] is None:
                    found.add(str(server.get('id')))
        return found

    def list_moving(self, host: str) -> set[str]:
        """The servers that are on their way to the host or from it, or
        whose resize from it was not confirmed: Nova counts these where they
        come from, or where they have gone, and part of them is here.

        One request where there are none.
        """
        reply = self._get(
            f'/os-migrations?{urllib.parse.urlencode({"host": host})}',
            f'list the migrations to and from {host}',
        )
        if reply is None:
            return set()
        migrations = reply.get('migrations')
        if not isinstance(migrations, list):
            raise exceptions.ProtocolError(
                'Nova: the reply to list migrations has no list of them'
            )
        found = {
            str(entry.get('instance_uuid'))
            for entry in migrations
            if isinstance(entry, dict) and entry.get('status') not in _SETTLED
        }
        return {server for server in found if self._moves(server)}

    def _moves(self, server: str) -> bool:
        """Whether it does: what Nova writes of migrations may be left
        unfinished when a service dies.
        """
        reply = self._get(
            f'/servers/{urllib.parse.quote(server, safe="")}',
            f'show server {server}',
        )
        found = reply.get('server') if reply else None
        if not isinstance(found, dict):
            return False
        return (
            found.get('status') in _MOVING
            or found.get('OS-EXT-STS:task_state') is not None
        )

    def _get(self, path: str, what: str) -> Mapping[str, Any] | None:
        """The reply, an object; None where there is no such thing."""
        try:
            reply = self._nova.call(
                'GET', path, what, microversion=MICROVERSION
            )
        except exceptions.NotFoundError:
            return None
        if not isinstance(reply, dict):
            raise exceptions.ProtocolError(
                f'Nova: the reply to {what} is not an object'
            )
        return reply

    def list_services(self) -> list[ComputeService]:
        """The nova-compute services of all hosts, in one request."""
        return [
            _service(entry)
            for entry in self._services(
                {'binary': 'nova-compute'}, 'list nova-compute services'
            )
        ]

    def get_service(self, host: str) -> ComputeService:
        """The nova-compute service of a host, asked live.

        :raises NotFoundError: the host has none.
        """
        for entry in self._services(
            {'binary': 'nova-compute', 'host': host},
            f'show nova-compute on {host}',
        ):
            if entry.get('host') == host:
                return _service(entry)
        raise exceptions.NotFoundError(
            f'Nova: there is no nova-compute on {host}',
            cure='Check the host, and that nova-compute ran on it once.',
        )

    def disable(self, service: ComputeService, reason: str) -> None:
        """Keep Nova from placing servers on the service's host.

        :param reason: at most 255 characters.
        """
        self._update(
            service, {'status': 'disabled', 'disabled_reason': reason}
        )

    def enable(self, service: ComputeService) -> None:
        """Let Nova place servers on the service's host again."""
        self._update(service, {'status': 'enabled'})

    def check(self) -> list[CheckResult]:
        """Can Nova be reached, does it accept us, what does it show?"""
        try:
            where = self._nova.url()
            found = self.list_hosts()
        except exceptions.MetalError as exc:
            return [CheckResult('nova', CheckStatus.FAILED, str(exc))]
        if not found:
            return [
                CheckResult(
                    'nova', CheckStatus.WARNING, f'{where} has no hypervisors'
                )
            ]
        up = sum(host.up for host in found)
        enabled = sum(host.enabled for host in found)
        return [
            CheckResult(
                'nova',
                CheckStatus.OK,
                f'{where}, {len(found)} compute hosts, {up} up, '
                f'{enabled} enabled',
            )
        ]

    def _services(
        self, filters: Mapping[str, str], what: str
    ) -> list[Mapping[str, Any]]:
        reply = self._nova.call(
            'GET',
            f'/os-services?{urllib.parse.urlencode(filters)}',
            what,
            microversion=MICROVERSION,
        )
        services = reply.get('services') if isinstance(reply, dict) else None
        if not isinstance(services, list):
            raise exceptions.ProtocolError(
                f'Nova: the reply to {what} has no list of services'
            )
        return [entry for entry in services if isinstance(entry, dict)]

    def _update(
        self, service: ComputeService, body: Mapping[str, Any]
    ) -> None:
        self._nova.call(
            'PUT',
            f'/os-services/{urllib.parse.quote(service.id, safe="")}',
            f'set nova-compute on {service.host} to {body["status"]}',
            microversion=MICROVERSION,
            body=body,
        )


def open_compute(
    config: cfg.ConfigOpts, osc: base.OpenStackClients | None = None
) -> Compute | None:
    """Nova by its configuration; None where that has no credentials.

    :param osc: a keystone session for a ``[nova]`` without an auth type;
        by default that of ``[watcher_clients_auth]``.
    :raises ConfigurationError: the credentials are not complete.
    """
    values = conf.nova_values(config)
    if values.get('auth_type'):
        session = keystone.load_session(values, group=conf.NOVA_GROUP)
        return Compute(session, values)
    osc = osc or conf.shared_credentials(config)
    if osc is None:
        return None
    return Compute(
        keystone.share_session(osc.session, values, group=conf.NOVA_GROUP),
        values,
    )


def is_uuid(text: str) -> bool:
    """Whether Nova would take it for the id of a hypervisor."""
    return _UUID.fullmatch(text) is not None


def _host(entry: Any) -> ComputeHost:
    if not isinstance(entry, dict):
        raise exceptions.ProtocolError(
            'Nova: a hypervisor in the reply is not an object'
        )
    service = entry.get('service')
    try:
        if not isinstance(service, dict):
            raise KeyError('service')
        servers = entry.get('running_vms')
        return ComputeHost(
            str(entry['id']),
            str(service['host']),
            str(entry['hypervisor_hostname']),
            str(entry['state']),
            str(entry['status']),
            str(service['id']),
            service.get('disabled_reason'),
            servers if isinstance(servers, int) else None,
        )
    except KeyError as exc:
        raise exceptions.ProtocolError(
            f'Nova: a hypervisor in the reply has no {exc.args[0]}'
        ) from exc


def _service(entry: Mapping[str, Any]) -> ComputeService:
    try:
        return ComputeService(
            str(entry['id']),
            str(entry['host']),
            str(entry['state']),
            str(entry['status']),
            entry.get('disabled_reason'),
            _time(entry.get('updated_at')),
        )
    except KeyError as exc:
        raise exceptions.ProtocolError(
            f'Nova: a service in the reply has no {exc.args[0]}'
        ) from exc


def _time(text: Any) -> datetime.datetime | None:
    """Nova's times are of UTC and do not say so."""
    try:
        return datetime.datetime.fromisoformat(text).replace(
            tzinfo=datetime.UTC
        )
    except (TypeError, ValueError):
        return None
