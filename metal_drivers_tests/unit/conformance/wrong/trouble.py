# SPDX-License-Identifier: Apache-2.0
"""Faults of what is made of errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metal_drivers import (
    AuthenticationError,
    BusyError,
    Node,
    PowerState,
    RefusedError,
    TimedOutError,
    UnavailableError,
)
from metal_drivers.model import CheckResult, CheckStatus
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('unreachable-is-unavailable', 'returned []')
class UnreachableIsEmpty(SampleDriver):
    """Nobody answers: no nodes."""

    def list_nodes(self) -> list[Node]:
        try:
            return super().list_nodes()
        except UnavailableError:
            return []


@fault('unreachable-is-unavailable', 'does not say what to do')
class NoCure(SampleDriver):
    """An error that says nothing."""

    def call(self, *args: Any) -> Any:
        try:
            return super().call(*args)
        except UnavailableError as exc:
            raise UnavailableError(exc.message) from exc


@fault('unreachable-is-unavailable-when-switching', 'BusyError')
class UnreachableIsBusy(SampleDriver):
    """Nobody answers: it says that nothing was changed."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except UnavailableError as exc:
            raise BusyError(exc.message) from exc


@fault('errors-keep-their-cause', 'no __cause__')
class NoCause(SampleDriver):
    """Where it came from is lost."""

    def call(self, *args: Any) -> Any:
        try:
            return super().call(*args)
        except UnavailableError as exc:
            raise UnavailableError(exc.message, cure=exc.cure) from None


@fault('unreachable-power-states-are-unknown', 'UnavailableError')
class UnreachableStatesRaise(SampleDriver):
    """No states at all."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        known = {node.id: node.power_state for node in self.list_nodes()}
        return {each: known[each] for each in node_ids}


@fault('unreachable-is-a-failed-check', 'no failure')
class CheckIsAlwaysRight(SampleDriver):
    """check() asks nobody."""

    def check(self) -> list[CheckResult]:
        return [CheckResult('all', CheckStatus.OK)]


@fault('wrong-credentials-are-an-authentication-error', 'returned []')
class UnauthorisedIsEmpty(SampleDriver):
    """Nothing may be seen: no nodes."""

    def list_nodes(self) -> list[Node]:
        try:
            return super().list_nodes()
        except AuthenticationError:
            return []


@fault('wrong-credentials-when-switching', 'RefusedError')
class UnauthorisedIsRefused(SampleDriver):
    """It looks as if the node were locked."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except AuthenticationError as exc:
            raise RefusedError(exc.message) from exc


@fault('wrong-credentials-are-a-failed-check', 'no failure')
class CheckOnlyConnects(SampleDriver):
    """check() sees that somebody answers."""

    def check(self) -> list[CheckResult]:
        results = super().check()
        if 'answered' not in results[0].detail:
            return results
        return [CheckResult('service', CheckStatus.OK, 'It answers.')]


@fault('silence-is-a-timeout', 'did not end', deadline=0.05)
class WaitsForEver(SampleDriver):
    """A request without a time-out."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__({**config, 'timeout': 3600}, osc)


@fault('unknown-is-never-off', 'list_nodes() shows off')
class UnknownIsOff(SampleDriver):
    """What is not on is off."""

    def state(self, power: str | None) -> PowerState:
        return PowerState.ON if power == 'on' else PowerState.OFF


@fault('trouble-of-one-node-is-its-own', 'UnavailableError')
class OneBmcForAll(SampleDriver):
    """A BMC that does not answer ends the whole list."""

    def read(self, found: Any) -> Node:
        node = super().read(found)
        if node.fault:
            raise UnavailableError(f'{node.name}: {node.fault}')
        return node


@fault('silence-is-a-timeout-when-switching', 'BusyError')
class SilenceIsBusy(SampleDriver):
    """Nothing was answered: it says that nothing was changed."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except TimedOutError as exc:
            raise BusyError(exc.message) from exc
