# SPDX-License-Identifier: Apache-2.0
"""Compute hosts and the nova-compute service."""

from __future__ import annotations

import contextlib
import datetime
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

from metal_drivers import exceptions
from metal_drivers._openstack import auth
from metal_drivers._openstack.groups import NOVA_GROUP
from metal_drivers.compute import api, leaving, servers, services
from metal_drivers.model import (
    Aggregate,
    CheckResult,
    CheckStatus,
    ComputeHost,
    ComputeService,
)


class Compute:
    """Nova, as far as power is concerned.

    Every method raises :class:`~metal_drivers.MetalError`, and may be
    called from several threads at once.

    :param session: a keystoneauth session.
    :param values: adapter options of keystoneauth: region, interface.
    """

    def __init__(self, session: Any, values: Mapping[str, Any]) -> None:
        # With it keystoneauth is imported: only where there is a Nova.
        from metal_drivers._openstack import client

        self._session = session
        self._nova = client.Service(
            lambda: auth.load_adapter(
                session,
                values,
                group=NOVA_GROUP,
                service_type='compute',
            ),
            'Nova',
            NOVA_GROUP,
            session,
        )
        self._services = services.Services(self._nova)

    def list_hosts(self) -> list[ComputeHost]:
        """Every compute host, a request for each page of 1,000.

        Nova takes about 5 ms for each. While a cell does not answer, it
        answers 500: no host is left out.
        """
        return [
            api.host_of(entry)
            for entry in self._hypervisors(f'/detail?limit={api.PAGE}')
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
                microversion=api.MICROVERSION,
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
        return [api.host_of(entry) for entry in entries]

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
                microversion=api.MICROVERSION,
            )
        except (exceptions.NotFoundError, exceptions.ProtocolError) as exc:
            if exc.status not in (300, 404):
                raise
            self._none()
            return None
        return api.host_of(
            reply.get('hypervisor') if isinstance(reply, dict) else None
        )

    def _none(self) -> list[ComputeHost]:
        """No host; but a 404 can also come from an endpoint that is wrong.

        :raises ConfigurationError: that is what it was.
        """
        next(iter(self._hypervisors('?limit=1')), None)
        return []

    def _hypervisors(self, path: str) -> Iterator[dict[str, Any]]:
        with _endpoint_checked():
            for page in self._nova.pages(
                f'/os-hypervisors{path}',
                'hypervisors',
                'list hypervisors',
                microversion=api.MICROVERSION,
            ):
                yield from page

    def count_servers(self, host: str, hypervisor_id: str) -> int:
        """How many servers are on the host at this moment, shut off ones
        included; asked live, since a hypervisor's own count lags.

        One request where there are any, two where there are none.

        :raises ProtocolError: the reply tells of servers elsewhere, or that
            is not the host's hypervisor.
        """
        return servers.count(self._nova, host, hypervisor_id)

    def list_unplaced(self) -> set[str]:
        """The servers that have no host yet, since they are being
        scheduled; one request where there are none.

        :raises ProtocolError: the reply does not tell where servers are.
        """
        return servers.unplaced(self._nova)

    def list_moving(self, host: str) -> set[str]:
        """The servers that are on their way to the host or from it, or
        whose resize from it was not confirmed; one request where there are
        none.
        """
        return servers.moving(self._nova, host)

    def list_aggregates(self) -> list[Aggregate]:
        """The host aggregates, in one request; those of availability zones
        among them."""
        what = 'list aggregates'
        reply = self._nova.call(
            'GET', '/os-aggregates', what, microversion=api.MICROVERSION
        )
        found = reply.get('aggregates') if isinstance(reply, dict) else None
        if not isinstance(found, list):
            raise exceptions.ProtocolError(
                f'Nova: the reply to {what} has no list of aggregates'
            )
        return [api.aggregate_of(entry) for entry in found]

    def left_host(self, host: str, since: datetime.datetime) -> str | None:
        """What tells that a server was on the host since then: it was
        deleted, or moved away; None: there is none.

        At most three requests.

        :raises ProtocolError: the reply tells of servers elsewhere.
        :raises UnavailableError: its cell of Nova does not answer.
        """
        found = leaving.left(self._nova, host, since)
        if found is None:
            # Both lists leave out what such a cell has, in silence.
            self.get_service(host)
        return found

    def left_hosts(
        self, since: datetime.datetime, most: int
    ) -> Mapping[str, str]:
        """The same for all hosts at once; a host from which no server went
        is not in it.

        :param most: how many requests it may take, from 3; each but one is
            for 1,000 servers or migrations.
        :raises ProtocolError: it would take more, or the reply does not
            tell where servers were.
        :raises UnavailableError: a cell of Nova does not answer.
        """
        found = leaving.left_by_host(self._nova, since, most - 1)
        self.list_services()  # for the same reason
        return found

    def list_services(self, whole: bool = True) -> list[ComputeService]:
        """The nova-compute services of all hosts, in one request.

        Nova takes about 0.4 ms for each, a tenth of what a compute host of
        :meth:`list_hosts` takes.

        :param whole: refuse a list that lacks the services of a cell.
        :raises UnavailableError: a cell of Nova does not answer.
        """
        with _endpoint_checked():
            return self._services.ask({}, 'list nova-compute services', whole)

    def get_service(self, host: str) -> ComputeService:
        """The nova-compute service of a host, asked live.

        :raises NotFoundError: the host has none.
        :raises UnavailableError: its cell of Nova does not answer.
        """
        for service in self._services.ask(
            {'host': host}, f'show nova-compute on {host}'
        ):
            if service.host == host:
                return service
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
            found = self.list_services()
        except exceptions.MetalError as exc:
            return [CheckResult('nova', CheckStatus.FAILED, str(exc))]
        if not found:
            return [
                CheckResult(
                    'nova',
                    CheckStatus.WARNING,
                    f'{where} has no nova-compute services',
                )
            ]
        up = sum(service.up for service in found)
        enabled = sum(service.enabled for service in found)
        return [
            CheckResult(
                'nova',
                CheckStatus.OK,
                f'{where}, {len(found)} compute hosts, {up} up, '
                f'{enabled} enabled',
            )
        ]

    def check_more(self) -> Iterator[CheckResult]:
        """TLS, the version, the roles of the user, the clock."""
        from metal_drivers.compute import checks

        yield from checks.run(self._nova, self._session)

    def _update(
        self, service: ComputeService, body: Mapping[str, Any]
    ) -> None:
        self._nova.call(
            'PUT',
            f'/os-services/{urllib.parse.quote(service.id, safe="")}',
            f'set nova-compute on {service.host} to {body["status"]}',
            microversion=api.MICROVERSION,
            body=body,
        )


@contextlib.contextmanager
def _endpoint_checked() -> Iterator[None]:
    """For lists, which Nova always has.

    :raises ConfigurationError: it does not, so the endpoint is wrong.
    """
    try:
        yield
    except (exceptions.NotFoundError, exceptions.ProtocolError) as exc:
        # 300 and 404: not below the version of the API.
        if exc.status not in (300, 404):
            raise
        raise exceptions.ConfigurationError(
            exc.message,
            cure=f'Check that the endpoint of [{NOVA_GROUP}] is the '
            'whole URL, such as http://controller:8774/v2.1.',
            options=('endpoint_override',),
        ) from exc
