# SPDX-License-Identifier: Apache-2.0
"""Virtual environments for the services, made once and kept."""

import os
import pathlib
import shutil
import sys
from collections.abc import Callable, Sequence

from metal_drivers_tests.functional.services import (
    command,
    errors,
    versions,
    workspace,
)

Say = Callable[[str], None]


def ensure(name: str, say: Say) -> pathlib.Path:
    """Return the directory of a virtual environment, made if need be.

    Two processes that want the same one wait for each other.

    :param name: one of ``versions.REQUIREMENTS``.
    :param say: called with one sentence, only if there is work to do.
    :raises InstallError: if it cannot be made; the next call tries again.
    """
    path = _path(name)
    requirements = versions.REQUIREMENTS[name]
    if _ready(path, requirements):
        return path
    with workspace.locked(f'{name}-venv'):
        if not _ready(path, requirements):
            say(f'installing {requirements[0]} (about a minute, once)')
            _make(path, requirements)
    return path


def _ready(path: pathlib.Path, requirements: Sequence[str]) -> bool:
    stamp = path / '.ready'
    return stamp.is_file() and stamp.read_text() == _content(requirements)


def _path(name: str) -> pathlib.Path:
    return workspace.cache_directory() / f'{name}-venv'


def _content(requirements: Sequence[str]) -> str:
    return ''.join(
        f'{line}\n' for line in (f'python {sys.version}', *requirements)
    )


def _make(path: pathlib.Path, requirements: Sequence[str]) -> None:
    # What an interrupted installation left is not worth mending.
    shutil.rmtree(path, ignore_errors=True)
    python = path / 'bin' / 'python'
    options = ['-q', '--disable-pip-version-check', '--no-input']
    pip = ['-m', 'pip', 'install', *options, *requirements]
    try:
        command.run(sys.executable, '-m', 'venv', path)
        command.run(python, *pip, environment=dict(os.environ))
    except command.CommandFailed as error:
        shutil.rmtree(path, ignore_errors=True)
        raise errors.InstallError(str(error)) from None
    (path / '.ready').write_text(_content(requirements))
