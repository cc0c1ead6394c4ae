# SPDX-License-Identifier: Apache-2.0
"""MAAS, as a driver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from oslo_config import cfg

from metal_drivers import base, compatibility, exceptions
from metal_drivers.drivers.maas import (
    checks,
    client,
    connection,
    power,
    power_ons,
    replies,
)
from metal_drivers.drivers.maas.nodes import FILTERS, is_deployed, node_of
from metal_drivers.model import (
    Capability,
    CheckResult,
    Node,
    OffMode,
    PowerState,
)


class MaasDriver(base.MetalDriver):
    """The deployed machines of one MAAS region."""

    contract = compatibility.CONTRACT
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
        missing = connection.missing(config)
        if missing:
            raise exceptions.ConfigurationError(
                f'[{connection.GROUP}] lacks {", ".join(missing)}',
                cure='Add it to that section of the configuration.',
                driver='maas',
                options=missing,
            )
        self._list_timeout = (
            config.get('list_timeout') or connection.LIST_TIMEOUT
        )
        self._maas = client.MaasClient(
            config['url'],
            connection.ApiKey(config, connection.GROUP),
            section=connection.GROUP,
            timeout=config.get('timeout') or connection.TIMEOUT,
            cafile=config.get('cafile'),
            insecure=bool(config.get('insecure')),
            most=config.get('max_concurrent') or 4,
        )
        self._power_ons = power_ons.PROCESS

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return connection.options()

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        state = super().config_state(config)
        return base.ConfigState.of(
            present=state.status is not base.ConfigStatus.ABSENT,
            missing=connection.missing(config),
        )

    def list_nodes(self) -> list[Node]:
        wanted = connection.filters(self.config)
        found = self._read(replies.LIST, wanted, self._list_timeout)
        return _deployed(found)

    def find_nodes(self, ref: str) -> list[Node]:
        """One request, or two where ``ref`` can be an id: 0.25 s each,
        where the list takes 0.1 s for each machine.

        A machine that is not Deployed is found where no other one is meant,
        and tells its status: it must not be powered on or off.
        """
        what, names = f'find machine {ref}', {ref.partition('.')[0]}
        wanted = connection.filters(self.config)
        del wanted['status']
        found = []
        if _is_id(ref):
            found = self._read(what, wanted | {'id': [ref]})
            names |= {node.name for node in map(node_of, found)}
        # All machines of one short name, whatever their domain.
        if cases := _cases(names):
            found += self._read(what, wanted | {'hostname': cases})
        nodes = _deployed(found) or [node_of(each) for each in found]
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
                cure=f'Check tags, pools and zones in [{connection.GROUP}].',
                options=tuple(FILTERS),
            ) from exc
        if not isinstance(found, list):
            raise exceptions.ProtocolError(
                f'MAAS: the request to {what} was answered without a list',
                cure=f'Check that [{connection.GROUP}] url leads to MAAS '
                'itself.',
            )
        return found

    def get_node(self, node_id: str) -> Node:
        _check_id(node_id)
        return self._maas.turn(
            lambda turn: power.look(turn, node_id), f'show machine {node_id}'
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
        _check_id(node_id)
        soft = state is PowerState.OFF and mode is OffMode.SOFT

        async def look_and_send(turn: client.Turn) -> None:
            # MAAS would power-cycle a machine that is on, deploy one that
            # is allocated, and power off one that cannot be powered on
            # again: so it is looked at right before, in the same turn.
            asked = self._power_ons.now()
            node = await power.look(turn, node_id)
            power.require_permission(node, state, soft)
            if node.power_state is state:
                return
            if state is PowerState.OFF:
                await power.post(turn, 'power_off', node, stop_mode=mode.value)
                return
            power.require_off(node)
            with self._power_ons.sending(self._maas.url(), node, asked):
                await power.post(turn, 'power_on', node)

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
        return {each: power.state_of(reply) for each, reply in found.items()}


def _deployed(found: Iterable[Any]) -> list[Node]:
    # MAAS was asked for these only, but what it does not know it may ignore.
    # All are read, so that what is no machine is noticed.
    nodes = [(node_of(each), each) for each in found]
    return [node for node, each in nodes if is_deployed(each)]


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
