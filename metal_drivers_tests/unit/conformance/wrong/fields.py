# SPDX-License-Identifier: Apache-2.0
"""Faults of the types of fields, and of what methods return."""

from __future__ import annotations

import dataclasses
import datetime
import time
import uuid
from typing import Any

from metal_drivers import Node, PowerState
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


class _Fields(SampleDriver):
    """Changes fields of each node."""

    def fields(self, node: Node) -> dict[str, Any]:
        raise NotImplementedError

    def read(self, found: Any) -> Node:
        node = super().read(found)
        return dataclasses.replace(node, **self.fields(node))


@fault('lists-nodes', 'a str as power_state')
class StateInWords(_Fields):
    """The power state as the service has it."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'power_state': node.power_state.value}


@fault('lists-nodes', 'None as power_state')
class NoState(_Fields):
    """None, where the state is not known."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'power_state': None}


@fault('lists-nodes', 'an int as id')
class NumberAsId(_Fields):
    """The key of a database."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'id': int(node.id[1:])}


@fault('lists-nodes', 'an UUID as id')
class UuidAsId(_Fields):
    """An id that is no text."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'id': uuid.uuid5(uuid.NAMESPACE_DNS, node.id)}


@fault('lists-nodes', 'a bytes as name')
class BytesAsName(_Fields):
    """A name as it came from a socket."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'name': node.name.encode()}


@fault('lists-nodes', 'a bool as maintenance')
class MaintenanceIsTrue(_Fields):
    """True, where the reason is asked for."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'maintenance': False}


@fault('lists-nodes', 'None as soft_off')
class SoftOffIsNone(_Fields):
    """Neither yes nor no."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'soft_off': None}


@fault('lists-nodes', 'a str as target')
class TargetInWords(_Fields):
    """The target as the service has it."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'target': 'off'}


@fault('lists-nodes', 'an OSError as fault')
class FaultIsAnError(_Fields):
    """An exception, where its text is asked for."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'fault': OSError('no route')}


@fault('lists-nodes', 'a str as host_names')
class OneHostName(_Fields):
    """A name is a sequence of names of one letter each."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'host_names': node.name}


@fault('lists-nodes', 'None in host_names')
class NoneInHostNames(_Fields):
    """A machine without an address has no full name."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'host_names': (None, node.name)}


@fault('lists-nodes', "host name ' metal-m1'")
class BlankBeforeTheName(_Fields):
    """A name that was cut out of a line."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'host_names': (f' {node.name}',)}


@fault('lists-nodes', 'a list as labels')
class LabelsInAList(_Fields):
    """Labels as JSON has them."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'labels': ['gpu']}


@fault('lists-nodes', 'a float as powered_on_at')
class SecondsAsTime(_Fields):
    """A time stamp, and no time."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'powered_on_at': 1.7e9}


@fault('lists-nodes', 'powered_on_at of node')
class PoweredOnSometime(_Fields):
    """Local time, which nobody can compare."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'powered_on_at': datetime.datetime(2026, 1, 1)}


@fault('lists-nodes', 'a dict among the nodes')
class DictsAsNodes(SampleDriver):
    """What the service answered, as it is."""

    def read(self, found: Any) -> Any:
        return found


@fault('lists-nodes', 'None, not a list of nodes')
class ReturnsNothing(SampleDriver):
    """A return was forgotten."""

    def list_nodes(self) -> Any:
        super().list_nodes()


@fault('lists-nodes', 'a coroutine, not a list of nodes')
class AsyncList(SampleDriver):
    """It is to be awaited."""

    async def list_nodes(self) -> Any:  # type: ignore[override]
        return super().list_nodes()


@fault('lists-every-node', "['m1', 'm2'], not")
class LosesTheLastPage(SampleDriver):
    """The last page is shorter, and is taken for the end."""

    def read_list(self, found: Any) -> list[Node]:
        nodes = super().read_list(found)
        return nodes[: len(nodes) // 2 * 2]


@fault('lists-nodes', 'unexpected KeyError')
class WantsAllKeys(SampleDriver):
    """What is not there raises what Python raises."""

    def read(self, found: Any) -> Node:
        node = super().read(found)
        return dataclasses.replace(node, fault=found['last_error'])


@fault('shows-each-node-as-it-is-listed', 'a dict, not a Node')
class ShowsADict(SampleDriver):
    """One node, as the service has it."""

    def get_node(self, node_id: str) -> Any:
        return self.call('GET', self.path(node_id))


@fault('shows-each-node-as-it-is-listed', "node 'M1', not the node")
class ShowsAnIdOfItsOwn(SampleDriver):
    """The same node has two ids."""

    def get_node(self, node_id: str) -> Node:
        node = super().get_node(node_id)
        return dataclasses.replace(node, id=node.id.upper())


@fault('shows-each-node-as-it-is-listed', 'host_names is ()')
class ShowsLess(SampleDriver):
    """Fields that are filled in for a list only."""

    def get_node(self, node_id: str) -> Node:
        node = super().get_node(node_id)
        return Node(node.id, node.name, node.power_state)


@fault('shows-each-node-as-it-is-listed', 'details is')
class ClockInDetails(_Fields):
    """Each look at a node seems to show a change."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'details': {'seen': time.monotonic_ns()}}


@fault('details-can-be-shown', 'datetime')
class TimeInDetails(_Fields):
    """A detail that JSON does not know."""

    def fields(self, node: Node) -> dict[str, Any]:
        return {'details': {'seen': datetime.datetime(2026, 1, 1)}}


@fault('observed-at-is-past', "node 'm1'")
class SeenTomorrowInOneNode(SampleDriver):
    """The clock of a BMC that is wrong, taken as it is."""

    def get_node(self, node_id: str) -> Node:
        when = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
        node = super().get_node(node_id)
        return dataclasses.replace(node, observed_at=when)


@fault('lists-with-few-requests', 'made 2 requests')
class AsksForItsVersion(SampleDriver):
    """One request before each request."""

    def list_nodes(self) -> list[Node]:
        self.call('GET', '/machines')
        return super().list_nodes()


@fault('power-states-are-of-those-asked-for', 'a list, not a dict')
class StatesInAList(SampleDriver):
    """States in the order of the ids."""

    def get_power_states(self, node_ids: Any) -> Any:
        return list(super().get_power_states(node_ids).values())


@fault('power-states-are-of-those-asked-for', 'get_power_states([])')
class StatesOfAll(SampleDriver):
    """More than was asked for."""

    def get_power_states(self, node_ids: Any) -> dict[str, PowerState]:
        return {node.id: node.power_state for node in self.list_nodes()}
