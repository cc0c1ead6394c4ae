# SPDX-License-Identifier: Apache-2.0
"""``driver new``: the project of a new driver.

Its files are those of the example of the documentation, in ``skeleton``,
with another name.
"""

from __future__ import annotations

import argparse
import keyword
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from metal_drivers import exceptions, plugins
from metal_drivers.cli import base

SKELETON = Path(__file__).with_name('skeleton')

#: What the example is called: in names of distributions, modules and
#: classes, and in sentences.
_EXAMPLE = re.compile(r'acme(?=-)|acme|Acme|ACME')


class NewDriver(base.Plain):
    """Write the project of a new driver: code, tests and packaging.

    It works as it is, with a small service that comes with its tests.
    """

    EXAMPLES = (
        (
            'Write the driver acme into the directory acme-metal.',
            'metal-drivers driver new acme',
        ),
        (
            'Write it somewhere else.',
            'metal-drivers driver new acme --directory acme-driver',
        ),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            'name',
            metavar='NAME',
            help='the name of the driver, as in [watcher.metal.drivers.NAME]',
        )
        parser.add_argument(
            '--directory',
            metavar='DIR',
            type=Path,
            help='where to write it: a directory that is empty, or not there '
            'yet (default: NAME-metal)',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        name = parsed_args.name
        _check_name(name)
        directory = parsed_args.directory or Path(_distribution(name))
        _write(name, directory)
        self.app.stdout.write(
            f'The driver {name} is in {directory}. Begin with its README.rst.'
            '\n'
        )


def files(name: str) -> Iterator[tuple[Path, str]]:
    """The files of a new project: their paths in it, and their texts."""
    for path in sorted(SKELETON.rglob('*')):
        if path.is_file() and path.suffix != '.pyc':
            inside = str(path.relative_to(SKELETON))
            text = path.read_text(encoding='utf-8')
            yield Path(_renamed(inside, name)), _renamed(text, name)


def _renamed(text: str, name: str) -> str:
    if name == 'acme':
        return text
    words = ''.join(word.capitalize() for word in name.split('_'))
    new = {'acme': name, 'Acme': words, 'ACME': words}

    def of(found: re.Match[str]) -> str:
        if found.string[found.end() :].startswith('-metal'):
            return _distribution(name).removesuffix('-metal')
        return new[found[0]]

    return _EXAMPLE.sub(of, text)


def _distribution(name: str) -> str:
    return f'{name.replace("_", "-")}-metal'


def _check_name(name: str) -> None:
    """:raises ConfigurationError: no new driver can have this name."""
    if not re.fullmatch(r'[a-z]([a-z0-9_]*[a-z0-9])?', name) or (
        keyword.iskeyword(name)
    ):
        raise exceptions.ConfigurationError(
            f'{name!r} cannot be the name of a driver',
            cure='Use lower-case letters, digits and underscores, such as '
            'acme or rack_7.',
        )
    if name == plugins.AUTO:
        raise exceptions.ConfigurationError(
            f'{name!r} cannot be the name of a driver: [metal_drivers] driver '
            'has another meaning for it',
            cure='Choose another name.',
        )
    installed = plugins.find_plugins()
    if name in installed.names:
        raise exceptions.ConfigurationError(
            f'A driver {name!r} is installed already',
            cure='Choose another name; metal-drivers driver list shows those '
            'that are taken.',
        )


def _write(name: str, directory: Path) -> None:
    """All files, or none.

    :raises ConfigurationError: the directory cannot be written.
    """
    directory = directory.absolute()
    beside = directory.with_name(f'.{uuid.uuid4().hex}')
    try:
        _check_directory(directory)
        beside.mkdir()
        for path, text in files(name):
            (beside / path).parent.mkdir(exist_ok=True)
            (beside / path).write_text(text, encoding='utf-8')
        os.rename(beside, directory)
    except OSError as exc:
        raise exceptions.ConfigurationError(
            f'{directory} cannot be written: {exc.strerror or exc}',
            cure='Name another directory.',
        ) from exc
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _check_directory(directory: Path) -> None:
    """:raises ConfigurationError: it is not for a new project."""
    if not directory.parent.is_dir():
        raise exceptions.ConfigurationError(
            f'There is no directory {directory.parent}',
            cure='Make it first, or name another one.',
        )
    if directory.is_symlink():
        wrong = 'is a symbolic link'
    elif not directory.exists():
        return
    elif directory.samefile(Path.cwd()):
        wrong = 'is the current directory'
    elif not directory.is_dir() or any(directory.iterdir()):
        wrong = 'is there already, and is no empty directory'
    else:
        return
    raise exceptions.ConfigurationError(
        f'{directory} {wrong}', cure='Name a new directory.'
    )
