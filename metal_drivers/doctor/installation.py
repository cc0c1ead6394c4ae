# SPDX-License-Identifier: Apache-2.0
"""What is installed, and where."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterator

from metal_drivers.doctor import cures
from metal_drivers.doctor.model import Finding, Place, ok, warning

_WATCHER = 'python-watcher'
_NAMES = (_WATCHER, 'watcher-metal-drivers')


def copies(place: Place) -> Iterator[Finding]:
    """A second copy of Watcher, or of this package, which hides the first."""
    for name in _NAMES:
        found = _copies(name, place.path)
        if not found:
            if name == _WATCHER:
                yield ok('watcher', 'not installed for this Python')
            continue
        (version, where), *hidden = found
        if not hidden:
            if name == _WATCHER:
                yield ok('watcher', f'{version} in {where}')
            continue
        others = ' and '.join(f'{each[0]} in {each[1]}' for each in hidden)
        yield warning(
            'watcher' if name == _WATCHER else 'installation',
            f'{name} {version} in {where} hides {others}. Remove the one '
            'that was not meant to be there; the command removes the first',
            _uninstall(name),
        )


def _copies(name: str, path: list[str]) -> list[tuple[str, str]]:
    """Versions and folders, the one that is imported first."""
    found: dict[str, tuple[str, str]] = {}
    for folder in dict.fromkeys(map(os.path.realpath, path)):
        for each in importlib.metadata.distributions(name=name, path=[folder]):
            found.setdefault(folder, (each.version, folder))
    return list(found.values())


def _uninstall(name: str) -> str:
    return cures.words(sys.executable, '-m', 'pip', 'uninstall', '--', name)
