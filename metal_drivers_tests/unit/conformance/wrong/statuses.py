# SPDX-License-Identifier: Apache-2.0
"""Faults of what the status of a reply is taken for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metal_drivers import (
    AuthenticationError,
    BusyError,
    MetalError,
    Node,
    NotFoundError,
    PowerState,
    ProtocolError,
    UnavailableError,
)
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('status-when-listing', 'answered with 302, returned []')
class AnyReplyIsAList(SampleDriver):
    """What is no list is an empty one."""

    def list_nodes(self) -> list[Node]:
        try:
            return super().list_nodes()
        except ProtocolError:
            return []


@fault('status-when-listing', 'answered with 403, raised NotFoundError')
class ForbiddenIsNotFound(SampleDriver):
    """403 hides that the credentials are wrong."""

    def error(self, tried: str, status: int) -> MetalError:
        return super().error(tried, 404 if status == 403 else status)


@fault('status-when-showing', 'answered with 500, raised NotFoundError')
class AnyErrorIsNotFound(SampleDriver):
    """Whatever is wrong, there is no such node."""

    def get_node(self, node_id: str) -> Node:
        try:
            return super().get_node(node_id)
        except UnavailableError as exc:
            raise NotFoundError(exc.message) from exc


@fault('status-when-switching', 'answered with 500, raised BusyError')
class ErrorIsBusy(SampleDriver):
    """5xx is said to have changed nothing."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except UnavailableError as exc:
            raise BusyError(exc.message) from exc


@fault('status-when-switching', 'answered with 302, returned None')
class AnyReplyIsAccepted(SampleDriver):
    """A redirection is taken for success."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except ProtocolError:
            return


@fault('status-of-power-states', 'answered with 401')
class UnauthorisedIsUnknown(SampleDriver):
    """Wrong credentials look like trouble of each node."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = list(node_ids)
        try:
            return super().get_power_states(ids)
        except AuthenticationError:
            return dict.fromkeys(ids, PowerState.UNKNOWN)


@fault('odd-reply-is-a-protocol-error', 'JSONDecodeError')
class JsonAtAnyRate(SampleDriver):
    """What is no JSON raises what the library raises."""

    def call(self, *args: Any) -> Any:
        try:
            return super().call(*args)
        except ProtocolError as exc:
            raise exc.__cause__ or exc from None
