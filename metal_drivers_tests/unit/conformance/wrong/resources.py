# SPDX-License-Identifier: Apache-2.0
"""Faults of threads, sockets, event loops."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, ClassVar

from metal_drivers import Node, UnavailableError
from metal_drivers.model import CheckResult, CheckStatus
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault, meet


@fault('check-is-all-right-and-changes-nothing', 'no license')
class CheckFails(SampleDriver):
    """check() reports a failure where all is well."""

    def check(self) -> list[CheckResult]:
        return [CheckResult('license', CheckStatus.FAILED, 'no license')]


@fault('serves-several-threads', 'in a thread')
class OneThreadAtATime(SampleDriver):
    """Only the thread that made it is served."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.thread: threading.Thread | None = None

    def list_nodes(self) -> list[Node]:
        if self.thread is None:
            self.thread = threading.current_thread()
        if self.thread is threading.current_thread():
            return super().list_nodes()
        return []


@fault('works-where-an-event-loop-runs', 'event loop')
class RunsALoopOfItsOwn(SampleDriver):
    """asyncio.run() in the thread of the caller."""

    def list_nodes(self) -> list[Node]:
        async def ask() -> list[Node]:
            return super(RunsALoopOfItsOwn, self).list_nodes()

        coroutine = ask()
        try:
            return asyncio.run(coroutine)
        finally:
            coroutine.close()


@fault('close-gives-back-threads-and-may-be-repeated', 'no thread is left')
class LeavesAThread(SampleDriver):
    """A thread that close() does not end."""

    def check(self) -> list[CheckResult]:
        threading.Thread(
            target=threading.Event().wait,
            args=(10,),
            name='sample-poller',
            daemon=True,
        ).start()
        return super().check()


@fault('threads-get-the-node-that-they-ask-for', 'get_node(')
class OneRequestForAll(SampleDriver):
    """What is asked for is kept in the driver."""

    node_id = ''

    def get_node(self, node_id: str) -> Node:
        self.node_id = node_id
        self.list_nodes()
        return super().get_node(self.node_id)


@fault('threads-switch-the-node-that-they-ask-for', 'what the service')
class OneChangeForAll(SampleDriver):
    """What is to be sent is kept in the driver."""

    body: Any = None

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.all = threading.Barrier(3)

    def command(self, *args: Any) -> dict[str, Any]:
        self.body = super().command(*args)
        return {'power': 'on'}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        if body is not None:
            meet(self.all)
            body = self.body
        return super().call(method, path, body)


@fault('switches-where-an-event-loop-runs', 'event loop')
class SwitchesInALoopOfItsOwn(SampleDriver):
    """asyncio.run() in the thread of the caller."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        async def ask() -> None:
            super(SwitchesInALoopOfItsOwn, self).set_power_state(*args, **more)

        coroutine = ask()
        try:
            asyncio.run(coroutine)
        finally:
            coroutine.close()


@fault('close-gives-back-sockets-and-files', 'files are open')
class LeavesItsConnections(SampleDriver):
    """close() closes nothing."""

    def close(self) -> None:
        """Nothing."""


@fault('closing-one-leaves-the-others', 'closed')
class SharesAllSessions(SampleDriver):
    """What one closes is shared by all."""

    closed: ClassVar[list[Any]] = []

    def list_nodes(self) -> list[Node]:
        if self.closed:
            raise UnavailableError('The session is closed.')
        return super().list_nodes()

    def close(self) -> None:
        super().close()
        self.closed.append(self)
