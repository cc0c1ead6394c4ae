# SPDX-License-Identifier: Apache-2.0
"""A list for somebody at a terminal: in its width, no name broken.

cliff's table shares the width among all columns, and breaks names and ids
to keep it. Here only the notes are wrapped, between words.
"""

from __future__ import annotations

import argparse
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
    widths = [
        max(map(len, [*head, *(row[at] for row in rows)]))
        for at, head in enumerate(heads)
    ]
    # The last column may be wrapped.
    left = width - sum(size + len(_GAP) for size in widths[:-1])
    below = left < min(_LEAST, widths[-1])
    # On one line where there is room anyway.
    heads = [
        [name] if len(name) <= size else head
        for name, head, size in zip(names, heads, widths, strict=True)
    ]
    if below:
        widths[-1] = max(map(len, heads[-1]))
    else:
        widths[-1] = min(widths[-1], left)
    height = max(map(len, heads))
    for number in range(height):
        # Short headings stand at the bottom.
        yield _line(
            [([''] * (height - len(head)) + head)[number] for head in heads],
            widths,
        )
    yield _GAP.join('-' * size for size in widths)
    for row in rows:
        *cells, note = row
        if below:
            yield _line(cells, widths)
            yield from _wrapped(note, width - len(_INDENT), _INDENT)
            continue
        first, *more = _wrapped(note, widths[-1]) or ['']
        yield _line([*cells, first], widths)
        for line in more:
            yield _line([''] * len(cells) + [line], widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(
        cell.ljust(size) for cell, size in zip(cells, widths, strict=False)
    )


def _wrapped(text: str, width: int, indent: str = '') -> list[str]:
    return [
        indent + line
        for line in textwrap.wrap(
            text,
            max(1, width),
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]
