# SPDX-License-Identifier: Apache-2.0
"""Progress at a terminal while a command runs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any, TextIO

from metal_drivers.events import Watcher
from metal_drivers.power import Event, Step

#: Seconds after which a wait is shown, and then updated.
AFTER = 1.0


@contextlib.contextmanager
def waiting(stdout: TextIO, stderr: TextIO, what: str) -> Iterator[None]:
    """Show on stderr what is waited for, and since when.

    The line is removed at the end. Nothing is drawn within the first
    second, or where :func:`shown` would draw nothing.
    """
    if not _is_seen(stdout, stderr):
        yield
        return
    text = f'Waiting for {what} since {time.strftime("%H:%M:%S")}'
    begin = time.monotonic()
    over = threading.Event()

    def draw() -> None:
        line = ''
        while not over.wait(AFTER):
            line = f'{text} ({time.monotonic() - begin:.0f} s)'
            stderr.write(f'\r{line}')
            stderr.flush()
        if line:
            stderr.write(f'\r{" " * len(line)}\r')
            stderr.flush()

    thread = threading.Thread(target=draw, name='metal-waiting', daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def shown(stdout: TextIO, stderr: TextIO, total: int) -> Iterator[Watcher]:
    """A listener for the events of the engine, which draws on stderr.

    Where one of them is no terminal, or where the log is written there
    anyway, nothing is drawn, and rich is not imported.
    """
    if not _is_seen(stdout, stderr):
        yield lambda event: None
        return

    from rich import console, progress

    bars = progress.Progress(
        progress.TextColumn('{task.description}', markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        console=console.Console(file=stderr, highlight=False),
        transient=True,
    )
    with bars:
        yield _Board(bars, bars.add_task('nodes', total=total)).watch


def _is_seen(stdout: TextIO, stderr: TextIO) -> bool:
    return (
        stdout.isatty()
        and stderr.isatty()
        and not logging.getLogger().isEnabledFor(logging.INFO)
    )


class _Board:
    """A line for each step, and below them one for the whole batch."""

    def __init__(self, bars: Any, task: Any) -> None:
        self._bars, self._task = bars, task
        self._lock = threading.Lock()
        self._under_way: dict[str, str] = {}

    def watch(self, event: Event) -> None:
        label = event.member.label
        with self._lock:
            if event.step.last:
                self._under_way.pop(event.node_id, None)
                self._bars.advance(self._task)
            else:
                self._under_way[event.node_id] = label
            names = ', '.join(self._under_way.values())
            text = f'{label}: {event.step.value}'
            if event.step is not Step.ASKED:
                self._bars.console.print(
                    f'{text} {event.detail}'.rstrip(),
                    markup=False,
                    soft_wrap=True,
                )
            self._bars.update(self._task, description=names[:60] or 'nodes')
