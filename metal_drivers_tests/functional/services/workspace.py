# SPDX-License-Identifier: Apache-2.0
"""Where services live on disk.

What is dear to make and never changes (virtual environments, databases
with an empty schema) is kept in one directory between runs. What a run
writes (configuration, databases, logs) has a temporary directory of its
own.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

import fixtures

from metal_drivers_tests.functional.services import errors

CACHE_VARIABLE = 'METAL_DRIVERS_SERVICES'
_PREFIX = 'metal-drivers-'
# Locked for as long as the process lives that uses the directory.
_CLAIM = 'in-use'
#: Where this project is.
CHECKOUT = pathlib.Path(__file__).resolve().parents[3]


def cache_directory() -> pathlib.Path:
    """Return the directory that outlives a run, making it if need be.

    :raises ServiceUnavailable: it cannot be made.
    """
    where = os.environ.get(CACHE_VARIABLE)
    path = pathlib.Path(where) if where else CHECKOUT / '.services'
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.ServiceUnavailable(
            f'cannot make {path}: {error.strerror}. Have {CACHE_VARIABLE} '
            'name a directory that can be written'
        ) from None
    return path.resolve()


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock ``name`` of the cache against other processes.

    The kernel gives it back when the holder dies, however it dies.
    """
    with open(cache_directory() / f'{name}.lock', 'w') as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def tail(path: pathlib.Path, lines: int = 15) -> str:
    """Return the end of a text file, or an empty string without one."""
    try:
        with open(path, 'rb') as handle:
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(0, size - 64 * 1024))
            text = handle.read().decode(errors='replace')
    except FileNotFoundError:
        return ''
    return '\n'.join(text.splitlines()[-lines:])


def _sweep() -> None:
    """Remove the directories of processes that were killed."""
    for claim in pathlib.Path(tempfile.gettempdir()).glob(
        f'{_PREFIX}*/{_CLAIM}'
    ):
        with contextlib.suppress(OSError), open(claim, 'r+') as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(claim.parent, ignore_errors=True)


class RunDirectory(fixtures.Fixture):
    """A temporary directory that stays behind only if a set up fails.

    What a killed process could not remove the next one does.

    :ivar path: the directory.
    """

    path: pathlib.Path

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._keep = False

    def _setUp(self) -> None:
        _sweep()
        self._keep = False
        prefix = f'{_PREFIX}{self._name}-'
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        self.addCleanup(self._remove)
        claim = self.path / 'claim'
        handle = open(claim, 'w')  # noqa: SIM115
        self.addCleanup(handle.close)
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Under this name it is never seen unlocked while the owner lives.
        claim.rename(self.path / _CLAIM)

    def _remove(self) -> None:
        if self._keep:
            (self.path / _CLAIM).unlink(missing_ok=True)
        else:
            shutil.rmtree(self.path, ignore_errors=True)

    @contextlib.contextmanager
    def kept_on_error(self) -> Iterator[None]:
        """Keep the directory, and show its logs, if the block fails.

        Where the service cannot run at all there is nothing to see in them,
        and nobody looks for the reason of an interrupt.
        """
        try:
            yield
        except errors.ServiceUnavailable:
            raise
        except Exception as error:
            self._keep = True
            error.add_note(f'configuration and logs are in {self.path}')
            self._describe()
            raise

    def _describe(self) -> None:
        try:
            from testtools import content
        except ImportError:
            return
        self.addDetail('directory', content.text_content(str(self.path)))
        for log in sorted(self.path.rglob('*.log')):
            name = str(log.relative_to(self.path))
            self.addDetail(name, content.text_content(tail(log, 50)))
