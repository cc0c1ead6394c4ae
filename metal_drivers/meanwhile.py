# SPDX-License-Identifier: Apache-2.0
"""Asks one service while another is asked."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar('T')


def ask(call: Callable[[], T], name: str) -> concurrent.futures.Future[T]:
    """The result of a call that is made in a thread of its own.

    Nobody waits for the thread where the answer is not needed any more: an
    executor would, at the latest when the process ends.

    :param name: that of the thread.
    """
    future: concurrent.futures.Future[T] = concurrent.futures.Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as exc:  # raised where the result is taken
            future.set_exception(exc)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
