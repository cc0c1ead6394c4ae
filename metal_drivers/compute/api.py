# SPDX-License-Identifier: Apache-2.0
"""Nova's API as far as we use it, and its replies as our values.

All requests are made at microversion 2.53, explicitly. It is the first
with uuids and with the count of servers that is free; from 2.88 on each
entry of the list costs a message to its compute, and one compute that has
just died makes the whole list hang for a minute and fail.
"""

from __future__ import annotations

import datetime
import re
import types
from collections.abc import Mapping
from typing import Any

from metal_drivers import exceptions
from metal_drivers.model import Aggregate, ComputeHost, ComputeService

MICROVERSION = '2.53'

#: The largest page that Nova gives (``[api] max_limit``).
PAGE = 1000

_UUID = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', re.I)


def is_uuid(text: str) -> bool:
    """Whether Nova would take it for the id of a hypervisor."""
    return _UUID.fullmatch(text) is not None


def host_of(entry: Any) -> ComputeHost:
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


def service_of(entry: Mapping[str, Any]) -> ComputeService:
    try:
        return ComputeService(
            str(entry['id']),
            str(entry['host']),
            str(entry['state']),
            str(entry['status']),
            entry.get('disabled_reason'),
            _time(entry.get('updated_at')),
            entry.get('zone'),
        )
    except KeyError as exc:
        raise exceptions.ProtocolError(
            f'Nova: a service in the reply has no {exc.args[0]}'
        ) from exc


def aggregate_of(entry: Any) -> Aggregate:
    hosts = entry.get('hosts') if isinstance(entry, dict) else None
    # The schema of Nova allows null for an aggregate without any.
    if not isinstance(entry, dict) or not isinstance(
        hosts, list | types.NoneType
    ):
        raise exceptions.ProtocolError(
            'Nova: an aggregate in the reply has no list of hosts'
        )
    zone = entry.get('availability_zone')
    return Aggregate(
        str(entry.get('name')),
        frozenset(map(str, hosts or ())),
        None if zone is None else str(zone),
    )


def _time(text: Any) -> datetime.datetime | None:
    """Nova's times are of UTC and do not say so."""
    try:
        return datetime.datetime.fromisoformat(text).replace(
            tzinfo=datetime.UTC
        )
    except (TypeError, ValueError):
        return None
