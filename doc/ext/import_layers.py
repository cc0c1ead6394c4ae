# SPDX-License-Identifier: Apache-2.0
"""The directive ``import-layers``: a drawing of who imports whom in a
package, and what each of its parts is for."""

from __future__ import annotations

import importlib.util
import pathlib
from typing import Any

import layers
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from drawing import Drawing, width_of

_FLOOR = 56
_WIDTH = 680.0


def draw(title: str, rooms: layers.Rooms) -> str:
    """A drawing of them, those that import above those that they import."""
    drawing = Drawing(title, _WIDTH)
    places = {}
    for number, floor in enumerate(rooms.floors()):
        free = _WIDTH - sum(map(width_of, floor))
        x, y = free / (len(floor) + 1), 14.0 + number * _FLOOR
        for room in floor:
            places[room] = x + width_of(room) / 2, y
            drawing.box(x, y, width_of(room), room, tip=rooms.about[room])
            x += width_of(room) + free / (len(floor) + 1)
    for room, other in rooms.arrows():
        (x, y), (to_x, to_y) = places[room], places[other]
        drawing.line([(x, y + 10), (to_x, to_y - 10)], True)
    return drawing.svg()


class ImportLayers(Directive):
    """Takes the name of a package."""

    required_arguments = 1

    def run(self) -> list[Any]:
        package = self.arguments[0]
        found = importlib.util.find_spec(package)
        assert found is not None and found.origin  # noqa: S101
        folder = pathlib.Path(found.origin).parent
        for path in folder.rglob('*.py'):
            self.state.document.settings.env.note_dependency(str(path))
        rooms = layers.read(folder, package)
        svg = draw(f'The imports within {package}', rooms)
        lines = []
        for floor in rooms.floors():
            for room in floor:
                lines += [f'``{room}``', f'    {rooms.about[room]}.', '']
        node = nodes.container()
        self.state.nested_parse(StringList(lines, source=package), 0, node)
        return [nodes.raw('', svg, format='html'), *node.children]


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive('import-layers', ImportLayers)
    return {'parallel_read_safe': True}
