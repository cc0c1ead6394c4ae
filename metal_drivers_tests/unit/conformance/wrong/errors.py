# SPDX-License-Identifier: Apache-2.0
"""Faults of what is raised, and of errors that are taken for answers."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, ClassVar

from metal_drivers import (
    AuthenticationError,
    BusyError,
    MetalError,
    Node,
    NotFoundError,
    PowerState,
    RefusedError,
    UnavailableError,
)
from metal_drivers.model import CheckResult, CheckStatus
from metal_drivers_tests.unit.conformance.sample import CHECK, SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('unreachable-is-unavailable', 'raised ConnectionError')
class RaisesWhatRequestsRaises(SampleDriver):
    """The errors of its library get through."""

    def call(self, *args: Any) -> Any:
        try:
            return super().call(*args)
        except UnavailableError as exc:
            raise exc.__cause__ or exc from None


@fault('unreachable-is-unavailable', 'raised RuntimeError')
class RaisesARuntimeError(SampleDriver):
    """Any error will do."""

    def list_nodes(self) -> list[Node]:
        try:
            return super().list_nodes()
        except MetalError as exc:
            raise RuntimeError(exc.message) from exc


@fault('unreachable-is-unavailable', 'raised MetalError')
class RaisesTheRoot(SampleDriver):
    """An error that says nothing of what can be done."""

    def call(self, *args: Any) -> Any:
        try:
            return super().call(*args)
        except UnavailableError as exc:
            raise MetalError(exc.message, cure=exc.cure) from exc


@fault('unreachable-is-unavailable', 'unexpected SystemExit')
class Exits(SampleDriver):
    """It was a program once."""

    def list_nodes(self) -> list[Node]:
        try:
            return super().list_nodes()
        except UnavailableError:
            sys.exit(1)


@fault('unreachable-is-unavailable', 'returned [Node(')
class OneConfigurationForAll(SampleDriver):
    """The class keeps the configuration of its first instance."""

    kept: ClassVar[dict[str, Any]] = {}

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(self.kept.setdefault('config', config), osc)


@fault('unreachable-is-unavailable', 'AuthenticationError')
class UnreachableIsUnauthorised(SampleDriver):
    """Whatever is wrong, it must be the password."""

    def call(self, *args: Any) -> Any:
        try:
            return super().call(*args)
        except UnavailableError as exc:
            raise AuthenticationError(exc.message) from exc


@fault('unreachable-is-unavailable-when-switching', 'returned None')
class SwitchesInVain(SampleDriver):
    """Nobody answers, and it looks as if the node went off."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except UnavailableError:
            return


@fault('unreachable-is-unavailable-when-switching', 'RefusedError')
class UnreachableIsRefused(SampleDriver):
    """It looks as if it will never work."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except UnavailableError as exc:
            raise RefusedError(exc.message, cure=CHECK) from exc


@fault('errors-keep-their-cause', 'no __cause__')
class RaisesAfterwards(SampleDriver):
    """The error is kept, and raised where it has no cause any longer."""

    def call(self, *args: Any) -> Any:
        failed = ''
        try:
            return super().call(*args)
        except UnavailableError as exc:
            failed = exc.message
        raise UnavailableError(failed, cure=CHECK)


class _States(SampleDriver):
    """Says what a state is that is not known."""

    def instead(self, node_id: str) -> PowerState:
        raise NotImplementedError

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        found = super().get_power_states(node_ids)
        return {
            each: self.instead(each) if state is PowerState.UNKNOWN else state
            for each, state in found.items()
        }


@fault('unreachable-power-states-are-unknown', 'PowerState.OFF')
class UnreachableIsOff(_States):
    """Who does not answer must be off: hosts with servers count as off."""

    def instead(self, node_id: str) -> PowerState:
        return PowerState.OFF


@fault('unreachable-power-states-are-unknown', '{}, not')
class UnreachableHasNoStates(SampleDriver):
    """An empty answer."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        try:
            known = {node.id: node.power_state for node in self.list_nodes()}
        except UnavailableError:
            return {}
        return {each: known[each] for each in node_ids}


@fault('status-of-power-states', 'PowerState.ON')
class UnreachableIsAsBefore(_States):
    """While nobody answers, all is as it was."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.last: dict[str, PowerState] = {}

    def read(self, found: Any) -> Node:
        node = super().read(found)
        self.last[node.id] = node.power_state
        return node

    def instead(self, node_id: str) -> PowerState:
        return self.last.get(node_id, PowerState.UNKNOWN)


@fault('status-of-power-states', 'PowerState.OFF')
class NotFoundIsOff(SampleDriver):
    """What the service lost has no power."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = list(node_ids)
        try:
            self.list_nodes()
        except NotFoundError:
            return dict.fromkeys(ids, PowerState.OFF)
        except AuthenticationError:
            raise
        except MetalError:
            pass
        return super().get_power_states(ids)


@fault('status-of-power-states', 'unexpected BusyError')
class BusyStates(SampleDriver):
    """409 is an error of all nodes."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = list(node_ids)
        try:
            self.list_nodes()
        except BusyError:
            raise
        except MetalError:
            pass
        return super().get_power_states(ids)


@fault('wrong-credentials-are-an-authentication-error', 'PowerState.UNKNOWN')
class UnauthorisedStates(SampleDriver):
    """Wrong credentials look like trouble of each node."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = list(node_ids)
        try:
            return super().get_power_states(ids)
        except AuthenticationError:
            return dict.fromkeys(ids, PowerState.UNKNOWN)


@fault('wrong-credentials-are-an-authentication-error', 'returned [Node(')
class OneTokenForAll(SampleDriver):
    """The class keeps the token of whoever came first."""

    token: ClassVar[str] = ''

    def session(self) -> Any:
        session = super().session()
        if not OneTokenForAll.token:
            OneTokenForAll.token = session.headers['X-Token']
        session.headers['X-Token'] = OneTokenForAll.token
        return session


@fault('wrong-credentials-when-switching', 'returned None')
class SwitchesUnauthorised(SampleDriver):
    """It may not, and says that it did."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except AuthenticationError:
            return


@fault('unreachable-is-a-failed-check', 'unexpected UnavailableError')
class CheckRaises(SampleDriver):
    """An error, where a result is asked for."""

    def check(self) -> list[CheckResult]:
        return [CheckResult('n', CheckStatus.OK, str(len(self.list_nodes())))]


@fault('unreachable-is-a-failed-check', 'no failure')
class CheckWarns(SampleDriver):
    """Nothing works, and it is a warning."""

    def check(self) -> list[CheckResult]:
        return [
            CheckResult(each.name, CheckStatus.WARNING, each.detail)
            if each.status is CheckStatus.FAILED
            else each
            for each in super().check()
        ]


@fault('wrong-credentials-are-a-failed-check', 'no failure')
class CheckFindsNothing(SampleDriver):
    """No nodes are found, and that is all right."""

    def check(self) -> list[CheckResult]:
        try:
            found = len(self.list_nodes())
        except AuthenticationError:
            found = 0
        return [CheckResult('nodes', CheckStatus.OK, f'{found} nodes')]
