# SPDX-License-Identifier: Apache-2.0
"""Compute hosts that are nothing but rows in the database of a Nova."""

import contextlib
import datetime
import pathlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Self

#: Below the version from which on Nova asks a nova-compute to note that it
#: was disabled, and waits for its answer; these have nobody to answer.
_VERSION = 37


def host(number: int) -> str:
    """The name of such a host, counted from 1."""
    return f'row-{number:04}'


def hypervisor_id(number: int) -> str:
    return f'00000000-0000-4000-9000-{number:012d}'


def fill(state: pathlib.Path, count: int, template: str) -> None:
    """Write so many hosts.

    :param state: the directory with the databases of Nova.
    :param template: the host whose rows are copied.
    """
    numbers = range(1, count + 1)
    with _opened(state / 'cell') as cell:
        _copy(
            cell,
            'services',
            template,
            (
                {
                    'uuid': f'00000000-0000-4000-a000-{number:012d}',
                    'host': host(number),
                    'version': _VERSION,
                }
                for number in numbers
            ),
        )
        _copy(
            cell,
            'compute_nodes',
            template,
            (
                {
                    'uuid': hypervisor_id(number),
                    'host': host(number),
                    'hypervisor_hostname': host(number),
                }
                for number in numbers
            ),
        )
    with _opened(state / 'api') as api:
        _copy(
            api,
            'host_mappings',
            template,
            ({'host': host(number)} for number in numbers),
        )


class Heartbeats:
    """Has the services of these hosts report, every second."""

    def __init__(self, state: pathlib.Path, hosts: Iterable[str]) -> None:
        self._path = state / 'cell'
        self._hosts = list(hosts)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name='heartbeats')

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(1):
            now = datetime.datetime.now(datetime.UTC)
            stamp = f'{now:%Y-%m-%d %H:%M:%S.%f}'
            with _opened(self._path) as database:
                database.executemany(
                    'UPDATE services SET report_count = report_count + 1, '
                    'last_seen_up = ?, updated_at = ? WHERE host = ?',
                    [(stamp, stamp, host) for host in self._hosts],
                )


def disable(state: pathlib.Path, name: str, reason: str | None) -> None:
    """Disable the service of a host; without a reason, enable it."""
    with _opened(state / 'cell') as database:
        database.execute(
            'UPDATE services SET disabled = ?, disabled_reason = ? '
            'WHERE host = ?',
            (reason is not None, reason, name),
        )


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Iterator[sqlite3.Connection]:
    """A database, for one transaction beside those of Nova."""
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as database:
        database.row_factory = sqlite3.Row
        with database:
            yield database


def _copy(
    database: sqlite3.Connection,
    table: str,
    template: str,
    changes: Iterable[dict[str, Any]],
) -> None:
    """Add rows that are as the one of the template, but for these."""
    (row,) = database.execute(
        f'SELECT * FROM {table} WHERE host = ?',  # noqa: S608
        (template,),
    )
    known = {key: row[key] for key in row.keys() if key != 'id'}  # noqa: SIM118
    names = ', '.join(known)
    marks = ', '.join(f':{name}' for name in known)
    database.executemany(
        f'INSERT INTO {table} ({names}) VALUES ({marks})',  # noqa: S608
        [known | each for each in changes],
    )
