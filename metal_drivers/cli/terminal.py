# SPDX-License-Identifier: Apache-2.0
"""A list at a terminal: within its width, no name broken.

cliff's table shares the width among all columns, and breaks names and ids
to keep it. Here only the notes are wrapped, between words.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from cliff import columns
from cliff.formatters import base

#: Between two columns.
_GAP = '  '
#: Notes that get less than this many characters go below their row.
_LEAST = 30
_INDENT = '    '
#: How what may be said beside a value begins.
_BRACKET = ' ('


class TerminalFormatter(base.ListFormatter):
    """Every column as wide as it has to be, and the last one wrapped.

    :param width: of the terminal, in characters; narrower where
        ``--max-width`` says so. What cannot fit is not cut.
    """

    def __init__(self, width: int) -> None:
        self._width = width

    def add_argument_group(self, parser: argparse.ArgumentParser) -> None:
        """Those of cliff's table are there."""

    def emit_list(
        self,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
        stdout: TextIO,
        parsed_args: argparse.Namespace,
    ) -> None:
        rows = [[_text(value) for value in row] for row in data]
        if not rows and not parsed_args.print_empty:
            return
        width = self._width
        if parsed_args.max_width > 0:
            width = min(width, parsed_args.max_width)
        for line in _lines(list(column_names), rows, width):
            stdout.write(f'{line.rstrip()}\n')


def width_of(stream: TextIO) -> int:
    """How many characters a line of that terminal has."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):  # not a real one
        return shutil.get_terminal_size().columns


def _text(value: Any) -> str:
    if isinstance(value, columns.FormattableColumn):
        value = value.human_readable()
    return '' if value is None else ' '.join(str(value).split())


def _lines(
    names: list[str], rows: list[list[str]], width: int
) -> Iterable[str]:
    heads = [name.split() for name in names]
    cells = [[[cell] for cell in row[:-1]] for row in rows]
    widths = _widths(heads, cells)
    if sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        # What is in brackets has a line of its own; a name has none.
        cells = [[cell[0].split(_BRACKET) for cell in row] for row in cells]
        cells = [
            [
                [first, *(_BRACKET.strip() + each for each in more)]
                for first, *more in row
            ]
            for row in cells
        ]
        widths = _widths(heads, cells)
    # On one line where there is room anyway.
    heads = [
        [name] if len(name) <= size else head
        for name, head, size in zip(
            names, heads, [*widths, width], strict=True
        )
    ]
    notes = [row[-1] for row in rows]
    longest = max(map(len, [names[-1], *notes]))
    left = width - sum(size + len(_GAP) for size in widths)
    beside = left >= min(_LEAST, longest)
    if beside:
        widths.append(min(longest, left))
    height = max(map(len, heads))
    # Short headings stand at the bottom.
    heads = [[''] * (height - len(head)) + head for head in heads]
    yield from _block(heads if beside else heads[:-1], widths)
    if not beside:
        yield _INDENT + names[-1]
    yield _GAP.join('-' * size for size in widths)
    for row, note in zip(cells, notes, strict=True):
        if beside:
            yield from _block([*row, _wrapped(note, widths[-1])], widths)
        else:
            yield from _block(row, widths)
            for line in _wrapped(note, width - len(_INDENT)):
                yield _INDENT + line


def _widths(
    heads: Sequence[Sequence[str]], cells: Sequence[Sequence[Sequence[str]]]
) -> list[int]:
    """Of every column but the last."""
    return [
        max(map(len, [*head, *(line for row in cells for line in row[at])]))
        for at, head in enumerate(heads[:-1])
    ]


def _block(
    cells: Sequence[Sequence[str]], widths: Sequence[int]
) -> Iterable[str]:
    """A row, whose cells may have several lines."""
    for line in itertools.zip_longest(*cells, fillvalue=''):
        yield _GAP.join(
            text.ljust(size) for text, size in zip(line, widths, strict=True)
        )


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(1, width),
        break_long_words=False,
        break_on_hyphens=False,
    )
