# SPDX-License-Identifier: Apache-2.0
"""What Watcher's own strategy and action need to work on our drivers.

:func:`get_helper` answers to ``watcher.common.metal_helper.factory``.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from watcher.common.metal_helper import base, constants

from metal_drivers.fleet import Member
from metal_drivers.model import ComputeHost, PowerState
from metal_drivers.watcher import errors, process


@dataclasses.dataclass(frozen=True, slots=True)
class Hypervisor:
    """A compute host as Watcher's own plugins read it."""

    id: str
    hypervisor_hostname: str
    running_vms: int | None
    state: str
    status: str
    service: dict[str, str | None]

    @classmethod
    def of(cls, host: ComputeHost) -> Hypervisor:
        return cls(
            host.id,
            host.hypervisor_hostname,
            host.servers,
            host.state,
            host.status,
            {
                'host': host.name,
                'id': host.service_id,
                'disabled_reason': host.disabled_reason,
            },
        )

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


class MetalNode(base.BaseMetalNode):
    """A node; its power is switched by the engine, with all its guards.

    So :meth:`power_on` and :meth:`power_off` return at the end of it.
    """

    #: A host that is off has a hypervisor that is down.
    hv_up_when_powered_off = False

    def __init__(self, member: Member) -> None:
        super().__init__(member.host and Hypervisor.of(member.host))
        self._member = member

    def get_id(self) -> str:
        return self._member.node.id

    def get_power_state(self) -> constants.PowerState:
        return constants.PowerState(self._member.node.power_state.value)

    def power_on(self) -> None:
        self._switch(PowerState.ON)

    def power_off(self) -> None:
        self._switch(PowerState.OFF)

    def _switch(self, state: PowerState) -> None:
        with errors.told():
            engine = process.services().engine()
        errors.good(engine.switch_one(self._member, state), state)


class MetalHelper(base.BaseMetalHelper):
    """Nodes and the hosts on them."""

    def list_compute_nodes(self) -> list[MetalNode]:
        """The matched hosts, those that are off among them."""
        with errors.told():
            members = process.services().load().members
        return [MetalNode(member) for member in members if member.host]

    def get_node(self, node_id: str) -> MetalNode:
        """One node, its power asked now."""
        with errors.told():
            return MetalNode(process.services().member(node_id))


def get_helper(osc: Any = None) -> MetalHelper:
    """The helper over the driver that Watcher's configuration names.

    :param osc: Watcher's clients; credentials are taken from the same
        configuration as theirs.
    """
    return MetalHelper(osc)
