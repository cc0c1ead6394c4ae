# SPDX-License-Identifier: Apache-2.0
"""What a process reaches for: files, connections, other processes."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any

#: What goes over a network, or looks up a name in one.
NETWORK = frozenset(
    {
        'socket.connect',
        'socket.getaddrinfo',
        'socket.gethostbyname',
        'socket.sendto',
    }
)

#: Any I/O that Python reports.
ANY = NETWORK | {'open', 'os.listdir', 'os.scandir', 'subprocess.Popen'}

#: A program is run: what is told of it is its whole command line.
PROGRAMS = frozenset({'subprocess.Popen', 'os.system', 'os.posix_spawn'})

_watching: list[tuple[frozenset[str], list[str]]] = []


@contextlib.contextmanager
def watched(events: frozenset[str]) -> Iterator[list[str]]:
    """What was reached for meanwhile, by any thread."""
    _install()
    found: list[str] = []
    entry = events, found
    _watching.append(entry)
    try:
        yield found
    finally:
        _watching.remove(entry)


@functools.cache
def _install() -> None:
    """Once: Python has no way to take it back."""
    sys.addaudithook(_heard)


def _heard(event: str, args: tuple[Any, ...]) -> None:
    for events, found in _watching:
        if event not in events:
            continue
        # What is opened or connected to; a socket is not of interest.
        kinds = list | bytes if event in PROGRAMS else str | tuple
        named = [each for each in args if isinstance(each, kinds)]
        found.append(f'{event} {named[0] if named else ""}'.strip())
