# SPDX-License-Identifier: Apache-2.0
"""What Ironic tells of a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metal_drivers import _text, exceptions
from metal_drivers.model import Node, PowerState

#: The fields asked for, by the minor version that brought them.
FIELDS = {
    'uuid': 1,
    'name': 5,
    'power_state': 1,
    'target_power_state': 1,
    'provision_state': 1,
    'reservation': 1,
    'maintenance': 1,
    'maintenance_reason': 1,
    'last_error': 1,
    'extra': 1,
    'resource_class': 21,
    'power_interface': 31,
    'traits': 37,
    'fault': 42,
    'conductor_group': 46,
    'owner': 50,
    'disable_power_off': 95,
}

#: Options that narrow the fleet; each is also a filter of the API.
FILTERS = ('conductor_group', 'owner', 'resource_class')

_STATES = {'power on': PowerState.ON, 'power off': PowerState.OFF}
_TARGETS = {
    'power on': PowerState.ON,
    'rebooting': PowerState.ON,
    'soft rebooting': PowerState.ON,
    'power off': PowerState.OFF,
    'soft power off': PowerState.OFF,
}

#: Power interfaces of Ironic's own that cannot ask for a shutdown. Of
#: others that cannot, the request itself is refused.
_NO_SOFT_OFF = frozenset({'agent', 'noop', 'snmp'})


def node_of(entry: Mapping[str, Any]) -> Node:
    """A node of the API as a node of ours.

    :raises ProtocolError: it is not one.
    """
    uuid, state = entry.get('uuid'), entry.get('power_state')
    if not isinstance(uuid, str):
        raise exceptions.ProtocolError(
            'Ironic: a node of the reply has no uuid'
        )
    settled = _at_work(entry.get('provision_state'))
    compute_id = (entry.get('extra') or {}).get('compute_node_id')
    fault = entry.get('last_error') or entry.get('fault')
    return Node(
        uuid,
        entry.get('name') or uuid,
        PowerState.ERROR
        if state == 'error'
        else _STATES.get(state or '', PowerState.UNKNOWN),
        target=_TARGETS.get(entry.get('target_power_state') or ''),
        hypervisor_id=None if compute_id is None else str(compute_id),
        maintenance=(
            (entry.get('maintenance_reason') or 'no reason was given')
            if entry.get('maintenance')
            else None
        ),
        busy=_holder(entry),
        keep_on=settled
        or (
            'disable_power_off is set'
            if entry.get('disable_power_off')
            else None
        ),
        keep_off=settled,
        soft_off=entry.get('power_interface') not in _NO_SOFT_OFF,
        fault=_text.clean(str(fault)) if fault else None,
        labels=frozenset(entry.get('traits') or ()),
        details={
            key: entry[key]
            for key in (
                'provision_state',
                'power_interface',
                *FILTERS,
            )
            if entry.get(key)
        },
    )


def _holder(entry: Mapping[str, Any]) -> str | None:
    """Whose work on the node has not ended.

    Both fields have to be empty: the target is set when a request is
    accepted, and the reservation stays until the conductor has finished.
    """
    if entry.get('reservation'):
        return f'conductor {entry["reservation"]}'
    if entry.get('target_power_state'):
        return f'a change to {entry["target_power_state"]}'
    return None


def _at_work(provision_state: str | None) -> str | None:
    """Why the node is to be left alone: Ironic is at work on it."""
    state = provision_state or ''
    if state.endswith(('ing', 'wait', 'call-back')):
        return f'its provision state is {state!r}'
    return None
