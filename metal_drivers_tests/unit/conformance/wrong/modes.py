# SPDX-License-Identifier: Apache-2.0
"""Faults of the modes of a power off, and of its time-out."""

from __future__ import annotations

from typing import Any

from metal_drivers import (
    Capability,
    OffMode,
    PowerState,
    UnsupportedError,
)
from metal_drivers_tests.unit.conformance import sample_service
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault

_SOFT = frozenset({Capability.SOFT_OFF, Capability.SOFT_OFF_TIMEOUT})


def _no_soft_off(service: sample_service.SampleService) -> None:
    for machine in service.machines.values():
        machine.soft = False


class Sends(SampleDriver):
    """Sends commands of its own."""

    def send(self, node_id: str, *commands: str) -> None:
        for each in commands:
            self.call('PUT', self.path(node_id), {'power': each})


@fault('switches-off-softly', 'not within')
class ShutsDownLater(SampleDriver):
    """It shuts nothing down."""

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        if mode is not OffMode.SOFT:
            super().set_power_state(node_id, state, mode, timeout)


@fault(
    'refuses-a-soft-off-that-it-cannot-do',
    'returned None',
    prepare=_no_soft_off,
)
class CutsThePowerInstead(Sends):
    """Where there is no soft power off, the power is cut."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(node_id, *args, **more)
        except UnsupportedError:
            self.send(node_id, 'off')


@fault(
    'refuses-a-soft-off-that-it-cannot-do',
    'raised RefusedError',
    prepare=_no_soft_off,
)
class NoSoftOffIsRefused(SampleDriver):
    """Cutting the power is not tried, as it looks forbidden."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except UnsupportedError as exc:
            raise exc.__cause__ or exc from None


@fault(
    'refuses-a-soft-off-that-it-cannot-do',
    "'off'",
    prepare=_no_soft_off,
)
class CutsThePowerAndFails(Sends):
    """The power is cut, and the error says that it was not."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(node_id, *args, **more)
        except UnsupportedError:
            self.send(node_id, 'off')
            raise


@fault('refuses-a-soft-off-that-it-cannot-do', 'returned None')
class DoesNotClaimSoftOff(SampleDriver):
    """It can, and does not say so."""

    capabilities = SampleDriver.capabilities - _SOFT


@fault('hard-is-hard', "('m1', 'soft off'), ('m1', 'off')")
class AsksPolitely(Sends):
    """Hard is soft first."""

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        if state is PowerState.OFF and mode is OffMode.HARD:
            self.send(node_id, 'soft off')
        super().set_power_state(node_id, state, mode, timeout)


@fault('default-mode-is-hard', "'soft off'")
class NoModeIsSoft(SampleDriver):
    """None stands for the mode, and is not a hard one."""

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: Any = None,
        timeout: float | None = None,
    ) -> None:
        if mode is not OffMode.HARD:
            mode = OffMode.SOFT
        super().set_power_state(node_id, state, mode, timeout)


@fault('soft-is-soft', "('m1', 'off')")
class ModesInWords(SampleDriver):
    """Modes are compared with words, and none is equal: soft is hard."""

    def command(self, state: Any, mode: Any, timeout: Any) -> dict[str, Any]:
        hard = OffMode.SOFT if mode == 'soft' else OffMode.HARD
        return super().command(state, hard, timeout)


@fault('soft-is-soft', "('m1', 'soft off'), ('m1', 'off')")
class LosesItsPatience(Sends):
    """A soft power off is followed by a hard one at once."""

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        super().set_power_state(node_id, state, mode, timeout)
        if mode is OffMode.SOFT:
            self.send(node_id, 'off')


class _Timeout(SampleDriver):
    """Makes another time-out of a time-out."""

    def other(self, timeout: float) -> float:
        raise NotImplementedError

    def command(
        self, state: PowerState, mode: OffMode, timeout: float | None
    ) -> dict[str, Any]:
        body = super().command(state, mode, timeout)
        if 'timeout' in body and timeout is not None:
            body['timeout'] = self.other(timeout)
        return body


@fault('soft-off-has-its-timeout', '[41]')
class CutsTheTimeout(_Timeout):
    """The service gives up before we do."""

    def other(self, timeout: float) -> float:
        return int(timeout)


@fault('soft-off-has-its-timeout', '[41500]')
class TimeoutInMilliseconds(_Timeout):
    """The service waits for half a day."""

    def other(self, timeout: float) -> float:
        return timeout * 1000


@fault('soft-off-has-its-timeout', '[60]')
class TimeoutOfItsOwn(_Timeout):
    """The time-out is that of a constant."""

    def other(self, timeout: float) -> float:
        return 60


@fault('on-is-one-command', 'told the service to soft off')
class SoftOnIsOff(SampleDriver):
    """The mode is looked at first: on with the mode soft is off."""

    def command(
        self, state: PowerState, mode: OffMode, timeout: float | None
    ) -> dict[str, Any]:
        if mode is OffMode.SOFT:
            return super().command(PowerState.OFF, mode, timeout)
        return super().command(state, mode, timeout)
