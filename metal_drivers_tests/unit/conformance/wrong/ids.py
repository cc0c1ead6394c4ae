# SPDX-License-Identifier: Apache-2.0
"""Faults of ids, and of finding a node by a name."""

from __future__ import annotations

import dataclasses
from typing import Any

from metal_drivers import (
    MetalError,
    Node,
    PowerState,
    UnavailableError,
    base,
)
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('unknown-node-is-not-found', 'UnavailableError')
class UnknownIsUnavailable(SampleDriver):
    """404 is taken for an outage."""

    def error(self, tried: str, status: int) -> MetalError:
        if status == 404:
            return UnavailableError(tried)
        return super().error(tried, status)


@fault('odd-id-is-not-found', 'NotFoundError')
class IdAsPath(SampleDriver):
    """The id becomes a part of the URL as it is: ``../x`` is a path."""

    def path(self, node_id: str) -> str:
        if '..' in node_id:
            return '/machines'
        return super().path(node_id)


@fault('finds-nodes-as-they-are-listed', 'find_nodes(')
class FindsByIdOnly(SampleDriver):
    """Names are not looked for."""

    def find_nodes(self, ref: str) -> list[Node]:
        return [node for node in super().find_nodes(ref) if node.id == ref]


@fault('finds-nothing-that-is-not-there', "find_nodes('')")
class FindsAllForNothing(SampleDriver):
    """An empty name means all nodes."""

    def find_nodes(self, ref: str) -> list[Node]:
        return super().find_nodes(ref) if ref else self.list_nodes()


@fault('leaves-hypervisors-to-the-list', 'hypervisor_id')
class FindAndHypervisors(SampleDriver):
    """FIND is claimed, and nodes carry a hypervisor_id."""

    def read(self, found: Any) -> Node:
        return dataclasses.replace(super().read(found), hypervisor_id='h1')


@fault('cannot-switch-an-unknown-node', 'returned None')
class UnknownIsSwitched(SampleDriver):
    """404 is of no concern where nothing is to be read."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        if node_id != 'zzzz':
            super().set_power_state(node_id, *args, **more)


@fault('odd-form-of-a-known-id-is-not-found', 'm1?x')
class IdWithAQuery(SampleDriver):
    """What follows a question mark is a query of the URL."""

    def path(self, node_id: str) -> str:
        return super().path(node_id.partition('?')[0])


@fault('odd-id-has-no-power-state', 'get_power_states()')
class StripsIds(SampleDriver):
    """Blanks around an id do not matter."""

    def get_power_states(self, node_ids: Any) -> Any:
        known = {node.id: node.power_state for node in self.list_nodes()}
        return {
            each: known.get(each.strip(), PowerState.UNKNOWN)
            for each in node_ids
        }


@fault('finds-without-the-list', 'called list_nodes()')
class FindsInTheList(SampleDriver):
    """FIND is claimed, and the list is asked for."""

    def find_nodes(self, ref: str) -> list[Node]:
        return base.named(self.list_nodes(), ref)


@fault('cannot-switch-by-an-odd-id', "set_power_state('m1#x', off)")
class IdWithAFragment(SampleDriver):
    """What follows a hash is no part of the request."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        super().set_power_state(node_id.partition('#')[0], *args, **more)


@fault('finds-nodes-as-they-are-listed', "['m2'], not ['m2', 'm3']")
class FindsNoneThatShare(SampleDriver):
    """A node that shares a host name is left out."""

    def find_nodes(self, ref: str) -> list[Node]:
        name = ref.casefold()
        return [
            node
            for node in super().find_nodes(ref)
            if name in (node.id, node.name, *node.host_names)
        ]
