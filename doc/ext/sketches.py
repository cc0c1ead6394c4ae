# SPDX-License-Identifier: Apache-2.0
"""Two drawings: how a driver is chosen, and what stands beside Watcher."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from typing import NamedTuple

from drawing import Drawing

_WIDTH = 520
_WIDE = 580
_ROW = 44
_HOOKS = 'metal_drivers.hooks'
_DISTRIBUTION = 'watcher-metal-drivers'


class Question(NamedTuple):
    """One that is asked when a driver is chosen."""

    text: str
    #: What happens if the answer is yes, in few words.
    end: str
    #: Whether a driver is used then; else the selection is refused.
    used: bool = False


#: In this order, until one is answered with yes.
SELECTION = (
    Question('Does [metal_drivers] driver name one?', 'that one', True),
    Question('Is one half configured?', 'refused: what it lacks'),
    Question('Can a configured one not be used?', 'refused: the reason'),
    Question('Is none configured?', 'Ironic', True),
    Question('Have two the highest priority?', 'refused: name one'),
)
#: If all are answered with no.
LAST = 'the one with the highest priority'


def selection() -> str:
    """How a driver is chosen."""
    drawing = Drawing('How a driver is chosen', _WIDTH)
    left, width, right = 6.0, 268.0, 330.0
    middle = left + width / 2
    for number, question in enumerate(SELECTION):
        y = 16 + number * _ROW
        drawing.box(left, y, width, question.text, kind='ask', height=24)
        drawing.line([(left + width, y), (right, y)], True)
        drawing.text((left + width + right) / 2, y - 8, 'yes')
        kind = 'act' if question.used else 'end'
        end = _WIDTH - right - 6
        drawing.box(right, y, end, question.end, kind=kind, height=24)
        drawing.line([(middle, y + 12), (middle, y + _ROW - 12)], True)
        drawing.text(middle + 14, y + _ROW / 2, 'no')
    y = 16 + len(SELECTION) * _ROW
    drawing.box(left, y, width, LAST, kind='act', height=24)
    return drawing.svg()


def parts() -> str:
    """What stands beside Watcher, by the names of its entry points."""
    drawing = Drawing('The parts beside Watcher', _WIDE)
    drivers, hooks = _names('watcher.metal.drivers'), _names(_HOOKS)
    rows: Sequence[tuple[str, Sequence[str]]] = (
        ('wait', ('decision engine', 'applier', 'you')),
        (
            'act',
            (
                *_names('watcher_strategies'),
                *_names('watcher_actions'),
                *_names('console_scripts'),
            ),
        ),
        ('act', ('planning: which hosts', 'power: guards and rules')),
        (
            'act',
            (
                f'drivers: {", ".join(drivers)}, …',
                'compute',
                f'hooks: {", ".join(hooks)}, …',
            ),
        ),
        ('ask', ('Ironic, MAAS, …', 'Nova', 'Masakari, …')),
    )
    for number, (kind, texts) in enumerate(rows):
        y = 16 + number * _ROW
        gap = 10.0
        width = (_WIDE - 12 - gap * (len(texts) - 1)) / len(texts)
        for place, text in enumerate(texts):
            x = 6 + place * (width + gap)
            drawing.box(x, y, width, text, kind=kind, height=26)
    # Who calls whom: a row, and where an arrow to the next one begins and
    # ends, in parts of the width.
    for row, start, end in (
        (0, 0.17, 0.17),
        (0, 0.5, 0.5),
        (0, 0.83, 0.83),
        (1, 0.17, 0.17),
        (1, 0.6, 0.6),
        (1, 0.8, 0.8),
        (1, 0.7, 0.42),
        (2, 0.17, 0.17),
        (2, 0.44, 0.44),
        (2, 0.56, 0.56),
        (2, 0.83, 0.83),
        (2, 0.53, 0.3),
        (3, 0.17, 0.17),
        (3, 0.5, 0.5),
        (3, 0.83, 0.83),
    ):
        _down(drawing, row, start * _WIDE, end * _WIDE)
    return drawing.svg()


def _down(drawing: Drawing, row: int, x: float, to: float) -> None:
    """An arrow from a row to the next one."""
    y = 16 + row * _ROW
    drawing.line([(x, y + 13), (to, y + _ROW - 13)], True)


def _names(group: str) -> list[str]:
    """The names of our own entry points in that group."""
    found = importlib.metadata.distribution(_DISTRIBUTION).entry_points
    return sorted(entry.name for entry in found if entry.group == group)
