# SPDX-License-Identifier: Apache-2.0
"""Directives for the rules of power.

``power-table`` is the list of what a table says, ``power-diagram`` a drawing
of it. Both take the name of the table; they show the part that is read until
the end is decided, or with ``:tidy:`` the part that is read after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tables
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList
from drawing import Drawing, width_of

_ROW = 26
_BOX = 230
_LEFT = 130
_WIDTH = 720


def lines(found: Sequence[tables.Row]) -> list[str]:
    """The list of them, in reStructuredText."""
    first: dict[str, int] = {}
    text = []
    for number, row in enumerate(found, 1):
        told = row.sentence
        if not told and row.question:
            told = f'Asked again: {row.name}.'
        if not row.question:
            before = first.setdefault(row.name, number)
            if before != number:
                told = f'As in {before}: {told}'
        text.append(f'#. {told} {_steps(row)}'.rstrip())
    return text


def _steps(row: tables.Row) -> str:
    """What it asks or decides, in few words."""
    if not row.question:
        words = [*row.acts, *row.ends]
        return f'*[{", ".join(words)}]*' if words else ''
    least = ', '.join([*row.older[:-2], ' and '.join(row.older[-2:])])
    age = [f'newer than {least}'] * bool(row.older)
    if row.fresh is not None:
        age.append(f'at most {row.fresh:g} s old')
    must = '; must be ' if age else ''
    return f'*[ask{must}{", ".join(age)}]*'


def draw(title: str, found: Sequence[tables.Row], last: str) -> str:
    """A drawing of them.

    :param last: what comes once the end is decided.
    """
    drawing = Drawing(title, _WIDTH)
    middle, top = _LEFT + _BOX / 2, 14.0
    left, right = 6.0, _WIDTH - 6.0
    bottom = top + (len(found) + 1) * _ROW
    acting = deciding = top
    drawing.box(_LEFT, top, _BOX, 'read from here', kind='wait')
    for number, row in enumerate(found, 1):
        y = top + number * _ROW
        drawing.line([(middle, y - _ROW + 10), (middle, y - 10)], True)
        kind = 'ask' if row.question else ''
        name = f'{number}. {row.name}'
        drawing.box(_LEFT, y, _BOX, name, kind=kind, tip=row.sentence)
        x: float = _LEFT
        for word in reversed(row.acts):
            drawing.line([(x, y), (x - 6, y)])
            x -= 6 + width_of(word)
            kind = word if word in ('ask', 'wait') else 'act'
            drawing.box(x, y, width_of(word), word, kind=kind, height=16)
        if row.acts:
            drawing.line([(x, y), (left, y)])
            acting = y
        x = _LEFT + _BOX
        for word in row.ends:
            drawing.line([(x, y), (x + 6, y)])
            drawing.box(x + 6, y, width_of(word), word, kind='end', height=16)
            x += 6 + width_of(word)
        if row.ends:
            drawing.line([(x, y), (right, y)])
            deciding = y
    drawing.line([(left, acting), (left, top), (_LEFT, top)], True)
    drawing.line(
        [
            (right, top + _ROW),
            (right, deciding),
            (right, bottom),
            (_LEFT + _BOX, bottom),
        ],
        True,
    )
    drawing.box(_LEFT, bottom, _BOX, last, kind='end')
    return drawing.svg()


class _Table(Directive):
    required_arguments = 1
    option_spec = {'tidy': directives.flag}  # noqa: RUF012, of docutils

    def found(self) -> list[tables.Row]:
        table = tables.TABLES[self.arguments[0]]
        tidy = 'tidy' in self.options
        return tables.rows(table.tidy if tidy else table.rules)


class PowerTable(_Table):
    """The list of a table."""

    def run(self) -> list[Any]:
        node = nodes.container()
        source = StringList(lines(self.found()), source='metal_drivers.power')
        self.state.nested_parse(source, 0, node)
        return list(node.children)


class PowerDiagram(_Table):
    """A drawing of a table."""

    def run(self) -> list[Any]:
        tidy = 'tidy' in self.options
        last = 'end' if tidy else 'decided: tidy up'
        svg = draw(f'The rules for {self.arguments[0]}', self.found(), last)
        return [nodes.raw('', svg, format='html')]


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive('power-table', PowerTable)
    app.add_directive('power-diagram', PowerDiagram)
    return {'parallel_read_safe': True}
