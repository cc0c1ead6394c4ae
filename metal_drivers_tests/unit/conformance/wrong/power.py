# SPDX-License-Identifier: Apache-2.0
"""More faults of what is powered off and on, and how."""

from __future__ import annotations

import time
from typing import Any

from metal_drivers import (
    BusyError,
    Capability,
    OffMode,
    PowerState,
    TimedOutError,
    UnavailableError,
    UnsupportedError,
)
from metal_drivers_tests.unit.conformance import sample_service
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault

_SOFT = frozenset({Capability.SOFT_OFF, Capability.SOFT_OFF_TIMEOUT})


def _no_soft_off(service: sample_service.SampleService) -> None:
    for machine in service.machines.values():
        machine.soft = False


class _Sends(SampleDriver):
    """Sends commands of its own."""

    def send(self, node_id: str, *commands: str) -> None:
        for each in commands:
            self.call('PUT', self.path(node_id), {'power': each})


@fault('switches-off-and-on', 'not within')
class OnIsOff(SampleDriver):
    """States are compared with words, and none is equal: on is off."""

    def command(self, state: Any, *args: Any) -> dict[str, Any]:
        return {'power': 'on' if state == 'on' else 'off'}


@fault('switches-off-and-on', 'not within')
class OffIsOn(SampleDriver):
    """The two are mixed up."""

    def command(self, state: PowerState, *args: Any) -> dict[str, Any]:
        other = {PowerState.ON: 'off', PowerState.OFF: 'on'}
        return {'power': other[state]}


@fault('switches-off-and-on', 'a coroutine, which is never awaited')
class AsyncSwitch(SampleDriver):
    """It is to be awaited: nothing happens."""

    async def set_power_state(  # type: ignore[override]
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        super().set_power_state(node_id, state, mode, timeout)


@fault('switches-off-and-on', 'not within')
class SwitchesLater(SampleDriver):
    """What is asked for is put on a list that nobody works off."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        self.get_node(node_id)
        self.todo = [(node_id, args, more)]


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
class CutsThePowerInstead(_Sends):
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
class CutsThePowerAndFails(_Sends):
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


@fault('switches-only-on-and-off', 'raised no ValueError')
class UnknownIsDone(SampleDriver):
    """A state that is none is nothing to do."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name != 'set_power_state':
            return found

        def unless_odd(node_id: str, state: PowerState, *args: Any) -> None:
            if state in (PowerState.ON, PowerState.OFF):
                found(node_id, state, *args)

        return unless_odd


@fault('hard-is-hard', "('m1', 'soft off'), ('m1', 'off')")
class AsksPolitely(_Sends):
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


@fault('hard-is-hard', "('m1', 'restart'), ('m1', 'off')")
class ResetsItFirst(_Sends):
    """A BMC that hangs is reset before each command."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        self.send(node_id, 'restart')
        super().set_power_state(node_id, *args, **more)


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
class LosesItsPatience(_Sends):
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


@fault('on-is-one-command', "('m1', 'off'), ('m1', 'on')")
class PowerCycles(_Sends):
    """On is off, and on again."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        if state is PowerState.ON:
            self.send(node_id, 'off')
        super().set_power_state(node_id, state, *args, **more)


@fault('on-is-one-command', 'told the service to soft off')
class SoftOnIsOff(SampleDriver):
    """The mode is looked at first: on with the mode soft is off."""

    def command(
        self, state: PowerState, mode: OffMode, timeout: float | None
    ) -> dict[str, Any]:
        if mode is OffMode.SOFT:
            return super().command(PowerState.OFF, mode, timeout)
        return super().command(state, mode, timeout)


@fault('on-for-a-node-that-is-on-does-no-harm', 'power state right afterwards')
class TogglesWhatIsOn(_Sends):
    """The button is pressed: what is on goes off."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        on = self.get_node(node_id).power_state is PowerState.ON
        self.send(node_id, 'off' if on else 'on')


@fault('off-for-a-node-that-is-off-does-no-harm', 'not within')
class TogglesWhatIsOff(_Sends):
    """The button is pressed: what is off goes on."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        if state is PowerState.OFF:
            on = self.get_node(node_id).power_state is PowerState.ON
            self.send(node_id, 'off' if on else 'on')
            return
        super().set_power_state(node_id, state, *args, **more)


@fault('off-for-a-node-that-is-off-does-no-harm', 'BusyError')
class OnceOnly(SampleDriver):
    """What was asked for once is busy for ever."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.sent: set[Any] = set()

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        if (node_id, state) in self.sent:
            raise BusyError('It was asked for.')
        super().set_power_state(node_id, state, *args, **more)
        self.sent.add((node_id, state))


@fault('returns-when-it-is-accepted', 'waits until the node is off')
class WaitsForTheState(SampleDriver):
    """It returns when the node is off."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        super().set_power_state(node_id, state, *args, **more)
        end = time.monotonic() + 5
        while self.get_node(node_id).power_state is not state:
            if time.monotonic() > end:
                raise TimedOutError('It is not there yet.')
            time.sleep(0.01)


@fault('sends-once-where-the-reply-is-lost', "('m1', 'off'), ('m1', 'off')")
class TriesAgainInItsLibrary(SampleDriver):
    """The library sends again what was not answered, power changes too."""

    def session(self) -> Any:
        import requests.adapters
        import urllib3

        session = super().session()
        retries = urllib3.Retry(3, allowed_methods=None)
        adapter = requests.adapters.HTTPAdapter(max_retries=retries)
        session.mount('http://', adapter)
        return session


@fault('silence-is-a-timeout-when-switching', 'it was sent 2 times')
class TriesAgainWhenItIsLate(SampleDriver):
    """What was not answered in time is sent again."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except TimedOutError:
            super().set_power_state(*args, **more)


@fault('silence-is-a-timeout-when-switching', 'returned None')
class LateIsDone(SampleDriver):
    """What was not answered in time will be done."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except TimedOutError:
            return


@fault('sends-once-where-the-reply-is-lost', 'returned None')
class LostIsDone(SampleDriver):
    """What was not answered is taken for done."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except UnavailableError:
            return


@fault('sends-once-where-the-reply-is-lost', 'raised BusyError')
class LostIsNotDone(SampleDriver):
    """It says that nothing was changed, and the node goes off."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except UnavailableError as exc:
            raise BusyError(exc.message) from exc


@fault('check-is-all-right-and-changes-nothing', 'what the service was told')
class ChecksByPoweringOn(_Sends):
    """check() powers a node on, which is on, to see whether it may."""

    def check(self) -> list[Any]:
        self.send('m1', 'on')
        return super().check()


@fault('check-is-all-right-and-changes-nothing', "what='off'")
class ChecksByPoweringOff(_Sends):
    """check() powers a node off, to see whether it may."""

    def check(self) -> list[Any]:
        self.send(self.list_nodes()[-1].id, 'off')
        return super().check()
