# SPDX-License-Identifier: Apache-2.0
"""Many threads at once."""

from __future__ import annotations

import concurrent.futures
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar('T')

#: Seconds that a thread runs before another may: the fewer, the sooner
#: what they share is seen.
_TURN = 1e-5


def at_once(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Call all of them at the same moment, each in a thread of its own.

    What one raises is raised.
    """
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        start.wait()
        return job()

    with (
        _short_turns(),
        concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool,
    ):
        return list(pool.map(run, jobs))


@contextlib.contextmanager
def _short_turns() -> Iterator[None]:
    former = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(former)
