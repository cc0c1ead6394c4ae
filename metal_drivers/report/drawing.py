# SPDX-License-Identifier: Apache-2.0
"""How drawings look, and what makes SVG of them that goes into a page.

Colours are those of the page: each is drawn in one that stands for a CSS
variable, so that the drawing is readable in the dark, too.
"""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

#: What stands for a variable.
_VARIABLES = {
    '#a00001': '--ink',
    '#a00002': '--muted',
    '#a00003': '--rule',
    '#a00004': '--off',
    '#a00005': '--between',
    '#a00006': '--failed',
    '#a00007': '--on',
}
INK, MUTED, RULE, OFF, BETWEEN, FAILED, ON = _VARIABLES

STYLE = {
    'svg.fonttype': 'none',  # text that can be searched, in the page's font
    'font.family': 'sans-serif',
    'font.size': 9.5,
    'text.color': MUTED,
    'axes.labelcolor': MUTED,
    'axes.edgecolor': RULE,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.spines.left': False,
    'axes.grid': True,
    'axes.grid.axis': 'y',
    'axes.axisbelow': True,
    'grid.color': RULE,
    'grid.linewidth': 0.7,
    'xtick.color': MUTED,
    'ytick.color': MUTED,
    'xtick.major.size': 0,
    'ytick.major.size': 0,
    'xtick.major.pad': 6,
}
#: That of a page, in inches.
WIDTH = 9.2


def figure(height: float, width: float = WIDTH) -> tuple[Figure, Any]:
    """One with one pair of axes; sizes are in inches.

    It is made, and drawn, with :data:`STYLE` in force.
    """
    made = Figure(figsize=(width, height), layout='constrained')
    return made, made.subplots()


def svg(figure: Figure, title: str, name: str) -> str:
    """The drawing, to be put into HTML.

    :param title: what it shows, for those who do not see it.
    :param name: no other drawing of the same page has it.
    """
    out = io.StringIO()
    # The same drawing of the same report; and ids of no other one.
    with mpl.rc_context({'svg.hashsalt': name}):
        figure.savefig(
            out,
            format='svg',
            transparent=True,
            metadata={
                'Date': None,
                'Creator': None,
                'Format': None,
                'Type': None,
            },
        )
    text = out.getvalue()
    text = text[text.index('<svg') :]
    text = re.sub(r'<metadata>.*?</metadata>\s*', '', text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*">', '<g>', text)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', '', text)
    text = text.replace('xlink:href', 'href')
    text = re.sub(
        '|'.join(_VARIABLES),
        lambda found: f'var({_VARIABLES[found[0]]})',
        text,
    )
    # As wide as the page.
    return re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>',
        rf'<svg viewBox="\1" role="img" aria-label="{title}">',
        text,
        count=1,
    )
