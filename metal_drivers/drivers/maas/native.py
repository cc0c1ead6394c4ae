# SPDX-License-Identifier: Apache-2.0
"""Native threads, and waiting for them, with eventlet or without.

Where eventlet has patched the standard library, a "thread" is a green
thread of the caller's, which no event loop can have for itself.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any, Protocol

#: Seconds after which a thread that waits looks for an interrupt.
_LOOK = 0.5


class Signal(Protocol):
    """Set by any thread, waited for by one."""

    def set(self) -> None: ...

    def wait(self, timeout: float | None = None) -> bool:
        """:returns: False where the seconds are over."""

    def close(self) -> None:
        """Give back what it holds; it can still be set, in vain."""


def module(name: str) -> Any:
    """A module of the standard library, as it is without eventlet."""
    patcher = _patcher()
    if patcher is None:
        return importlib.import_module(name)
    return patcher.original(name)


def start_thread(target: Callable[[], None], name: str) -> Any:
    """A thread that the interpreter does not wait for at its exit."""
    thread = module('threading').Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


def signal() -> Signal:
    """One that the caller, a native or a green thread, can wait for."""
    return _NativeSignal() if _patcher() is None else _GreenSignal()


def _patcher() -> Any:
    """eventlet's patcher, where it has replaced threads by green ones."""
    patcher = sys.modules.get('eventlet.patcher')
    if patcher is not None and patcher.is_monkey_patched('thread'):
        return patcher
    return None


class _NativeSignal:
    def __init__(self) -> None:
        self._event = module('threading').Event()

    def set(self) -> None:
        self._event.set()

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            return bool(self._event.wait(timeout))
        # An interrupt that arrives a moment before the thread waits, or
        # in another thread, does not wake it: Python would raise
        # KeyboardInterrupt only when the wait is over.
        while not self._event.wait(_LOOK):
            pass
        return True

    def close(self) -> None:
        pass


class _GreenSignal:
    """A pipe, so that other green threads go on meanwhile."""

    def __init__(self) -> None:
        self._lock = module('threading').Lock()
        self._ends = os.pipe()
        self._open = True

    def set(self) -> None:
        with self._lock:
            if self._open:
                os.write(self._ends[1], b'.')

    def wait(self, timeout: float | None = None) -> bool:
        from eventlet import hubs

        try:
            hubs.trampoline(
                self._ends[0],
                read=True,
                timeout=timeout,
                timeout_exc=TimeoutError,
            )
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._open = False
                for end in self._ends:
                    os.close(end)
