# SPDX-License-Identifier: Apache-2.0
"""Appends lines to a file that others write as well, and that may be
renamed at any time."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading

LOG = logging.getLogger(__name__)

_FLAGS = (
    os.O_RDWR
    | os.O_APPEND
    | os.O_CREAT
    | os.O_CLOEXEC
    | os.O_NOCTTY
    # Where it is a pipe, nobody waits for its reader.
    | os.O_NONBLOCK
)
_MODE = 0o640


class HistoryFile:
    """One file, for any number of threads.

    Nothing is opened before the first line. Each line is one write, at the
    end of the file whoever else writes: a reader sees whole lines only.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file: int | None = None
        #: Lines that could not be written, since the last one that was.
        self._missing = 0

    def append(self, line: str) -> None:
        """Write a line. It is a warning where that fails, but one only
        until it succeeds again; never an error.

        :param line: with its end.
        """
        with self._lock:
            try:
                self._write(line.encode())
            except (OSError, ValueError) as exc:
                self._failed(exc)
                return
            if self._missing:
                LOG.warning(
                    'The history %s is written again. %d power changes are '
                    'missing in it.',
                    self.path,
                    self._missing,
                )
                self._missing = 0

    def close(self) -> None:
        with self._lock:
            self._close()

    def _write(self, line: bytes) -> None:
        file = self._open()
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b'\n':
            # The disk was full, or the machine went down: only that line
            # is lost.
            line = b'\n' + line
        written = os.write(file, line)
        if written < len(line):
            raise OSError(f'only {written} of {len(line)} bytes were written')

    def _open(self) -> int:
        """The file that has the name now."""
        if self._file is not None and not self._is_it(self._file):
            self._close()
        if self._file is None:
            file = _opened(self.path)
            if not stat.S_ISREG(os.fstat(file).st_mode):
                os.close(file)
                raise OSError('it is not a regular file')
            self._file = file
        return self._file

    def _is_it(self, file: int) -> bool:
        try:
            named = os.stat(self.path)
        except OSError:
            return False
        return os.path.samestat(named, os.fstat(file))

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                os.close(file)

    def _failed(self, exc: Exception) -> None:
        self._close()
        self._missing += 1
        if self._missing > 1:
            return
        why = exc.strerror if isinstance(exc, OSError) else None
        LOG.warning(
            'The history %s could not be written: %s. Power changes go on, '
            'and are missing in it. Free space, or see that its directory '
            'is there and that this user may write to it.',
            self.path,
            why or exc,
        )


def _opened(path: str) -> int:
    try:
        file = os.open(path, _FLAGS | os.O_EXCL, _MODE)
    except FileExistsError:
        return os.open(path, _FLAGS, _MODE)
    # Whatever the umask of the process is.
    os.fchmod(file, _MODE)
    return file
