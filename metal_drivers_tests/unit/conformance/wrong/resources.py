# SPDX-License-Identifier: Apache-2.0
"""Faults of threads, sockets, event loops."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from metal_drivers import Node
from metal_drivers.model import CheckResult, CheckStatus
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


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
