# SPDX-License-Identifier: Apache-2.0
"""Our code beside Watcher's: installed, switched, repaired, removed.

Each wheel has a directory of its own, below ``versions``. The link ``lib``
leads to the one in use, and the system's Python finds ``lib`` by a ``.pth``
file. To switch is to replace the link.
"""

from __future__ import annotations

import email
import functools
import hashlib
import os
import pathlib
import shutil
import tempfile
import zipfile

import packages
from machine import Machine, read

NAME = 'watcher-metal-drivers'


class BadWheel(Exception):
    """The resource cannot be installed; the text says why."""


def library(machine: Machine) -> pathlib.Path:
    """The link to the code in use."""
    return machine.home / 'lib'


def in_use(machine: Machine) -> str:
    """The name of the version in use; empty where there is none."""
    link = library(machine)
    return os.readlink(link).rpartition('/')[2] if link.is_dir() else ''


def install(machine: Machine, wheel: pathlib.Path) -> pathlib.Path:
    """Install a wheel beside the one in use, without using it yet.

    :returns: its directory.
    :raises BadWheel: it is no wheel of ours, or cannot be imported.
    :raises CommandFailed: apt or pip failed.
    """
    version = _version(wheel)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()[:12]
    target = machine.home / 'versions' / f'{version}-{digest}'
    if target.is_dir():
        return target
    packages.install(machine)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix='.') as name:
        unpacked = pathlib.Path(name, 'unpacked')
        # Juju gives the resource a name that pip does not take.
        named = pathlib.Path(
            name, f'{NAME.replace("-", "_")}-{version}-py3-none-any.whl'
        )
        shutil.copyfile(wheel, named)
        machine.run_checked(
            machine.python, '-m', 'pip', 'install',
            '--quiet', '--no-deps', '--no-index', '--no-cache-dir',
            '--target', str(unpacked), str(named),
        )  # fmt: skip
        problem = machine.probe(unpacked)
        if problem:
            raise BadWheel(f'the wheel cannot be used: {problem}')
        unpacked.rename(target)
    return target


def use(machine: Machine, target: pathlib.Path) -> None:
    """Switch to an installed version, in one step."""
    link = library(machine)
    if in_use(machine) != target.name:
        new = link.with_name('.lib')
        new.unlink(missing_ok=True)
        new.symlink_to(pathlib.Path('versions', target.name))
        os.replace(new, link)


def prune(machine: Machine) -> None:
    """Remove the versions that are not in use."""
    used = in_use(machine)
    for path in (machine.home / 'versions').iterdir():
        if path.name != used:
            shutil.rmtree(path)


# A process of the charm handles one event.
@functools.cache
def path_file(machine: Machine) -> pathlib.Path:
    """The ``.pth`` file that the system's Python, as it is now, reads.

    :raises CommandFailed: there is no such Python.
    """
    version = machine.run_checked(
        machine.python,
        '-c',
        'import sys; print("python%d.%d" % sys.version_info[:2])',
    ).strip()
    return _libraries(machine) / version / 'dist-packages' / f'{NAME}.pth'


def is_found(machine: Machine, path: pathlib.Path) -> bool:
    """Whether that Python finds our code."""
    return read(path) == f'{library(machine)}\n'


def have_found(machine: Machine, path: pathlib.Path) -> None:
    """Have that Python, and no other, find our code."""
    for other in _path_files(machine):
        if other != path:
            other.unlink()
    if not is_found(machine, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix('.new')
        new.write_text(f'{library(machine)}\n')
        os.replace(new, path)


def forget(machine: Machine) -> bool:
    """Have no Python find our code.

    :returns: whether one did.
    """
    paths = _path_files(machine)
    for path in paths:
        path.unlink()
    return bool(paths)


def remove(machine: Machine) -> None:
    """Remove our code, and all that the charm remembers."""
    if machine.home.is_dir():
        shutil.rmtree(machine.home)


def _libraries(machine: Machine) -> pathlib.Path:
    return machine.root / 'usr/local/lib'


def _path_files(machine: Machine) -> list[pathlib.Path]:
    return list(
        _libraries(machine).glob(f'python3.*/dist-packages/{NAME}.pth')
    )


def _version(wheel: pathlib.Path) -> str:
    try:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (
                each
                for each in archive.namelist()
                if each.endswith('.dist-info/METADATA')
            )
            metadata = email.message_from_bytes(archive.read(name))
    except (zipfile.BadZipFile, ValueError, KeyError) as exc:
        raise BadWheel('the resource "wheel" is not a wheel') from exc
    found = str(metadata['Name']).lower().replace('_', '-')
    if found != NAME:
        raise BadWheel(f'the resource "wheel" is a wheel of {found}')
    return str(metadata['Version'])
