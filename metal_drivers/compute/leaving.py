# SPDX-License-Identifier: Apache-2.0
"""The hosts that servers have left: deleted there, or moved away.

Nova keeps the host of a deleted server, until ``nova-manage db
archive_deleted_rows`` moves it elsewhere. A shelved server that was
offloaded has no host any more: Nova does not tell where it was.
"""

from __future__ import annotations

import datetime
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from metal_drivers import exceptions
from metal_drivers._openstack.groups import NOVA_GROUP
from metal_drivers.compute import api

if TYPE_CHECKING:  # else keystoneauth is imported with it
    from metal_drivers._openstack import client

#: The first that lists migrations by when they changed; earlier ones ignore
#: that filter.
_MIGRATIONS = '2.59'


def left(
    nova: client.Service, host: str, since: datetime.datetime
) -> str | None:
    """What tells that a server was on the host since then; None: nothing."""
    for server in _first(
        nova,
        '/servers/detail',
        'servers',
        f'list the servers that were deleted on {host}',
        api.MICROVERSION,
        _deleted(since) | {'host': host, 'limit': 1},
    ):
        # Nova leaves out a filter that this user may not use.
        if _host_of(server) != host:
            raise exceptions.ProtocolError(
                f'Nova: the list of the servers that were deleted on {host} '
                f'has server {server.get("id")}, which was not',
                cure=f'Give the user of [{NOVA_GROUP}] the role admin.',
            )
        return _was_deleted(server)
    for migration in _first(
        nova,
        '/os-migrations',
        'migrations',
        f'list the migrations from {host}',
        _MIGRATIONS,
        _changed(since) | {'source_compute': host, 'limit': 1},
    ):
        return _has_moved(migration)
    return None


def left_by_host(
    nova: client.Service, since: datetime.datetime, most: int
) -> Mapping[str, str]:
    """The same for all hosts; see :meth:`.Compute.left_hosts`."""
    found: dict[str, str] = {}
    queries = (
        _Query(
            '/os-migrations',
            'migrations',
            'list the migrations of the last minutes',
            _MIGRATIONS,
            _changed(since),
            _source_of,
            _has_moved,
        ),
        _Query(
            '/servers/detail',
            'servers',
            'list the servers that were deleted in the last minutes',
            api.MICROVERSION,
            _deleted(since),
            _host_of,
            _was_deleted,
        ),
    )
    for number, query in enumerate(queries):
        # One at least is for each query.
        room = most - (len(queries) - 1 - number)
        values = urllib.parse.urlencode(query.filters | {'limit': api.PAGE})
        for page in nova.pages(
            f'{query.path}?{values}',
            query.key,
            query.what,
            microversion=query.version,
            most=room,
        ):
            most -= 1
            for entry in page:
                host = query.host_of(entry)
                if host is not None:
                    found.setdefault(host, query.told(entry))
    return found


class _Query(NamedTuple):
    path: str
    key: str
    what: str
    version: str
    filters: dict[str, Any]
    host_of: Callable[[Mapping[str, Any]], str | None]
    told: Callable[[Mapping[str, Any]], str]


def _first(
    nova: client.Service,
    path: str,
    key: str,
    what: str,
    version: str,
    query: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """The entries of the first page."""
    pages = nova.pages(
        f'{path}?{urllib.parse.urlencode(query)}',
        key,
        what,
        microversion=version,
    )
    yield from next(pages, [])


def _deleted(since: datetime.datetime) -> dict[str, Any]:
    return {'all_tenants': 1, 'deleted': 'true'} | _changed(since)


def _changed(since: datetime.datetime) -> dict[str, Any]:
    return {'changes-since': _time(since)}


def _time(when: datetime.datetime) -> str:
    return f'{when.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}'


def _host_of(server: Mapping[str, Any]) -> str | None:
    """Where a server was; None: nowhere, or it is shelved.

    :raises ProtocolError: the reply does not say.
    """
    if 'OS-EXT-SRV-ATTR:host' not in server:
        raise exceptions.ProtocolError(
            'Nova: the list of deleted servers does not show the host of '
            f'{server.get("id")}',
            cure=f'Give the user of [{NOVA_GROUP}] the role admin.',
        )
    host = server['OS-EXT-SRV-ATTR:host']
    return None if host is None else str(host)


def _source_of(migration: Mapping[str, Any]) -> str:
    """:raises ProtocolError: the policy of Nova hides it."""
    host = migration.get('source_compute')
    if not isinstance(host, str):
        raise exceptions.ProtocolError(
            'Nova: the list of migrations does not show where server '
            f'{migration.get("instance_uuid")} was',
            cure=f'Give the user of [{NOVA_GROUP}] the role admin.',
        )
    return host


def _was_deleted(server: Mapping[str, Any]) -> str:
    when = server.get('OS-SRV-USG:terminated_at') or server.get('updated')
    at = f' at {str(when)[:19]} UTC' if when else ''
    return f'server {server.get("id")} was deleted{at}'


def _has_moved(migration: Mapping[str, Any]) -> str:
    when = migration.get('updated_at') or migration.get('created_at')
    at = f' at {str(when)[:19]} UTC' if when else ''
    return f'server {migration.get("instance_uuid")} moved away{at}'
