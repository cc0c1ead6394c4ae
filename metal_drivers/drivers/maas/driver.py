# SPDX-License-Identifier: Apache-2.0
"""MAAS, as a driver."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from oslo_config import cfg

from metal_drivers import base, exceptions
from metal_drivers.drivers.maas import (
    checks,
    client,
    credentials,
    machines,
    options,
    power_ons,
    replies,
)
from metal_drivers.model import (
    Capability,
    CheckResult,
    Node,
    OffMode,
    PowerState,
)

#: Told to MAAS with each power request, for its own log.
_COMMENT = 'metal-drivers: energy saving'

#: Why no power state is known, where the two answers differ.
_CHANGED = 'it changed during the query'


class MaasDriver(base.MetalDriver):
    """The deployed machines of one MAAS region."""

    priority = 100
    capabilities = frozenset(
        {Capability.SOFT_OFF, Capability.LIVE_QUERY, Capability.FIND}
    )

    def __init__(
        self,
        config: Mapping[str, Any],
        osc: base.OpenStackClients | None = None,
    ) -> None:
        super().__init__(config, osc)
        missing = options.missing(config)
        if missing:
            raise exceptions.ConfigurationError(
                f'[{options.GROUP}] lacks {", ".join(missing)}',
                cure='Add it to that section of the configuration.',
                driver='maas',
                options=missing,
            )
        self._list_timeout = config.get('list_timeout') or options.LIST_TIMEOUT
        self._maas = client.MaasClient(
            config['url'],
            credentials.ApiKey(config, options.GROUP),
            section=options.GROUP,
            timeout=config.get('timeout') or options.TIMEOUT,
            cafile=config.get('cafile'),
            insecure=bool(config.get('insecure')),
            most=config.get('max_concurrent') or 4,
        )
        self._power_ons = power_ons.PROCESS

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return options.options()

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        state = super().config_state(config)
        return base.ConfigState.of(
            present=state.status is not base.ConfigStatus.ABSENT,
            missing=options.missing(config),
        )

    def list_nodes(self) -> list[Node]:
        wanted = options.filters(self.config)
        found = self._read(replies.LIST, wanted, self._list_timeout)
        return _deployed(found)

    def find_nodes(self, ref: str) -> list[Node]:
        """One request, or two where ``ref`` can be an id: 0.25 s each,
        where the list takes 0.1 s for each machine.

        A machine that is not Deployed is found where no other one is meant,
        and tells its status: it must not be powered on or off.
        """
        what, names = f'find machine {ref}', {ref.partition('.')[0]}
        wanted = options.filters(self.config)
        del wanted['status']
        found = []
        if _is_id(ref):
            found = self._read(what, wanted | {'id': [ref]})
            names |= {node.name for node in map(machines.node_of, found)}
        # All machines of one short name, whatever their domain.
        if cases := _cases(names):
            found += self._read(what, wanted | {'hostname': cases})
        nodes = _deployed(found) or [machines.node_of(each) for each in found]
        return base.named({node.id: node for node in nodes}.values(), ref)

    def _read(
        self,
        what: str,
        wanted: Mapping[str, list[str]],
        timeout: float | None = None,
    ) -> list[Any]:
        """The machines that MAAS was asked for."""
        try:
            found = self._maas.call(
                'Machines.read', what, timeout=timeout, **wanted
            )
        except exceptions.RefusedError as exc:
            if exc.status != 400:
                raise
            raise exceptions.ConfigurationError(
                exc.message,
                cure=f'Check tags, pools and zones in [{options.GROUP}].',
                options=tuple(options.FILTERS),
            ) from exc
        if not isinstance(found, list):
            raise exceptions.ProtocolError(
                f'MAAS: the request to {what} was answered without a list',
                cure=f'Check that [{options.GROUP}] url leads to MAAS itself.',
            )
        return found

    def get_node(self, node_id: str) -> Node:
        _check_id(node_id)
        return self._maas.turn(
            lambda turn: _look(turn, node_id), f'show machine {node_id}'
        )

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = list(dict.fromkeys(node_ids))
        told = self._ask(filter(_is_id, ids))
        nothing = PowerState.UNKNOWN, None
        return {each: told.get(each, nothing)[0] for each in ids}

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        if state not in (PowerState.ON, PowerState.OFF):
            raise ValueError(f'a node cannot be powered {state.value}')
        _check_id(node_id)
        soft = state is PowerState.OFF and mode is OffMode.SOFT

        async def look_and_send(turn: client.Turn) -> None:
            # MAAS would power-cycle a machine that is on, deploy one that
            # is allocated, and switch off one that cannot be switched on
            # again: so it is looked at right before, in the same turn.
            asked = self._power_ons.now()
            node = await _look(turn, node_id)
            _require_permission(node, state, soft)
            if node.power_state is state:
                return
            if state is PowerState.OFF:
                await _post(turn, 'power_off', node, stop_mode=mode.value)
                return
            _require_off(node)
            with self._power_ons.sending(self._maas.url(), node, asked):
                await _post(turn, 'power_on', node)

        self._maas.turn(look_and_send, f'power {state.value} {node_id}')

    def check(self) -> list[CheckResult]:
        return list(checks.run(self._maas, self.config, self.list_nodes))

    def close(self) -> None:
        self._maas.close()

    def _ask(
        self, node_ids: Iterable[str]
    ) -> dict[str, tuple[PowerState, str | None]]:
        """The live power states, and why one is not known: never off.

        :raises AuthenticationError, ConfigurationError: concerning all.
        """
        found = self._maas.map(
            'Machine.query_power_state',
            lambda each: f'query the power state of machine {each}',
            node_ids,
        )
        return {each: _told(reply) for each, reply in found.items()}


async def _look(turn: client.Turn, node_id: str) -> Node:
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
    state, fault = _told(reply)
    read = machines.node_of(machine)
    if {state, read.power_state} == {PowerState.ON, PowerState.OFF}:
        # MAAS keeps what its BMC said, so somebody has changed it since.
        state, fault = PowerState.UNKNOWN, _CHANGED
    return dataclasses.replace(
        read, power_state=state, fault=fault, observed_at=asked_at
    )


async def _post(
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
            raise exceptions.RefusedError(exc.message, cure=exc.cure) from exc
        raise


def _deployed(found: Iterable[Any]) -> list[Node]:
    # MAAS was asked for these only, but what it does not know it may ignore.
    # All are read, so that what is no machine is noticed.
    nodes = [(machines.node_of(each), each) for each in found]
    return [node for node, each in nodes if machines.is_deployed(each)]


def _told(reply: Any) -> tuple[PowerState, str | None]:
    match reply:
        case (
            exceptions.AuthenticationError() | exceptions.ConfigurationError()
        ) if reply.status != 403:
            raise reply
        case exceptions.MetalError():
            return PowerState.UNKNOWN, reply.message
        case {'state': 'on' | 'off' as state}:
            return machines.state_of(state), None
        case {'state': 'error'}:
            return PowerState.ERROR, 'MAAS cannot query its BMC'
        case _:
            return PowerState.UNKNOWN, 'MAAS reported no power state'


def _require_permission(node: Node, state: PowerState, soft: bool) -> None:
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


def _require_off(node: Node) -> None:
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


def _cases(names: Iterable[str]) -> list[str]:
    """MAAS compares letter by letter, and names in a DNS do not."""
    return sorted(
        {
            each
            for name in names
            if name
            for each in (name, name.casefold(), name.upper())
        }
    )


def _is_id(node_id: str) -> bool:
    """A system_id has letters and digits; anything else is no machine,
    and must not become a part of a URL."""
    return node_id.isascii() and node_id.isalnum()


def _check_id(node_id: str) -> None:
    if not _is_id(node_id):
        raise exceptions.NotFoundError(
            f'MAAS: there is no machine {node_id!r}',
            cure='Check the system_id.',
        )
