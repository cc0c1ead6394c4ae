# SPDX-License-Identifier: Apache-2.0
"""Faults of power states."""

from __future__ import annotations

from collections.abc import Iterable

from metal_drivers import PowerState
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


@fault('power-state-of-an-unknown-node-is-unknown', 'zzzz')
class MissingIsOff(SampleDriver):
    """What is not in the list is off."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        known = {node.id: node.power_state for node in self.list_nodes()}
        return {each: known.get(each, PowerState.OFF) for each in node_ids}
