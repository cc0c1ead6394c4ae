# SPDX-License-Identifier: Apache-2.0
"""Commands that end by themselves, such as pip, one or several at once.

They run under the guard, too: an interrupt ends them, and so does the death
of the test process.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import TypeVar

from metal_drivers_tests.functional.services import errors, process

T = TypeVar('T')

# As many at once as the smallest machine that this should run on has cores.
_AT_ONCE = 2

_lock = threading.Lock()
_running: set[subprocess.Popen[bytes]] = set()


class CommandFailed(errors.ServiceError):
    """A command ended with another status than 0; shows its last lines."""


def run(
    *command: str | os.PathLike[str],
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command to its end and return all of its output.

    :param environment: all of it; without it, a service's.
    :raises CommandFailed: if it fails.
    """
    if environment is None:
        environment = process.clean_environment()
    started = process.guarded(
        command, 0, output=subprocess.PIPE, environment=environment
    )
    with _lock:
        _running.add(started)
    # Leaving closes the pipes, which ends a command that still runs.
    with started:
        try:
            assert started.stdout is not None
            output = started.stdout.read().decode(errors='replace')
            status = started.wait()
        finally:
            with _lock:
                _running.discard(started)
    if status:
        last = '\n'.join(output.splitlines()[-15:])
        words = ' '.join(os.fspath(word) for word in command)
        raise CommandFailed(f'{words} ended with {status}:\n{last}')
    return output


def parallel(tasks: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Call ``tasks`` in threads and return what each has returned.

    If one fails, or on an interrupt, the others are not started any more,
    and their commands are ended.
    """
    pool = futures.ThreadPoolExecutor(_AT_ONCE)
    try:
        names = {pool.submit(task): name for name, task in tasks.items()}
        return {
            names[future]: future.result()
            for future in futures.as_completed(names)
        }
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        with _lock:
            for started in _running:
                started.terminate()
        raise
    finally:
        pool.shutdown(wait=True)
