# SPDX-License-Identifier: Apache-2.0
"""Counts the SQL statements of a service, for a benchmark.

Python imports this by its name at the start, in place of the one that all
services have, which is run first. The number is in the first eight bytes of
the file that ``COUNT_FILE`` names.
"""

import mmap
import os
import runpy
import sqlite3
import struct
import threading
from typing import Any

#: What a database is asked neither to find nor to change anything.
_FRAME = ('BEGIN', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'PRAGMA')

runpy.run_path(os.environ['COUNT_STARTUP'])
_connect = sqlite3.connect
_lock = threading.Lock()
with open(os.environ['COUNT_FILE'], 'r+b') as _file:
    _shared = mmap.mmap(_file.fileno(), 8)


def _count(statement: str) -> None:
    if not statement.lstrip().startswith(_FRAME):
        with _lock:
            (number,) = struct.unpack_from('<q', _shared)
            struct.pack_into('<q', _shared, 0, number + 1)


def _counted(*args: Any, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = _connect(*args, **options)
    connection.set_trace_callback(_count)
    return connection


sqlite3.connect = sqlite3.dbapi2.connect = _counted  # type: ignore[assignment]
