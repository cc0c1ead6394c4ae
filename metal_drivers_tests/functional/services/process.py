# SPDX-License-Identifier: Apache-2.0
"""One process of a service: started, watched, and ended for certain."""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import IO

import fixtures
import requests

from metal_drivers_tests.functional.services import (
    errors,
    guard,
    waiting,
    workspace,
)

# Below Linux' range for outgoing connections, so that none of them takes a
# port between its choice and its use.
_PORTS = range(20000, 32000)
_given: set[int] = set()
#: What every service that is written in Python imports at its start.
STARTUP = pathlib.Path(__file__).with_name('startup')


def free_port() -> int:
    """Return a TCP port that is free on 127.0.0.1, never the same twice."""
    while True:
        port = random.choice(_PORTS)  # noqa: S311
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(('127.0.0.1', port))
            _given.add(port)
            return port


def answers(
    url: str, text: str = '', auth: tuple[str, str] | None = None
) -> bool:
    """Say whether GET ``url`` is below 400 with ``text`` in its body.

    One try lasts 5 seconds at most.
    """
    with requests.Session() as session:
        session.trust_env = False
        try:
            reply = session.get(url, timeout=5, auth=auth)
        except requests.RequestException:
            return False
    return reply.ok and text in reply.text


def listens(port: int) -> bool:
    """Say whether something takes connections at a port of 127.0.0.1."""
    try:
        socket.create_connection(('127.0.0.1', port), timeout=5).close()
    except OSError:
        return False
    return True


def clean_environment() -> dict[str, str]:
    """Return this process' environment less what misleads a service.

    That is the caller's own cloud, Python's switches, and proxies.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(('OS_', 'PYTHON', 'RABBITMQ_', 'ERL_'))
        and not name.lower().endswith('_proxy')
    }
    kept['NO_PROXY'] = kept['no_proxy'] = '*'
    return kept


def guarded(
    command: Sequence[str | os.PathLike[str]],
    grace: float,
    output: IO[bytes] | int,
    environment: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """Start a command under the guard, and return the guard.

    The command ends when its standard input is closed.

    :param grace: seconds between SIGTERM and SIGKILL.
    """
    script = [sys.executable, '-I', '-S', guard.__file__, str(grace)]
    return subprocess.Popen(
        [*script, *(os.fspath(word) for word in command)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        # Ctrl-C is for the test process, which then ends it in order.
        start_new_session=True,
    )


class Service(fixtures.Fixture):
    """A process that runs as long as the fixture, or until ``stop``.

    :param command: program and arguments.
    :param log: file that gets its output; it is appended to.
    :param environment: what to add to the environment.
    :param grace: seconds between SIGTERM and SIGKILL.
    :param fatal: text in the log which means that it will never be ready
        although it lives on.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | os.PathLike[str]],
        log: pathlib.Path,
        environment: Mapping[str, str] | None = None,
        grace: float = 10.0,
        fatal: str | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.log = log
        self._command = command
        self._environment = dict(environment or {})
        self._grace = grace
        self._fatal = fatal
        self._guard: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def _setUp(self) -> None:
        self.addCleanup(self.stop)
        self.start()

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended since."""
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Start it, unless it runs. Does not wait until it is of use."""
        if self.running:
            return
        with open(self.log, 'ab') as output:
            self._log_start = output.tell()
            self._guard = guarded(
                self._command,
                self._grace,
                output,
                {
                    **clean_environment(),
                    'PYTHONPATH': str(STARTUP),
                    **self._environment,
                },
            )

    def add_environment(self, **more: str) -> None:
        """Add to its environment, from its next start on."""
        self._environment |= more

    def release(self) -> None:
        """Begin to end it as ``kill`` does, without waiting for that."""
        if self._guard is not None:
            self._guard.terminate()

    def kill(self) -> None:
        """End it as a crash would: SIGKILL, for its children as well."""
        self.release()
        self.stop()

    def stop(self) -> None:
        """End it, in order if it manages within its grace."""
        if self._guard is None:
            return
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        try:
            self._guard.wait(self._grace + 2 * guard.LAST_WAIT)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._guard.kill()
            self._guard.wait()
        self._guard = None

    def pause(self) -> None:
        """Freeze it: connections are taken, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo ``pause``."""
        self._signal(signal.SIGCONT)

    def wait_ready(
        self, ready: Callable[[], bool], timeout: float = 90.0
    ) -> None:
        """Wait until ``ready()``, which may do I/O, is true.

        :param timeout: seconds.
        :raises ServiceDied: if the process ends first or gives up.
        :raises WaitTimeout: if it takes too long.
        """

        def probe() -> bool:
            if not self.running or self._gave_up():
                raise errors.ServiceDied(
                    f'{self.name} did not come up; {self.log} ends with:\n'
                    f'{workspace.tail(self.log)}'
                )
            return ready()

        try:
            waiting.wait_until(probe, self.name, timeout)
        except errors.WaitTimeout as error:
            error.add_note(workspace.tail(self.log))
            raise

    def cpu_seconds(self) -> float:
        """How long its processes that live have computed."""
        ticks = 0
        if self._guard is not None:
            for pid in guard.descendants(self._guard.pid):
                stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
                # After the name, which may have anything in it.
                fields = stat.rpartition(')')[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf('SC_CLK_TCK')

    def logged(self, text: str) -> bool:
        """Say whether it has written ``text`` since it was last started."""
        with open(self.log, 'rb') as handle:
            handle.seek(self._log_start)
            return text.encode() in handle.read()

    def _gave_up(self) -> bool:
        return self._fatal is not None and self.logged(self._fatal)

    def _signal(self, number: signal.Signals) -> None:
        if self._guard is not None:
            for pid in guard.descendants(self._guard.pid):
                guard.send(pid, number)
