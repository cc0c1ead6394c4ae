# SPDX-License-Identifier: Apache-2.0
"""Faults of what a reply is taken for, or none that comes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from metal_drivers import (
    AuthenticationError,
    BusyError,
    MetalError,
    Node,
    NotFoundError,
    PowerState,
    ProtocolError,
    RefusedError,
    TimedOutError,
    UnavailableError,
)
from metal_drivers_tests.unit.conformance.sample import CHECK, SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('status-when-listing', 'returned [Node(')
class ListsAsBefore(SampleDriver):
    """An error is answered from what was listed last."""

    last: list[Node] | None = None

    def list_nodes(self) -> list[Node]:
        try:
            self.last = super().list_nodes()
        except UnavailableError:
            if self.last is None:
                raise
        return self.last or []


@fault('status-when-listing', 'answered with 404, returned []')
class NoListIsEmpty(SampleDriver):
    """A wrong URL looks like a cloud without machines."""

    def list_nodes(self) -> list[Node]:
        try:
            return super().list_nodes()
        except NotFoundError:
            return []


class _Status(SampleDriver):
    """Takes one status for another."""

    taken: ClassVar[dict[int, int]] = {}

    def error(self, tried: str, status: int) -> MetalError:
        return super().error(tried, self.taken.get(status, status))


@fault('status-when-listing', 'answered with 429, raised RefusedError')
class TooManyIsRefused(_Status):
    """What works a second later is given up."""

    taken: ClassVar[dict[int, int]] = {429: 400}


@fault('status-when-listing', 'answered with 401, raised RefusedError')
class UnauthorisedIsAny4xx(_Status):
    """401 is one of many."""

    taken: ClassVar[dict[int, int]] = {401: 400}


@fault('status-when-showing', 'answered with 401, raised UnavailableError')
class EveryErrorIsAnOutage(_Status):
    """Whatever is wrong, it may end by itself."""

    taken: ClassVar[dict[int, int]] = dict.fromkeys((401, 403, 404), 500)


@fault('status-when-showing', 'answered with 503, raised RefusedError')
class OutageIsRefused(_Status):
    """What ends by itself is given up."""

    taken: ClassVar[dict[int, int]] = {503: 400}


@fault('status-when-showing', 'answered with 502, raised ProtocolError')
class BadGatewayIsAPage(SampleDriver):
    """The page of a proxy is read before its status is looked at."""

    def error(self, tried: str, status: int) -> MetalError:
        if status == 502:
            return ProtocolError(f'{tried}: no JSON', cure=CHECK)
        return super().error(tried, status)


@fault('status-when-showing', 'KeyError')
class AsksForAStatusByName(SampleDriver):
    """A status that is not in its table."""

    def error(self, tried: str, status: int) -> MetalError:
        kinds = {401: AuthenticationError, 404: NotFoundError}
        return kinds[status](tried)


@fault('status-when-switching', 'answered with 409, returned None')
class ConflictIsDone(SampleDriver):
    """Somebody else is at it, so it will be done."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except BusyError:
            return


@fault('status-when-switching', 'answered with 504, raised RefusedError')
class GatewayTimeoutIsRefused(_Status):
    """It says that nothing was changed, and the node goes off."""

    taken: ClassVar[dict[int, int]] = {504: 400}


@fault('status-when-switching', 'answered with 404, raised RefusedError')
class GoneIsRefused(SampleDriver):
    """A node that is no longer there looks as if it were locked."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except NotFoundError as exc:
            raise RefusedError(exc.message) from exc


@fault('status-when-switching', 'answered with 423, raised UnavailableError')
class LockedMayBeDone(_Status):
    """What was not done looks as if it might have been."""

    taken: ClassVar[dict[int, int]] = {423: 500}


@fault('odd-reply-is-a-protocol-error', "list_nodes(), answered with 'null'")
class NullIsEmpty(SampleDriver):
    """What is not there is an empty list."""

    def read_list(self, found: Any) -> list[Node]:
        return super().read_list(found or [])


@fault('odd-reply-is-a-protocol-error', "list_nodes(), answered with ''")
class NoBodyIsEmpty(SampleDriver):
    """A reply without a body is an empty list."""

    def list_nodes(self) -> list[Node]:
        try:
            return super().list_nodes()
        except ProtocolError as exc:
            if not getattr(exc.__cause__, 'doc', 'a body'):
                return []
            raise


@fault('odd-reply-is-a-protocol-error', 'TypeError')
class TakesAnyReply(SampleDriver):
    """A number raises what Python raises."""

    def read_list(self, found: Any) -> list[Node]:
        return [self.read(each) for each in found]


@fault('odd-reply-is-a-protocol-error', 'get_node()')
class HtmlIsUnknown(SampleDriver):
    """A login page is a node in an unknown state."""

    def get_node(self, node_id: str) -> Node:
        try:
            return super().get_node(node_id)
        except ProtocolError:
            return Node(node_id, node_id, PowerState.UNKNOWN)


@fault('silence-is-a-timeout', 'raised TimeoutError')
class RaisesATimeoutError(SampleDriver):
    """The error of Python, and not ours."""

    def call(self, *args: Any) -> Any:
        try:
            return super().call(*args)
        except TimedOutError as exc:
            raise TimeoutError(exc.message) from exc


@fault('silence-is-a-timeout', 'returned []')
class SilenceIsEmpty(SampleDriver):
    """What takes too long is not there."""

    def list_nodes(self) -> list[Node]:
        try:
            return super().list_nodes()
        except TimedOutError:
            return []


@fault('silence-is-a-timeout', 'PowerState.OFF')
class SilenceIsOff(SampleDriver):
    """Who does not answer in time must be off."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = list(node_ids)
        try:
            known = {node.id: node.power_state for node in self.list_nodes()}
        except TimedOutError:
            known = {}
        return {each: known.get(each, PowerState.OFF) for each in ids}


@fault('wrong-credentials-are-an-authentication-error', 'raised RefusedError')
class UnauthorisedIsForbidden(_Status):
    """Wrong credentials look like a decision of the service."""

    taken: ClassVar[dict[int, int]] = {401: 400}
