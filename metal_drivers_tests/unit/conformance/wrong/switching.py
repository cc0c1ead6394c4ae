# SPDX-License-Identifier: Apache-2.0
"""Faults of what is powered off and on, and how."""

from __future__ import annotations

import time
from typing import Any

from metal_drivers import (
    Capability,
    OffMode,
    PowerState,
    RefusedError,
    UnavailableError,
    UnsupportedError,
)
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


@fault('switches-no-other-node', 'node m2 was told')
class TakesANeighbour(SampleDriver):
    """Two nodes of one chassis go off together."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        for each in (node_id, 'm2'):
            super().set_power_state(each, state, *args, **more)


@fault('hard-is-hard', "'soft off'")
class HardIsSoft(SampleDriver):
    """The power is never cut."""

    def command(
        self, state: PowerState, mode: OffMode, timeout: float | None
    ) -> dict[str, Any]:
        return super().command(state, OffMode.SOFT, timeout)


@fault('hard-is-hard', "('m1', 'off'), ('m1', 'off')")
class AsksTwice(SampleDriver):
    """To be on the safe side, everything is sent twice."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        super().set_power_state(*args, **more)
        super().set_power_state(*args, **more)


@fault('default-mode-is-hard', "'soft off'")
class DefaultIsSoft(SampleDriver):
    """Without a mode, the node is asked to shut down."""

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.SOFT,
        timeout: float | None = None,
    ) -> None:
        super().set_power_state(node_id, state, mode, timeout)


@fault('soft-is-soft', "('m1', 'off')")
class SoftCutsThePower(SampleDriver):
    """A host with work on it loses its power."""

    def command(
        self, state: PowerState, mode: OffMode, timeout: float | None
    ) -> dict[str, Any]:
        return super().command(state, OffMode.HARD, timeout)


@fault('soft-off-has-its-timeout', '[None]')
class KeepsTheTimeout(SampleDriver):
    """SOFT_OFF_TIMEOUT is claimed, and the service is not told."""

    def command(
        self, state: PowerState, mode: OffMode, timeout: float | None
    ) -> dict[str, Any]:
        return super().command(state, mode, None)


@fault('on-is-one-command', "'restart'")
class OnIsARestart(SampleDriver):
    """Powering on is a restart, which also powers on."""

    def command(self, state: PowerState, *args: Any) -> dict[str, Any]:
        if state is PowerState.ON:
            return {'power': 'restart'}
        return super().command(state, *args)


@fault('on-for-a-node-that-is-on-does-no-harm', 'restart')
class OnRestartsWhatIsOn(SampleDriver):
    """A node that is on is restarted."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        if state is self.get_node(node_id).power_state is PowerState.ON:
            path = self.path(node_id)
            self.call('PUT', path, {'power': 'restart'})
            return
        super().set_power_state(node_id, state, *args, **more)


@fault('on-for-a-node-that-is-on-does-no-harm', 'RefusedError')
class OnFailsForWhatIsOn(SampleDriver):
    """A node that is on cannot be powered on."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        if state is self.get_node(node_id).power_state is PowerState.ON:
            raise RefusedError('It is on.')
        super().set_power_state(node_id, state, *args, **more)


@fault('off-for-a-node-that-is-off-does-no-harm', 'RefusedError')
class OffFailsForWhatIsOff(SampleDriver):
    """A node that is off cannot be powered off."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        if state is self.get_node(node_id).power_state is PowerState.OFF:
            raise RefusedError('It is off.')
        super().set_power_state(node_id, state, *args, **more)


@fault('returns-when-it-is-accepted', 'waits until the node is off')
class WaitsForTheNode(SampleDriver):
    """It returns when the node is there."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        super().set_power_state(node_id, *args, **more)
        while not self.get_node(node_id).settled:
            time.sleep(0.01)


@fault('sends-once-where-the-reply-is-lost', "('m1', 'off'), ('m1', 'off')")
class TriesAgain(SampleDriver):
    """What was not answered is sent again."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except UnavailableError:
            super().set_power_state(*args, **more)
            raise


@fault('sends-once-where-a-proxy-fails', "('m1', 'off'), ('m1', 'off')")
class TriesAgainAfterAnError(SampleDriver):
    """5xx is taken for something that passes."""

    def call(self, method: str, *args: Any) -> Any:
        try:
            return super().call(method, *args)
        except UnavailableError as exc:
            if exc.status:
                super().call(method, *args)
            raise


@fault('follows-no-redirection', 'the redirection was followed')
class FollowsRedirections(SampleDriver):
    """The token goes to whoever a reply names."""

    def session(self) -> Any:
        session = super().session()
        request = type(session).request

        def follow(*args: Any, **more: Any) -> Any:
            return request(session, *args, **more | {'allow_redirects': True})

        session.request = follow
        return session
