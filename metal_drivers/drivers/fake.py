# SPDX-License-Identifier: Apache-2.0
"""A fleet in memory: to try things out, and the shortest example of a
driver."""

from __future__ import annotations

import dataclasses
import datetime
import threading
from collections.abc import Callable, Mapping
from typing import Any

from oslo_config import cfg

from metal_drivers import base, compatibility, exceptions
from metal_drivers.model import Capability, Node, OffMode, PowerState


class FakeDriver(base.MetalDriver):
    """Nodes that obey at once and are forgotten with the process."""

    contract = compatibility.CONTRACT
    priority = 10
    capabilities = frozenset(
        {
            Capability.SOFT_OFF,
            Capability.TELLS_END,
            Capability.LIVE_QUERY,
            Capability.LIVE_LIST,
        }
    )

    def __init__(
        self,
        config: Mapping[str, Any],
        osc: base.OpenStackClients | None = None,
    ) -> None:
        super().__init__(config, osc)
        path = config.get('fleet_file')
        nodes = _read(path) if path else _make(config.get('nodes') or 0)
        self._lock = threading.Lock()
        self._nodes = {node.id: node for node in nodes}

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [
            cfg.IntOpt(
                'nodes',
                min=1,
                help='How many nodes the fleet has. Node 7 is node-0007, '
                'and Nova knows it as compute-0007.',
            ),
            cfg.StrOpt(
                'fleet_file',
                help='A YAML file with the fleet: a list of nodes, each '
                'with an id and, as needed, name, power_state, '
                'hypervisor_id, host_names, maintenance, locked, keep_on, '
                'keep_off, fault, idle_watts. Overrides the option nodes.',
            ),
        ]

    def list_nodes(self) -> list[Node]:
        with self._lock:
            return [_observed(node) for node in self._nodes.values()]

    def get_node(self, node_id: str) -> Node:
        with self._lock:
            return _observed(self._find(node_id))

    def get_power_states(self, node_ids: Any) -> dict[str, PowerState]:
        states = {node.id: node.power_state for node in self.list_nodes()}
        return {
            node_id: states.get(node_id, PowerState.UNKNOWN)
            for node_id in node_ids
        }

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        with self._lock:
            former = self._find(node_id)
            since = former.powered_on_at
            if state is not former.power_state:
                on = state is PowerState.ON
                since = datetime.datetime.now(datetime.UTC) if on else None
            self._nodes[node_id] = dataclasses.replace(
                former, power_state=state, powered_on_at=since
            )

    def _find(self, node_id: str) -> Node:
        try:
            return self._nodes[node_id]
        except KeyError:
            raise exceptions.NotFoundError(
                f'The fake fleet has no node {node_id!r}',
                cure='See the option fleet_file, or nodes.',
            ) from None


def _observed(node: Node) -> Node:
    now = datetime.datetime.now(datetime.UTC)
    return dataclasses.replace(node, observed_at=now)


def _make(count: int) -> list[Node]:
    return [
        Node(
            f'node-{number:04}',
            f'node-{number:04}',
            PowerState.ON,
            host_names=(f'compute-{number:04}',),
            soft_off=True,
        )
        for number in range(1, count + 1)
    ]


_FIELDS = {field.name for field in dataclasses.fields(Node)} - {
    'observed_at',
    'powered_on_at',
    'details',
}


def _read(path: str) -> list[Node]:
    import yaml  # every command imports this driver, and few use it

    try:
        with open(path, encoding='utf-8') as file:
            entries = yaml.safe_load(file)
        nodes = [_node(entry) for entry in entries]
        if len({node.id for node in nodes}) < len(nodes):
            raise ValueError('two nodes have the same id')
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as exc:
        raise exceptions.ConfigurationError(
            f'The fleet_file {path} cannot be used: '
            f'{" ".join(str(exc).split())}',
            cure='It is a YAML list of nodes, such as '
            '"- {id: n1, power_state: on, host_names: [compute-01]}".',
            options=('fleet_file',),
        ) from exc
    return nodes


def _node(entry: Any) -> Node:
    if not isinstance(entry, dict) or entry.get('id') in (None, ''):
        raise ValueError(f'{entry!r} is not a node with an id')
    unknown = ', '.join(sorted(str(key) for key in set(entry) - _FIELDS))
    if unknown:
        raise ValueError(f'node {entry["id"]!r} has unknown fields {unknown}')
    values = {
        key: _CONVERT[key](value) if key in _CONVERT else _reason(value)
        for key, value in entry.items()
    }
    return Node(
        **{
            'name': values['id'],
            'power_state': PowerState.ON,
            'soft_off': True,
        }
        | values
    )


def _state(value: Any) -> PowerState:
    # In YAML, a bare on is true.
    if isinstance(value, bool):
        return PowerState.ON if value else PowerState.OFF
    return PowerState(value)


def _reason(value: Any) -> str | None:
    """Why something is so; or, as YAML has it, just that it is."""
    if value is None or value is False:
        return None
    return 'the fleet file says so' if value is True else str(value)


def _names(value: Any) -> tuple[str, ...]:
    """A list of names, or one."""
    names = [value] if isinstance(value, str) else value or ()
    return tuple(str(name) for name in names)


#: How the value of a field is read, where it is no reason.
_CONVERT: dict[str, Callable[[Any], Any]] = {
    'id': str,
    'name': str,
    'power_state': _state,
    'target': lambda value: None if value is None else _state(value),
    'host_names': _names,
    'soft_off': bool,
    'idle_watts': lambda value: None if value is None else float(value),
    'labels': lambda value: frozenset(_names(value)),
}
