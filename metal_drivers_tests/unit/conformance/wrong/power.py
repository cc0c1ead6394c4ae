# SPDX-License-Identifier: Apache-2.0
"""More faults of what is powered off and on, and how."""

from __future__ import annotations

import time
from typing import Any

from metal_drivers import (
    BusyError,
    OffMode,
    PowerState,
    TimedOutError,
    UnavailableError,
)
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault
from metal_drivers_tests.unit.conformance.wrong.modes import Sends


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


@fault('hard-is-hard', "('m1', 'restart'), ('m1', 'off')")
class ResetsItFirst(Sends):
    """A BMC that hangs is reset before each command."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        self.send(node_id, 'restart')
        super().set_power_state(node_id, *args, **more)


@fault('on-is-one-command', "('m1', 'off'), ('m1', 'on')")
class PowerCycles(Sends):
    """On is off, and on again."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        if state is PowerState.ON:
            self.send(node_id, 'off')
        super().set_power_state(node_id, state, *args, **more)


@fault('on-for-a-node-that-is-on-does-no-harm', 'power state right afterwards')
class TogglesWhatIsOn(Sends):
    """The button is pressed: what is on goes off."""

    def set_power_state(
        self, node_id: str, state: PowerState, *args: Any, **more: Any
    ) -> None:
        on = self.get_node(node_id).power_state is PowerState.ON
        self.send(node_id, 'off' if on else 'on')


@fault('off-for-a-node-that-is-off-does-no-harm', 'not within')
class TogglesWhatIsOff(Sends):
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
class ChecksByPoweringOn(Sends):
    """check() powers a node on, which is on, to see whether it may."""

    def check(self) -> list[Any]:
        self.send('m1', 'on')
        return super().check()


@fault('check-is-all-right-and-changes-nothing', "what='off'")
class ChecksByPoweringOff(Sends):
    """check() powers a node off, to see whether it may."""

    def check(self) -> list[Any]:
        self.send(self.list_nodes()[-1].id, 'off')
        return super().check()
