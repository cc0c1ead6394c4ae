# SPDX-License-Identifier: Apache-2.0
"""Reads histories. What is wrong with a line or a file is said once, and the
rest is read."""

from __future__ import annotations

import dataclasses
import datetime
import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

from metal_drivers.history import record
from metal_drivers.history.record import Record

#: Seconds by which lines may be out of order without a word: several
#: processes write them.
_APART = 5.0
#: No history is older: a machine's clock was not set yet.
_EARLIEST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
#: How far the clock of another machine may be ahead without a word.
_AHEAD = datetime.timedelta(minutes=5)


@dataclasses.dataclass(slots=True)
class Problem:
    """Something that is wrong with a history."""

    file: str
    what: str
    cure: str
    #: The first line that it is wrong with; 0: the whole file.
    line: int = 0
    #: How many lines, and the last of them.
    count: int = 1
    last: int = 0
    #: Whether something is missing in the report because of it.
    missing: bool = True

    def __str__(self) -> str:
        where = f'{self.file}:{self.line}' if self.line else self.file
        more = ''
        if self.count > 1:
            lines = 'line' if self.count == 2 else 'lines'
            more = f' (and {self.count - 1} more {lines}, up to {self.last})'
        return f'{where}: {self.what}{more}. {self.cure}'


@dataclasses.dataclass(slots=True)
class Reading:
    """What was read, in the order of time."""

    records: list[Record]
    problems: list[Problem]


def order(found: Record) -> float:
    """By what the records of a host are sorted. A marker that it found was
    written before, whatever the clock of the machine that wrote it."""
    when = found.when.timestamp()
    if found.marker_when is None:
        return when
    return max(when, found.marker_when.timestamp())


def read(
    paths: Iterable[str], now: datetime.datetime | None = None
) -> Reading:
    """Read these files; those that end in ``.gz`` are unpacked.

    :param now: what is later than that is left out.
    """
    # A file that is given twice, or was copied, counts once.
    records: dict[tuple[object, ...], Record] = {}
    problems: list[Problem] = []
    for path in paths:
        reader = _Reader(path, now)
        for found in reader.read():
            key = found.node, found.began, found.when, found.machine
            records.setdefault(key, found)
        problems += reader.problems.values()
    return Reading(sorted(records.values(), key=order), problems)


class _Reader:
    """One file."""

    def __init__(self, path: str, now: datetime.datetime | None) -> None:
        self.path, self._now = path, now
        #: One of each kind.
        self.problems: dict[str, Problem] = {}
        self._latest: Record | None = None

    def read(self) -> Iterator[Record]:
        number = lines = 0
        try:
            with _opened(self.path) as file:
                for number, line in enumerate(file, 1):
                    if not line.strip():
                        continue
                    lines += 1
                    found = self._parse(number, line)
                    if found is not None and self._believed(number, found):
                        self._check_clocks(number, found)
                        yield found
        except (OSError, EOFError, zlib.error) as exc:
            self._unreadable(number, exc)
            return
        if not lines:
            self._add(
                'empty',
                0,
                'it is empty',
                'No power change has ended since it was begun, or this is '
                'another file than [metal_drivers] history_file.',
                missing=False,
            )

    def _parse(self, number: int, line: bytes) -> Record | None:
        try:
            return record.parse(line)
        except record.Newer as exc:
            self._add(
                'newer',
                number,
                f'it is of version {exc.version}, and this release reads '
                f'versions up to {record.VERSION}',
                'Upgrade watcher-metal-drivers here. The line is left out.',
            )
        except ValueError as exc:
            why = str(exc)
            if isinstance(exc, json.JSONDecodeError | UnicodeError):
                why = 'it is not JSON: the line was cut off or edited'
            self._add(
                'broken',
                number,
                f'not a line of a history: {" ".join(why.split())}',
                'Fix or remove it. It is left out.',
            )
        except RecursionError:
            self._add(
                'broken',
                number,
                'not a line of a history: it is nested too deeply',
                'Remove it. It is left out.',
            )
        return None

    def _believed(self, number: int, found: Record) -> bool:
        machine = found.machine or 'the machine'
        early = min(found.began, found.when)
        if early < _EARLIEST:
            what = f'it is of {early:%Y}: the clock of {machine} was not set'
        elif self._now is not None and found.when > self._now + _AHEAD:
            what = (
                f'it is of {found.when:%Y-%m-%d %H:%M} UTC, which is yet to '
                f'come: the clock of {machine} was wrong, or the one here is'
            )
        else:
            return True
        self._add(
            'time',
            number,
            what,
            'Set the clocks of all machines with NTP. The line is left out.',
        )
        return False

    def _check_clocks(self, number: int, found: Record) -> None:
        before, self._latest = self._latest, found
        if found.marker_when is not None:
            ahead = (found.marker_when - found.when).total_seconds()
            if ahead > _APART:
                self._clocks(
                    number,
                    f'the clock of {found.machine or "a machine"} is at least '
                    f'{ahead:.0f} s behind that of another one',
                )
        if before is None or before.when <= found.when:
            return
        back = (before.when - found.when).total_seconds()
        if back <= _APART:
            return
        # The latest so far, or each line after it would be too early.
        self._latest = before
        if before.machine == found.machine:
            what = f'the clock of {found.machine} was set back by {back:.0f} s'
            what += ', or the lines are not in their order'
        else:
            what = (
                f'the clocks of {before.machine} and {found.machine} are '
                f'{back:.0f} s apart'
            )
        self._clocks(number, what)

    def _clocks(self, number: int, what: str) -> None:
        self._add(
            'clocks',
            number,
            what,
            'Set the clocks of all machines with NTP. Times may be wrong by '
            'as much.',
            missing=False,
        )

    def _unreadable(self, number: int, exc: Exception) -> None:
        why = exc.strerror if isinstance(exc, OSError) else None
        cure = 'See [metal_drivers] history_file for its name.'
        if isinstance(exc, PermissionError):
            cure = 'Run this as a user who may read it.'
        elif isinstance(exc, gzip.BadGzipFile) and not number:
            cure = 'If it is not packed, give it a name without .gz.'
        elif number or isinstance(exc, EOFError | zlib.error):
            cure = 'What comes after that is left out.'
        self._add(
            'unreadable',
            number + 1 if number else 0,
            f'it cannot be read: {why or exc}',
            cure,
        )

    def _add(
        self,
        kind: str,
        number: int,
        what: str,
        cure: str,
        missing: bool = True,
    ) -> None:
        known = self.problems.get(kind)
        if known is None:
            self.problems[kind] = Problem(
                self.path, what, cure, number, missing=missing
            )
        else:
            known.count += 1
            known.last = number


def _opened(path: str) -> IO[bytes] | gzip.GzipFile:
    if os.path.splitext(path)[1] == '.gz':
        return gzip.open(path)
    return open(path, 'rb')
