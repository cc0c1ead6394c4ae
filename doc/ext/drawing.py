# SPDX-License-Identifier: Apache-2.0
"""Small drawings in SVG, to be put into a page.

They take the colour of the text around them, so they can be read on light
and on dark, and load nothing.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

#: The width of a letter, in the units of a drawing, on average.
LETTER = 6.4

_STYLE = (
    '.drawing{max-width:100%;height:auto;font:11px sans-serif;'
    'color:inherit}'
    '.drawing text{fill:currentColor;text-anchor:middle;'
    'dominant-baseline:central}'
    '.drawing rect,.drawing polyline{fill:none;stroke:currentColor}'
    '.drawing polyline{opacity:.45}'
    '.drawing .ask{stroke:#2f81f7}.drawing .wait{stroke:#b8860b}'
    '.drawing .act{stroke:#2da44e;stroke-width:2}'
    '.drawing .end{stroke:#e5534b}'
)


class Drawing:
    """What is drawn; y grows downwards.

    :param title: what it shows, for those who do not see it.
    """

    def __init__(self, title: str, width: float) -> None:
        self._title, self._width, self._height = title, width, 0.0
        self._parts: list[str] = []

    def box(
        self,
        x: float,
        y: float,
        width: float,
        text: str,
        *,
        kind: str = '',
        tip: str = '',
        height: float = 20,
    ) -> None:
        """A box around a text; x and y are its left and its middle."""
        self._height = max(self._height, y + height)
        hint = f'<title>{html.escape(tip)}</title>' if tip else ''
        self._parts.append(
            f'<g>{hint}<rect class="{kind}" x="{x:g}" y="{y - height / 2:g}" '
            f'width="{width:g}" height="{height:g}" rx="4"/>'
            f'<text x="{x + width / 2:g}" y="{y:g}">{html.escape(text)}'
            '</text></g>'
        )

    def text(self, x: float, y: float, text: str) -> None:
        """A text with its middle there."""
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}">{html.escape(text)}</text>'
        )

    def line(
        self, points: Sequence[tuple[float, float]], arrow: bool = False
    ) -> None:
        """A line through points; with an arrow at the last one."""
        path = ' '.join(f'{x:g},{y:g}' for x, y in points)
        end = ' marker-end="url(#arrow)"' if arrow else ''
        self._parts.append(f'<polyline points="{path}"{end}/>')

    def svg(self) -> str:
        """The text of it."""
        size = f'{self._width:g} {self._height + 4:g}'
        return (
            f'<svg class="drawing" role="img" viewBox="0 0 {size}" '
            f'width="{self._width:g}" xmlns="http://www.w3.org/2000/svg">'
            f'<title>{html.escape(self._title)}</title>'
            f'<style>{_STYLE}</style>'
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" '
            'markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 8 4 0 8z" fill="currentColor"/></marker></defs>'
            + ''.join(self._parts)
            + '</svg>'
        )


def width_of(text: str) -> float:
    """Of a box around that text."""
    return len(text) * LETTER + 12
