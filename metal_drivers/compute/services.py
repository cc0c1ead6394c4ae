# SPDX-License-Identifier: Apache-2.0
"""The nova-compute services, and those that Nova knows nothing of.

Each cell of Nova has a database of its own. While one does not answer, in
time or at all, Nova leaves out its services. From microversion 2.69 on it
names them instead, with the status ``UNKNOWN`` and nothing else: measured
on Nova 34.0.0.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from metal_drivers import exceptions
from metal_drivers.compute import api
from metal_drivers.model import ComputeService

if TYPE_CHECKING:  # else keystoneauth is imported with it
    from metal_drivers._openstack import client

_CELLS = '2.69'
_UNKNOWN = 'UNKNOWN'
#: How many names a message has.
_SHOWN = 10


class Services:
    """What Nova says of its nova-compute services."""

    def __init__(self, nova: client.Service) -> None:
        self._nova = nova
        #: Older where Nova has no such.
        self._version = _CELLS

    def ask(
        self, filters: Mapping[str, str], what: str, whole: bool = True
    ) -> list[ComputeService]:
        """The services, in one request; one more where Nova is older.

        :param what: what is tried, for messages.
        :param whole: refuse an answer that lacks some; else it has only
            those that are known.
        :raises UnavailableError: cells do not answer.
        """
        entries = self._ask({'binary': 'nova-compute', **filters}, what)
        unknown = {
            str(entry.get('host'))
            for entry in entries
            if entry.get('status') == _UNKNOWN
        }
        if unknown and whole:
            raise _unavailable(unknown, what)
        return [
            api.service_of(entry)
            for entry in entries
            if entry.get('status') != _UNKNOWN
        ]

    def _ask(
        self, filters: Mapping[str, str], what: str
    ) -> list[Mapping[str, Any]]:
        path = f'/os-services?{urllib.parse.urlencode(filters)}'
        try:
            reply = self._nova.call(
                'GET', path, what, microversion=self._version
            )
        except exceptions.RefusedError as exc:
            if exc.status != 406 or self._version == api.MICROVERSION:
                raise
            self._version = api.MICROVERSION
            return self._ask(filters, what)
        services = reply.get('services') if isinstance(reply, dict) else None
        if not isinstance(services, list):
            raise exceptions.ProtocolError(
                f'Nova: the reply to {what} has no list of services'
            )
        return [entry for entry in services if isinstance(entry, dict)]


def _unavailable(
    hosts: Collection[str], what: str
) -> exceptions.UnavailableError:
    names = sorted(hosts)
    more = len(names) - _SHOWN
    shown = ', '.join(names[:_SHOWN]) + (
        f' and {more} more' if more > 0 else ''
    )
    return exceptions.UnavailableError(
        f'Nova: the reply to {what} does not know the state of nova-compute '
        f'on {shown}: the database of their cell does not answer',
        cure='Check the databases of the cells of Nova: nova-manage cell_v2 '
        'list_cells.',
    )
