# SPDX-License-Identifier: Apache-2.0
"""Which part of a package imports which, read from its source."""

from __future__ import annotations

import ast
import dataclasses
import functools
import pathlib
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Rooms:
    """The modules and packages right below a package.

    :ivar about: each room, and the first sentence of its docstring.
    :ivar uses: each room, and those that it imports when it is imported.
    """

    about: dict[str, str]
    uses: dict[str, frozenset[str]]

    def reach(self, room: str) -> frozenset[str]:
        """What it imports, and what that imports, and so on."""
        found: set[str] = set()
        left = [room]
        while left:
            new = self.uses[left.pop()] - found
            found |= new
            left += new
        return frozenset(found)

    def floors(self) -> list[list[str]]:
        """The rooms, each above all that it imports; the top one first."""

        @functools.cache
        def height(room: str) -> int:
            below = [
                height(other)
                for other in self.reach(room)
                if room not in self.reach(other)
            ]
            return max(below, default=-1) + 1

        count = max(map(height, self.about)) + 1
        found: list[list[str]] = [[] for _ in range(count)]
        for room in sorted(self.about):
            found[-1 - height(room)].append(room)
        return found

    def arrows(self) -> list[tuple[str, str]]:
        """Who imports whom, less what a longer way says as well."""
        return [
            (room, other)
            for room, used in sorted(self.uses.items())
            for other in sorted(used)
            if not any(other in self.reach(way) for way in used - {other})
        ]


def read(folder: pathlib.Path, package: str) -> Rooms:
    """The rooms of a package.

    :param folder: of the package.
    """
    about: dict[str, str] = {}
    uses: dict[str, set[str]] = {}
    files = sorted(folder.rglob('*.py'))
    names = {_module(path, folder): path for path in files}
    for name, path in names.items():
        tree = ast.parse(path.read_text(encoding='utf-8'))
        room = name.split('.')[0]
        if name == room and room:
            text = ' '.join((ast.get_docstring(tree) or '').split())
            about[room] = text.partition('. ')[0].rstrip('.')
        if not room:
            continue
        found = uses.setdefault(room, set())
        for module in _imported(tree.body):
            other = module.removeprefix(package).lstrip('.').split('.')[0]
            if module.startswith(f'{package}.') and other in names:
                found.add(other)
    return Rooms(
        about, {room: frozenset(uses[room] - {room}) for room in about}
    )


def _module(path: pathlib.Path, folder: pathlib.Path) -> str:
    """Its name below the package; of the package itself, none."""
    parts = path.relative_to(folder).with_suffix('').parts
    return '.'.join(part for part in parts if part != '__init__')


def _imported(body: list[ast.stmt]) -> Iterator[str]:
    """What is imported at once; not within functions, nor for types."""
    for statement in body:
        match statement:
            case ast.Import():
                yield from (alias.name for alias in statement.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield from (f'{module}.{a.name}' for a in statement.names)
            case ast.If(test=ast.Name(id='TYPE_CHECKING')):
                continue
            case ast.If() | ast.Try() | ast.With():
                yield from _imported(statement.body)
