# SPDX-License-Identifier: Apache-2.0
"""Has a service take SQLite's lock for writing when a transaction begins.

Python imports this by its name at the start. A transaction that reads
first and writes then fails at once where another one has written in
between, with "database is locked" and whatever time-out there is; so on a
busy machine Nova could hardly boot a server. One that is to write from the
beginning waits for its turn. Nobody but SQLite has such a choice, which is
why oslo.db offers none.
"""

import functools
import sqlite3
from typing import Any


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, *parameters: Any) -> Any:
        # oslo.db says when a transaction begins, not the sqlite3 module.
        if sql == 'BEGIN':
            sql = 'BEGIN IMMEDIATE'
        return super().execute(sql, *parameters)


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


sqlite3.connect = sqlite3.dbapi2.connect = functools.partial(  # type: ignore[assignment]
    sqlite3.connect, factory=_Connection
)
