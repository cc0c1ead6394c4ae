# SPDX-License-Identifier: Apache-2.0
"""What is installed, and where."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from collections.abc import Iterator

from metal_drivers.doctor import cures
from metal_drivers.doctor.model import Finding, Place, ok, warning

_WATCHER = 'python-watcher'
_OURSELVES = 'watcher-metal-drivers'
#: Is where Watcher is, whatever Python it runs in.
_ETC = '/etc/watcher'
_NAMES = (_WATCHER, _OURSELVES)


def copies(place: Place) -> Iterator[Finding]:
    """A second copy of Watcher, or of this package, which hides the first."""
    for name in _NAMES:
        found = _copies(name, place.path)
        if not found:
            if name == _WATCHER:
                yield _no_watcher()
            continue
        (version, where), *hidden = found
        if not hidden:
            if name == _WATCHER:
                yield _version(version, where)
            continue
        others = ' and '.join(f'{each[0]} in {each[1]}' for each in hidden)
        yield warning(
            'watcher' if name == _WATCHER else 'installation',
            f'{name} {version} in {where} hides {others}. Remove the one '
            'that was not meant to be there; the command removes the first',
            _uninstall(name),
        )


def _no_watcher() -> Finding:
    detail = f'not installed for {sys.executable}'
    if not os.path.isdir(_ETC):
        return ok('watcher', detail)
    return warning(
        'watcher',
        f'{detail}, but {_ETC} exists. Install {_OURSELVES} in the Python '
        "environment of Watcher's services, and run this command there",
    )


def _version(version: str, where: str) -> Finding:
    """Whether it is one that this release was tested with."""
    detail = f'{version} in {where}'
    tested = next(
        (
            each.partition(';')[0].removeprefix(_WATCHER).strip()
            for each in importlib.metadata.requires(_OURSELVES) or ()
            if each.startswith(_WATCHER)
        ),
        '',
    )
    major = int(re.match('[0-9]*', version)[0] or 0)  # type: ignore[index]
    least = re.search(r'>=\s*([0-9]+)', tested)
    most = re.search(r'<\s*([0-9]+)', tested)
    if (least and major < int(least[1])) or (most and major >= int(most[1])):
        return warning(
            'watcher',
            f'{detail}; this release was tested with {tested}. Use one of '
            'these, or try this one with care',
        )
    return ok('watcher', detail)


def _copies(name: str, path: list[str]) -> list[tuple[str, str]]:
    """Versions and folders, the one that is imported first."""
    found: dict[str, tuple[str, str]] = {}
    for folder in dict.fromkeys(map(os.path.realpath, path)):
        for each in importlib.metadata.distributions(name=name, path=[folder]):
            found.setdefault(folder, (each.version, folder))
    return list(found.values())


def _uninstall(name: str) -> str:
    return cures.words(sys.executable, '-m', 'pip', 'uninstall', '--', name)
