# SPDX-License-Identifier: Apache-2.0
"""Faults of states that are not known, or not yet so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from metal_drivers import AuthenticationError, Node, PowerState
from metal_drivers.exceptions import UnavailableError
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('unknown-is-never-off', 'list_nodes() shows on')
class UnknownIsOn(SampleDriver):
    """What is not off is on."""

    def state(self, power: str | None) -> PowerState:
        return PowerState.OFF if power == 'off' else PowerState.ON


@fault('unknown-is-never-off', 'list_nodes() shows on')
class UnknownIsAsBefore(SampleDriver):
    """While the state is not known, it is the last that was."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.last: dict[str, PowerState] = {}

    def read(self, found: Any) -> Node:
        node = super().read(found)
        if node.power_state is PowerState.UNKNOWN:
            known = self.last.get(node.id, PowerState.UNKNOWN)
            return dataclasses.replace(node, power_state=known)
        self.last[node.id] = node.power_state
        return node


@fault('unknown-is-never-off', 'get_power_states() shows off')
class UnknownIsOffOfMany(SampleDriver):
    """A default where a dict is asked."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        found = super().get_power_states(node_ids)
        on = {key for key, state in found.items() if state is PowerState.ON}
        return {
            key: PowerState.ON if key in on else PowerState.OFF
            for key in found
        }


@fault('unknown-is-never-off', "get_node('m1') shows off")
class UnknownIsOffOfOne(SampleDriver):
    """One node is read in another way than many."""

    def get_node(self, node_id: str) -> Node:
        node = super().get_node(node_id)
        if node.power_state is PowerState.ON:
            return node
        return dataclasses.replace(node, power_state=PowerState.OFF)


@fault('trouble-of-one-node-is-its-own', 'nodes that list_nodes() returned')
class LeavesOutWhatIsSick(SampleDriver):
    """A machine in trouble is no machine."""

    def list_nodes(self) -> list[Node]:
        return [node for node in super().list_nodes() if not node.fault]


@fault('trouble-of-one-node-is-its-own', "node 'm2'")
class AllAreUnknown(SampleDriver):
    """One state that is not known: none is."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        found = super().get_power_states(node_ids)
        if PowerState.UNKNOWN in found.values():
            return dict.fromkeys(found, PowerState.UNKNOWN)
        return found


@fault('trouble-of-one-node-is-its-own', "shows node 'm1' as off")
class SickIsOff(SampleDriver):
    """A BMC that does not answer has no power."""

    def read(self, found: Any) -> Node:
        node = super().read(found)
        if node.fault:
            return dataclasses.replace(node, power_state=PowerState.OFF)
        return node


@fault('trouble-of-one-node-is-its-own', 'AuthenticationError')
class OneBmcIsUnauthorised(SampleDriver):
    """The wrong password of one BMC is that of all."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = list(node_ids)
        for node in self.list_nodes():
            if node.id in ids and node.fault:
                raise AuthenticationError(f'{node.name}: {node.fault}')
        return super().get_power_states(ids)


@fault('trouble-of-one-node-is-its-own', 'UnavailableError')
class OneStateForAllToFail(SampleDriver):
    """The states of all are asked for, and the first error is raised."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        found = super().get_power_states(node_ids)
        if PowerState.UNKNOWN in found.values():
            raise UnavailableError('A BMC does not answer.')
        return found


@fault('live-query-is-live', 'get_node(')
class OneNodeFromItsMemory(SampleDriver):
    """LIVE_QUERY is claimed, and one node is remembered for a minute."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.kept: dict[str, Node] = {}

    def list_nodes(self) -> list[Node]:
        nodes = super().list_nodes()
        for node in nodes:
            self.kept.setdefault(node.id, node)
        return nodes

    def get_node(self, node_id: str) -> Node:
        if node_id not in self.kept:
            self.kept[node_id] = super().get_node(node_id)
        return self.kept[node_id]


@fault('live-query-is-live', 'get_power_states()')
class StatesOfTheLastList(SampleDriver):
    """LIVE_QUERY is claimed, and states are those of the last list."""

    last: list[Node] | None = None

    def list_nodes(self) -> list[Node]:
        self.last = super().list_nodes()
        return self.last

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        known = {
            node.id: node.power_state
            for node in (self.last or self.list_nodes())
        }
        return {each: known.get(each, PowerState.UNKNOWN) for each in node_ids}


@fault('tells-when-a-change-has-ended', 'with a change under way')
class BusyForEver(SampleDriver):
    """Once a change was asked for, it is under way for ever."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.sent: set[str] = set()

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        super().set_power_state(node_id, *args, **more)
        self.sent.add(node_id)

    def read(self, found: Any) -> Node:
        node = super().read(found)
        if node.id in self.sent:
            return dataclasses.replace(node, busy='power')
        return node


@fault('tells-when-a-change-has-ended', 'has the target')
class WrongTarget(SampleDriver):
    """The target is where it was before."""

    def read(self, found: Any) -> Node:
        node = super().read(found)
        if node.target is None:
            return node
        return dataclasses.replace(node, target=node.power_state)


@fault('live-list-shows-a-change-under-way', 'power_state is')
class ListHasTheTarget(SampleDriver):
    """LIVE_LIST is claimed, and the list has the state that is asked for."""

    def list_nodes(self) -> list[Node]:
        return [
            dataclasses.replace(node, power_state=node.target or found)
            for node in super().list_nodes()
            for found in (node.power_state,)
        ]


@fault('live-list-is-as-fresh-as-one-node', 'lacks node')
class ListsWhatRuns(SampleDriver):
    """LIVE_LIST is claimed, and a node that is off is not in the list."""

    def list_nodes(self) -> list[Node]:
        return [
            node
            for node in super().list_nodes()
            if node.power_state is not PowerState.OFF
        ]


@fault('shows-off-no-sooner-than-it-is', 'list_nodes() shows off')
class OffOnceItIsAccepted(SampleDriver):
    """What is asked for is taken for what is: a host that is still on
    counts as off."""

    def read(self, found: Any) -> Node:
        node = super().read(found)
        return dataclasses.replace(
            node, power_state=node.target or node.power_state
        )


@fault('shows-off-no-sooner-than-it-is', 'get_power_states() shows off')
class OffOnceItIsAcceptedOfMany(SampleDriver):
    """The same, where many are asked for."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        known = {
            node.id: node.target or node.power_state
            for node in self.list_nodes()
        }
        return {each: known.get(each, PowerState.UNKNOWN) for each in node_ids}
