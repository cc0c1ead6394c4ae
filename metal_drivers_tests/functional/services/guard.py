# SPDX-License-Identifier: Apache-2.0
"""Runs one command, and sees to it that nothing of it is left behind.

Started as a script, ``guard.py GRACE COMMAND...``, between the test process
and a service. Standard input is its lifeline: a pipe whose other end only
the test process holds. When that closes, for whatever reason, SIGKILL of the
test process included, the command gets SIGTERM, after GRACE seconds SIGKILL,
and so does all that it ever started: being the "child subreaper", the guard
inherits daemons that left their parent and their session. SIGTERM to the
guard does the same without any grace.

The kernel's parent death signal would be shorter, but it comes when the
*thread* ends that forked, does not reach grandchildren, and leaves no room
for an orderly end.
"""

import contextlib
import ctypes
import os
import pathlib
import select
import signal
import sys
import time
from collections.abc import Iterator

_PR_SET_CHILD_SUBREAPER = 36
_TICK = 0.05
LAST_WAIT = 5.0


def descendants(pid: int) -> Iterator[int]:
    """Yield every living process below ``pid``, deepest first."""
    for task in pathlib.Path(f'/proc/{pid}/task').glob('*/children'):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                yield from descendants(child)
                yield child


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process, which may have ended meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Guard:
    """The loop that waits for the command's end, or for a reason to end it."""

    def __init__(self, command: list[str], grace: float) -> None:
        self._grace = grace
        self._status: int | None = None
        signal.signal(signal.SIGTERM, self._end_at_once)
        # Its own process group, so that one signal reaches the command and
        # its workers but not the guard.
        self._child = os.posix_spawnp(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
            ],
            setpgroup=0,
            setsigdef=[signal.SIGPIPE],
        )

    def run(self) -> int:
        """Return the command's exit status as a shell would show it."""
        lifeline = select.poll()
        lifeline.register(0, select.POLLIN)
        while self._status is None and not lifeline.poll(_TICK * 1000):
            self._reap()
        if self._status is None:
            self._ask_to_end()
        self._end_the_rest()
        return 128 + signal.SIGKILL if self._status is None else self._status

    def _end_at_once(self, number: int, frame: object) -> None:
        self._grace = 0.0
        # Standard input becomes /dev/null, which reads as its end.
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)

    def _ask_to_end(self) -> None:
        started = time.monotonic()
        if self._grace > 0:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child, signal.SIGTERM)
                # One that was stopped would never see the other signal.
                os.killpg(self._child, signal.SIGCONT)
        while self._status is None:
            if time.monotonic() - started >= self._grace:
                return
            time.sleep(_TICK)
            self._reap()

    def _end_the_rest(self) -> None:
        deadline = time.monotonic() + LAST_WAIT
        while time.monotonic() < deadline:
            left = list(descendants(os.getpid()))
            if not left:
                return
            for pid in left:
                send(pid, signal.SIGKILL)
            time.sleep(_TICK / 5)
            self._reap()

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self._child:
                    code = os.waitstatus_to_exitcode(status)
                    self._status = code if code >= 0 else 128 - code


def main(arguments: list[str]) -> int:
    """Run ``GRACE COMMAND...``; 127 if there is no such command."""
    grace, *command = arguments
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        guard = Guard(command, float(grace))
    except OSError as error:
        sys.stderr.write(f'{command[0]}: {error.strerror}\n')
        return 127
    return guard.run()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
