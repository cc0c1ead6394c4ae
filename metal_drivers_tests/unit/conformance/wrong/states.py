# SPDX-License-Identifier: Apache-2.0
"""Faults of power states."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from metal_drivers import Node, PowerState
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('power-states-are-of-those-asked-for', 'get_power_states([])')
class NoIdsMeansAll(SampleDriver):
    """No ids are taken for all ids."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = list(node_ids) or [node.id for node in self.list_nodes()]
        return super().get_power_states(ids)


@fault('power-states-are-of-those-asked-for', 'returned a str')
class StatesInWords(SampleDriver):
    """States as the service has them."""

    def get_power_states(self, node_ids: Iterable[str]) -> Any:
        found = super().get_power_states(node_ids)
        return {key: state.value for key, state in found.items()}


@fault('power-state-of-an-unknown-node-is-unknown', 'zzzz')
class MissingIsOff(SampleDriver):
    """What is not in the list is off."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        known = {node.id: node.power_state for node in self.list_nodes()}
        return {each: known.get(each, PowerState.OFF) for each in node_ids}


class _Remembers(SampleDriver):
    """Keeps the first state of each node that it sees."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.kept: dict[str, PowerState] = {}

    def remembered(self, node: Node) -> Node:
        state = self.kept.setdefault(node.id, node.power_state)
        return dataclasses.replace(node, power_state=state)


@fault('live-query-is-live', "'m1': <PowerState.ON")
class StatesFromItsMemory(_Remembers):
    """LIVE_QUERY is claimed, and states are remembered."""

    def read(self, found: Any) -> Node:
        return self.remembered(super().read(found))


@fault('live-list-is-as-fresh-as-one-node', 'power_state is <PowerState.ON')
class ListIsOlder(_Remembers):
    """LIVE_LIST is claimed, and the list is remembered."""

    def list_nodes(self) -> list[Node]:
        return [self.remembered(node) for node in super().list_nodes()]


@fault('live-list-shows-a-change-under-way', 'target is None')
class ListWithoutTargets(SampleDriver):
    """LIVE_LIST is claimed, and the list has no targets."""

    def list_nodes(self) -> list[Node]:
        return [
            dataclasses.replace(node, target=None)
            for node in super().list_nodes()
        ]


@fault('tells-when-a-change-has-ended', 'neither busy nor target')
class NoTargets(SampleDriver):
    """TELLS_END is claimed, and nothing tells."""

    def read(self, found: Any) -> Node:
        return dataclasses.replace(super().read(found), target=None)


@fault('shows-off-no-sooner-than-it-is', 'get_node() shows off')
class TargetIsState(SampleDriver):
    """What a node changes to is taken for what it is."""

    def read(self, found: Any) -> Node:
        node = super().read(found)
        state = node.target or node.power_state
        return dataclasses.replace(node, power_state=state)

    def list_nodes(self) -> list[Node]:
        found = self.call('GET', '/machines')
        return [super(TargetIsState, self).read(each) for each in found]
