# SPDX-License-Identifier: Apache-2.0
"""What MAAS tells of a machine, as a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metal_drivers import exceptions
from metal_drivers.model import Node, PowerState

#: Those that narrow the list of machines, and what MAAS calls them.
FILTERS = {
    'tags': 'tags',
    'not_tags': 'not_tags',
    'pools': 'pool',
    'zones': 'zone',
}

#: The status in which a machine runs what was deployed on it.
_DEPLOYED = 'Deployed'

#: Power types whose soft power off is one; others cut the power silently.
_SOFT_OFF = frozenset({'ipmi'})

_DETAILS = ('status_name', 'power_type', 'owner')
_NAMED_DETAILS = ('zone', 'pool', 'domain')


def state_of(told: Any) -> PowerState:
    """MAAS' power state; what it may not have said before is unknown."""
    try:
        return PowerState(told)
    except ValueError:
        return PowerState.UNKNOWN


def is_deployed(machine: Any) -> bool:
    """Whether it runs what was deployed on it."""
    return (
        isinstance(machine, dict) and machine.get('status_name') == _DEPLOYED
    )


def node_of(machine: Any) -> Node:
    """A machine of the API as a node, with the power state that MAAS has
    cached.

    :raises ProtocolError: it is not a machine.
    """
    try:
        return _node(machine)
    except (AttributeError, KeyError, TypeError) as exc:
        raise exceptions.ProtocolError(
            'MAAS: the reply has something that is not a machine '
            f'({type(exc).__name__})'
        ) from exc


def _node(machine: Mapping[str, Any]) -> Node:
    system_id, name = machine['system_id'], machine['hostname']
    if not isinstance(system_id, str) or not isinstance(name, str):
        raise TypeError(system_id)
    hindrance = _hindrance(machine)
    return Node(
        system_id,
        name or system_id,
        state_of(machine['power_state']),
        host_names=tuple(filter(None, (machine.get('fqdn'), name))),
        locked='in MAAS' if machine.get('locked') else None,
        keep_on=hindrance,
        keep_off=hindrance,
        soft_off=machine.get('power_type') in _SOFT_OFF,
        labels=frozenset(machine.get('tag_names') or ()),
        details=_details(machine),
    )


def _hindrance(machine: Mapping[str, Any]) -> str | None:
    """Why it must not be powered on or off.

    MAAS powers machines off in every status, and on again only those that
    have an owner; some of these it then deploys.
    """
    if not is_deployed(machine):
        return f'its status is {machine.get("status_name")}, not {_DEPLOYED}'
    if machine.get('power_type') in (None, '', 'manual'):
        return (
            f'its power type is {machine.get("power_type") or "not set"}: '
            'MAAS cannot power it on or off'
        )
    if machine.get('ephemeral_deploy'):
        return (
            'it is deployed in memory: powering it off would lose its '
            'system, and powering it on would deploy it anew'
        )
    return None


def _details(machine: Mapping[str, Any]) -> dict[str, object]:
    details = {key: machine[key] for key in _DETAILS if machine.get(key)}
    for key in _NAMED_DETAILS:
        value = machine.get(key)
        if isinstance(value, dict) and value.get('name'):
            details[key] = value['name']
    return details
