# SPDX-License-Identifier: Apache-2.0
"""Faults of nodes and their fields."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from metal_drivers import Node
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
