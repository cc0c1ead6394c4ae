# SPDX-License-Identifier: Apache-2.0
"""One event loop in a thread of its own, for callers that have none.

libmaas is written for asyncio and finds its loop in ways that fail in
worker threads, after ``asyncio.run()`` and under eventlet. Here every
coroutine runs in a native thread that does nothing else.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import selectors
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from metal_drivers.drivers.maas import native

T = TypeVar('T')

#: Seconds that the end of the loop may take.
_END = 5.0


class Closed(Exception):
    """The loop has been closed; what ran in it has been cancelled."""


class LoopThread:
    """A loop that is started by the first call, and ended by ``close``.

    A child begins anew after a fork, which inherits no threads.

    :param name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: _Running | None = None
        self._closed = False
        self._lock = native.module('threading').Lock()
        _loops.add(self)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine to its end, from any thread but the loop's.

        What interrupts the caller cancels the coroutine.

        :raises Closed: the loop is closed, or was before the end.
        """
        return self._start().run(work)

    def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have this awaited at the end of the loop that calls it."""
        if self._running is not None:
            self._running.at_end.append(close)

    def close(self) -> None:
        """End the loop and its thread for good; any number of times."""
        with self._lock:
            self._closed = True
            running = self._running
        if running is not None:
            running.end()

    def _start(self) -> _Running:
        with self._lock:
            if self._closed:
                raise Closed
            if self._running is None:
                self._running = _Running(self._name)
                # For whoever forgets to close. It must not wait: garbage
                # is collected in any thread, at any moment.
                weakref.finalize(
                    self, self._running.end, wait=False
                ).atexit = False
            return self._running

    def _forget(self) -> None:
        """Called in a child, right after the fork."""
        # The lock may have been held by a thread that is no more.
        self._lock = native.module('threading').Lock()
        running, self._running = self._running, None
        if running is not None:
            running.disown()


class _Running:
    """A loop, and the thread that both begins and ends with it."""

    def __init__(self, name: str) -> None:
        self.at_end: list[Callable[[], Awaitable[None]]] = []
        self._ours = True
        self._ending = self._over = False
        # Reentrant: garbage may be collected while it is held.
        self._lock = native.module('threading').RLock()
        self._waiting: set[native.Signal] = set()
        self._selector = selectors.DefaultSelector()
        self._loop = asyncio.SelectorEventLoop(self._selector)
        self._thread = native.start_thread(self._main, name)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        tasks: list[asyncio.Task[T]] = []
        done = native.signal()

        def begin() -> None:
            task = self._loop.create_task(work())
            tasks.append(task)
            task.add_done_callback(lambda task: done.set())

        try:
            with self._lock:
                if self._ending:
                    raise Closed
                self._waiting.add(done)
                # Within the lock, so that it comes before the end.
                self._loop.call_soon_threadsafe(begin)
            done.wait()
        except BaseException:  # an interrupt, or a green thread's end
            self._cancel(tasks)
            raise
        finally:
            with self._lock:
                self._waiting.discard(done)
            done.close()
        if not tasks or not tasks[0].done() or tasks[0].cancelled():
            raise Closed
        return tasks[0].result()

    def end(self, wait: bool = True) -> None:
        """Cancel what runs, and let the thread end."""
        if not self._ours:
            return
        ended = native.signal()
        with self._lock:
            if self._over:
                return
            self._waiting.add(ended)
            if not self._ending:
                self._ending = True
                self._loop.call_soon_threadsafe(
                    lambda: self._loop.create_task(self._finish())
                )
        if wait:
            ended.wait(_END)
            self._thread.join(_END)

    def disown(self) -> None:
        """Part with the parent's connections, in a child.

        They would stay open for as long as the child lives; and nothing
        that the child does may say goodbye over them.
        """
        self._ours = False
        nowhere = os.open(os.devnull, os.O_RDWR)
        for key in list((self._selector.get_map() or {}).values()):
            os.dup2(nowhere, key.fd, inheritable=False)
        os.close(nowhere)

    def _cancel(self, tasks: list[asyncio.Task[T]]) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended meanwhile
            self._loop.call_soon_threadsafe(
                lambda: [task.cancel() for task in tasks]
            )

    def _main(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()
            with self._lock:
                self._ending = self._over = True
                for signal in self._waiting:
                    signal.set()

    async def _finish(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_END / 2)
        for close in self.at_end:
            with contextlib.suppress(Exception):
                await close()
        await self._let_go()
        self._loop.stop()

    async def _let_go(self) -> None:
        """Wait for connections with TLS, which say goodbye: aiohttp before
        3.12.4 does not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END / 4):
                # What is left then is what wakes up the loop itself.
                while len(self._selector.get_map()) > 1:
                    await asyncio.sleep(0.01)


_loops: weakref.WeakSet[LoopThread] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """The interpreter does not wait for the threads; their connections
    would be cut in the middle, with warnings."""
    for each in list(_loops):
        each.close()


def _after_fork() -> None:
    for each in list(_loops):
        each._forget()


os.register_at_fork(after_in_child=_after_fork)
