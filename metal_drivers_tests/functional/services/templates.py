# SPDX-License-Identifier: Apache-2.0
"""Databases with an empty schema, made once and copied afterwards.

Migrations take several times as long as everything else at a start.
"""

import contextlib
import hashlib
import pathlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable

from metal_drivers_tests.functional.services import (
    venvs,
    versions,
    workspace,
)

Build = Callable[[pathlib.Path], None]

# To be counted up when a build function changes what it makes.
_FORMAT = '3'

_SQLITE = b'SQLite format 3'


def copy(name: str, into: pathlib.Path, build: Build, say: venvs.Say) -> None:
    """Fill the directory ``into`` with what ``build`` makes.

    :param name: the service, one of ``versions.REQUIREMENTS``.
    :param build: called with an empty directory, whose path the result must
        not contain.
    """
    key = '\n'.join((_FORMAT, *versions.REQUIREMENTS[name]))
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    parent = workspace.cache_directory() / 'databases'
    template = parent / f'{name}-{digest}'
    if not template.is_dir():
        parent.mkdir(exist_ok=True)
        with workspace.locked(f'{name}-database'):
            if not template.is_dir():
                say(f'creating the database of {name} (once)')
                _make(template, build)
    shutil.copytree(template, into, dirs_exist_ok=True)


def _make(template: pathlib.Path, build: Build) -> None:
    with tempfile.TemporaryDirectory(dir=template.parent) as scratch:
        made = pathlib.Path(scratch, 'made')
        made.mkdir()
        build(made)
        for path in made.rglob('*'):
            if path.is_file() and path.read_bytes()[:15] == _SQLITE:
                _let_read_while_writing(path)
        # Only what is complete gets the name that is looked for.
        made.rename(template)


def _let_read_while_writing(path: pathlib.Path) -> None:
    """Have SQLite write ahead, which the file remembers.

    By default a reader and a writer lock each other out, and under load a
    service answers 500 for it.
    """
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute('PRAGMA journal_mode = WAL')
