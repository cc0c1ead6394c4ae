# SPDX-License-Identifier: Apache-2.0
"""Virtual environments for the services, made once and kept."""

import hashlib
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
    requirements = list(versions.REQUIREMENTS[name])
    content = [f'python {sys.version}', *requirements]
    if name in versions.WITH_PROJECT:
        examples = [
            workspace.CHECKOUT / each for each in versions.WITH_PROJECT[name]
        ]
        requirements += [f'{example}[test]' for example in examples]
        requirements += ['--editable', str(workspace.CHECKOUT)]
        content += _project(examples)
    if _ready(path, content):
        return path
    with workspace.locked(path.name):
        if not _ready(path, content):
            say(f'installing {requirements[0]} (about a minute, once)')
            _make(path, requirements, content)
    return path


def _ready(path: pathlib.Path, content: Sequence[str]) -> bool:
    stamp = path / '.ready'
    return stamp.is_file() and stamp.read_text() == _stamp(content)


def _path(name: str) -> pathlib.Path:
    parts = [name, 'venv']
    if name in versions.WITH_PROJECT:
        # Checkouts may share a cache, and be tested at the same time, and
        # with more than one release.
        which = ' '.join(
            [str(workspace.CHECKOUT), *versions.REQUIREMENTS[name]]
        )
        parts.insert(1, hashlib.sha256(which.encode()).hexdigest()[:12])
    return workspace.cache_directory() / '-'.join(parts)


def _project(examples: Sequence[pathlib.Path]) -> list[str]:
    """What of this project its installation depends on: its modules are
    read where they are, its entry points and requirements are not. Of an
    example, it is all that is installed."""
    files = [
        workspace.CHECKOUT / name for name in ('setup.cfg', 'requirements.txt')
    ]
    for example in examples:
        files.append(example / 'pyproject.toml')
        found = sorted(example.glob('metal_drivers_*/*'))
        files += [each for each in found if each.suffix in ('.py', '.yaml')]
    return [
        f'{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}'
        for file in files
    ]


def _stamp(content: Sequence[str]) -> str:
    return ''.join(f'{line}\n' for line in content)


def _make(
    path: pathlib.Path, requirements: Sequence[str], content: Sequence[str]
) -> None:
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
    (path / '.ready').write_text(_stamp(content))
