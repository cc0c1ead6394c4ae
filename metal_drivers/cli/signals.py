# SPDX-License-Identifier: Apache-2.0
"""Commands that are interrupted, and end in good order."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def cancelling(cancel_all: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a terminal that goes away cancel what is under
    way, and the table is printed anyway; a second one ends the command.

    :param cancel_all: called in a thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    if former[signal.SIGHUP] is signal.SIG_IGN:  # as nohup has it
        del former[signal.SIGHUP]

    def restore() -> None:
        for number, handler in former.items():
            signal.signal(number, handler)

    def cancel(number: int, frame: object) -> None:
        restore()
        # From a thread: the interrupted code may hold the lock.
        threading.Thread(target=cancel_all, name='metal-cancel').start()

    for number in former:
        signal.signal(number, cancel)
    try:
        yield
    finally:
        restore()
