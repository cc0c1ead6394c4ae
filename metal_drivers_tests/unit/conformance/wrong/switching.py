# SPDX-License-Identifier: Apache-2.0
"""Faults of what is powered off and on, and how."""

from __future__ import annotations

from typing import Any

from metal_drivers import Capability, OffMode, PowerState, UnsupportedError
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('switches-off-and-on', 'not within')
class OnDoesNothing(SampleDriver):
    """Once off, always off."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        if state is PowerState.OFF:
            super().set_power_state(node_id, state, *args, **more)


@fault('switches-off-softly', 'UnsupportedError')
class ClaimsSoftOff(SampleDriver):
    """SOFT_OFF is claimed, and there is none."""

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        if mode is OffMode.SOFT:
            raise UnsupportedError('no soft off')
        super().set_power_state(node_id, state, mode)


@fault('refuses-a-soft-off-that-it-cannot-do', 'returned None')
class SoftIsHard(SampleDriver):
    """There is no soft off, so the power is cut."""

    capabilities = SampleDriver.capabilities - {
        Capability.SOFT_OFF,
        Capability.SOFT_OFF_TIMEOUT,
    }

    def command(self, state: PowerState, *args: Any) -> dict[str, Any]:
        return {'power': state.value}


@fault('switches-only-on-and-off', 'raised no ValueError')
class AnyState(SampleDriver):
    """What the base class checks is circumvented."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.set_power_state = self.anything  # type: ignore[method-assign]

    def anything(self, *args: Any, **more: Any) -> None:
        """Asks for nothing."""
