# SPDX-License-Identifier: Apache-2.0
"""Faults of nodes and their fields."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from metal_drivers import Node, PowerState
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


class _Listed(SampleDriver):
    """Changes what is read of each node."""

    def change(self) -> dict[str, Any]:
        raise NotImplementedError

    def read(self, found: Any) -> Node:
        return dataclasses.replace(super().read(found), **self.change())


@fault('lists-nodes', 'without a time zone')
class NaiveTime(_Listed):
    """A time without a time zone."""

    def change(self) -> dict[str, Any]:
        # What a driver does that does not think of it.
        return {'observed_at': datetime.datetime(2026, 1, 1)}


@fault('lists-nodes', 'list as host_names')
class HostNamesInAList(_Listed):
    """A field of another type."""

    def change(self) -> dict[str, Any]:
        return {'host_names': ['a']}


@fault('lists-nodes', 'two nodes with the id')
class SameIdTwice(SampleDriver):
    """A page that is read twice."""

    def list_nodes(self) -> list[Node]:
        return super().list_nodes() * 2


@fault('lists-nodes', 'no node')
class ListsNothing(SampleDriver):
    """An empty list."""

    def list_nodes(self) -> list[Node]:
        return []


@fault('lists-nodes', 'empty name')
class NoName(_Listed):
    """A node without a name."""

    def change(self) -> dict[str, Any]:
        return {'name': ''}


@fault('shows-each-node-as-it-is-listed', 'labels is frozenset()')
class LabelsInTheListOnly(SampleDriver):
    """The two requests have other fields."""

    def list_nodes(self) -> list[Node]:
        labels = frozenset({'gpu'})
        return [
            dataclasses.replace(node, labels=labels)
            for node in super().list_nodes()
        ]


@fault('details-can-be-shown', 'details of node')
class SetInDetails(_Listed):
    """A detail that ``node show -f json`` cannot print."""

    def change(self) -> dict[str, Any]:
        return {'details': {'tags': {'gpu'}}}


@fault('observed-at-is-past', 'observed_at of node')
class SeenTomorrow(_Listed):
    """Local time, taken for UTC."""

    def change(self) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.UTC)
        return {'observed_at': now + datetime.timedelta(hours=9)}


@fault('lists-with-few-requests', 'made 4 requests')
class AsksForEach(SampleDriver):
    """One request for each node of the list."""

    def list_nodes(self) -> list[Node]:
        return [self.get_node(node.id) for node in super().list_nodes()]


@fault('lists-nodes-that-are-off', 'which is off')
class HidesWhatIsOff(SampleDriver):
    """Nodes that are off are left out."""

    def list_nodes(self) -> list[Node]:
        return [
            node
            for node in super().list_nodes()
            if node.power_state is PowerState.ON
        ]


@fault('lists-nodes-that-are-off', 'power_state is <PowerState.ON')
class ListsFromItsMemory(SampleDriver):
    """The list is asked for once."""

    kept: list[Node] | None = None

    def list_nodes(self) -> list[Node]:
        if self.kept is None:
            self.kept = super().list_nodes()
        return self.kept


@fault('lists-every-node', 'nodes that list_nodes() returned')
class FirstPageOnly(SampleDriver):
    """The list ends with the first page."""

    def list_nodes(self) -> list[Node]:
        return super().list_nodes()[:2]


@fault('says-which-host-is-on-each-node', 'that of another host')
class HostsMixedUp(SampleDriver):
    """Each node has the name of its neighbour's host."""

    def read(self, found: Any) -> Node:
        node = super().read(found)
        names = {'metal-m1': 'metal-m2', 'metal-m2': 'metal-m1'}
        host = names.get(node.name, node.name)
        return dataclasses.replace(node, host_names=(host,))


@fault('says-which-host-is-on-each-node', 'lacks metal-m1')
class NameForHost(SampleDriver):
    """The name of the node is taken for that of the host."""

    def read(self, found: Any) -> Node:
        node = super().read(found)
        return dataclasses.replace(node, host_names=(f'bmc-{node.id}',))
