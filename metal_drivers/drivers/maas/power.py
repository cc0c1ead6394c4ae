# SPDX-License-Identifier: Apache-2.0
"""The power of one machine: looked at and changed, both within one turn."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from metal_drivers import exceptions
from metal_drivers.drivers.maas import client, nodes, replies
from metal_drivers.model import Node, PowerState

#: Told to MAAS with each power request, for its own log.
_COMMENT = 'metal-drivers: energy saving'

#: Why no power state is known, where the two answers differ.
_CHANGED = 'it changed during the query'


async def look(turn: client.Turn, node_id: str) -> Node:
    """The BMC is asked first, since it may be slow: what is read after it
    is as young as can be. To ask it may also end a release.

    :raises MetalError: what would end the next request, too.
    """
    asked_at = datetime.datetime.now(datetime.UTC)
    reply: Any
    try:
        reply = await turn.call(
            'Machine.query_power_state',
            f'query the power state of machine {node_id}',
            system_id=node_id,
        )
    except exceptions.NotFoundError:
        raise
    except exceptions.MetalError as exc:
        if replies.concerns_all(exc):
            raise
        reply = exc
    machine = await turn.call(
        'Machine.read', f'show machine {node_id}', system_id=node_id
    )
    state, fault = state_of(reply)
    read = nodes.node_of(machine)
    if {state, read.power_state} == {PowerState.ON, PowerState.OFF}:
        # MAAS keeps what its BMC said, so somebody has changed it since.
        state, fault = PowerState.UNKNOWN, _CHANGED
    return dataclasses.replace(
        read, power_state=state, fault=fault, observed_at=asked_at
    )


async def post(
    turn: client.Turn, action: str, node: Node, **fields: Any
) -> None:
    """Sent once: whether it arrived is for the caller to ask."""
    try:
        await turn.call(
            f'Machine.{action}',
            f'{action} machine {node.name}',
            system_id=node.id,
            comment=_COMMENT,
            **fields,
        )
    except exceptions.AuthenticationError as exc:
        if exc.status == 403:
            refused = exceptions.RefusedError(exc.message, cure=exc.cure)
            refused.status = exc.status
            raise refused from exc
        raise


def state_of(reply: Any) -> tuple[PowerState, str | None]:
    match reply:
        case (
            exceptions.AuthenticationError() | exceptions.ConfigurationError()
        ) if reply.status != 403:
            raise reply
        case exceptions.MetalError():
            return PowerState.UNKNOWN, reply.message
        case {'state': 'on' | 'off' as state}:
            return nodes.state_of(state), None
        case {'state': 'error'}:
            return PowerState.ERROR, 'MAAS cannot query its BMC'
        case _:
            return PowerState.UNKNOWN, 'MAAS reported no power state'


def require_permission(node: Node, state: PowerState, soft: bool) -> None:
    """:raises RefusedError: the machine must not be switched."""
    reason = node.keep_off if state is PowerState.ON else node.keep_on
    if node.locked:
        reason = 'it is locked'
    if reason:
        raise exceptions.RefusedError(
            f'MAAS: machine {node.name} must not be powered '
            f'{state.value}: {reason}',
            cure='Change that in MAAS first.',
        )
    if soft and not node.soft_off:
        raise exceptions.UnsupportedError(
            f'MAAS: a soft power off of {node.name} would cut its power',
            cure='Use a hard power off.',
        )


def require_off(node: Node) -> None:
    if node.fault == _CHANGED:
        raise exceptions.BusyError(
            f'MAAS: machine {node.name} was not powered on: its power state '
            'changed during the query',
            cure='Try again when the other power change has ended.',
        )
    if node.power_state is not PowerState.OFF:
        raise exceptions.RefusedError(
            f'MAAS: machine {node.name} is not known to be off, so it is not '
            f'powered on ({node.fault or node.power_state.value})',
            cure='Fix the access of MAAS to its BMC.',
        )
