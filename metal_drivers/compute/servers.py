# SPDX-License-Identifier: Apache-2.0
"""The servers on a host, on their way to it, and those without one yet."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metal_drivers import exceptions
from metal_drivers._openstack.groups import NOVA_GROUP
from metal_drivers.compute import api

if TYPE_CHECKING:  # else keystoneauth is imported with it
    from metal_drivers._openstack import client

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


def count(nova: client.Service, host: str, hypervisor_id: str) -> int:
    """How many servers are on the host at this moment, shut off ones
    included; asked live, since a hypervisor's own count lags.

    The hypervisor is asked, not the list of servers: that leaves out those
    of a cell whose database does not answer, and does not say so, in any
    version. Seen with Nova 34.

    :raises ProtocolError: the reply is not about the host's hypervisor.
    :raises UnavailableError: Nova cannot tell.
    """
    key = urllib.parse.quote(hypervisor_id.casefold(), safe='')
    reply = nova.call(
        'GET',
        f'/os-hypervisors/{key}?with_servers=true',
        f'list the servers on {host}',
        microversion=api.MICROVERSION,
    )
    found = reply.get('hypervisor') if isinstance(reply, dict) else None
    # Without any server, it has no such key.
    listed = found.get('servers', []) if isinstance(found, dict) else None
    if not isinstance(listed, list) or api.host_of(found).name != host:
        raise exceptions.ProtocolError(
            f'Nova: the reply to list the servers on {host} is not about '
            'that host'
        )
    return len(listed)


def unplaced(nova: client.Service) -> set[str]:
    """The servers that have no host yet, since they are being
    scheduled; one request where there are none.

    Nova counts such a server on no host, and may place it on one that
    was disabled a moment ago.

    :raises ProtocolError: the reply does not tell where servers are.
    """
    query = urllib.parse.urlencode(
        {'all_tenants': 1, 'status': 'BUILD', 'limit': api.PAGE}
    )
    found = set()
    for page in nova.pages(
        f'/servers/detail?{query}',
        'servers',
        'list the servers that are being built',
        microversion=api.MICROVERSION,
    ):
        for server in page:
            # Not shown to a user who may not know.
            if 'OS-EXT-SRV-ATTR:host' not in server:
                raise exceptions.ProtocolError(
                    'Nova: the list of the servers that are being built '
                    f'does not show the host of {server.get("id")}',
                    cure=f'Give the user of [{NOVA_GROUP}] the role admin.',
                )
            if server['OS-EXT-SRV-ATTR:host'] is None:
                found.add(str(server.get('id')))
    return found


def moving(nova: client.Service, host: str) -> set[str]:
    """The servers that are on their way to the host or from it, or
    whose resize from it was not confirmed: Nova counts these where they
    come from, or where they have gone, and part of them is here.

    One request where there are none.
    """
    reply = _get(
        nova,
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
    return {server for server in found if _moves(nova, server)}


def _moves(nova: client.Service, server: str) -> bool:
    """Whether it does: what Nova writes of migrations may be left
    unfinished when a service dies.
    """
    reply = _get(
        nova,
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


def _get(
    nova: client.Service, path: str, what: str
) -> Mapping[str, Any] | None:
    """The reply, an object; None where there is no such thing."""
    try:
        reply = nova.call('GET', path, what, microversion=api.MICROVERSION)
    except exceptions.NotFoundError:
        return None
    if not isinstance(reply, dict):
        raise exceptions.ProtocolError(
            f'Nova: the reply to {what} is not an object'
        )
    return reply
