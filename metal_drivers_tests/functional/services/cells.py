# SPDX-License-Identifier: Apache-2.0
"""A cell of Nova whose database does not answer for a while."""

import contextlib
import pathlib
import sqlite3

#: What Nova asks a cell for.
_TABLES = ('compute_nodes', 'instances', 'migrations', 'services')
_AWAY = 'away_'


class Cell:
    """The database of one cell, a SQLite file.

    Nova has it open, and so does not notice that a file is moved. It does
    notice that tables have other names, with its next statement.
    """

    def __init__(self, database: pathlib.Path) -> None:
        self._database = database

    def lose(self) -> None:
        """Have every question to it fail, until ``restore``."""
        self._rename('', _AWAY)

    def restore(self) -> None:
        """Have it answer again, as it did before."""
        self._rename(_AWAY, '')

    def _rename(self, old: str, new: str) -> None:
        connection = sqlite3.connect(
            self._database, timeout=60, isolation_level=None
        )
        with contextlib.closing(connection):
            # Both names, or none of them, whatever happens.
            connection.execute('BEGIN IMMEDIATE')
            known = {
                name
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table'"
                )
            }
            for table in _TABLES:
                if old + table in known:
                    connection.execute(
                        f'ALTER TABLE {old}{table} RENAME TO {new}{table}'
                    )
            connection.execute('COMMIT')
