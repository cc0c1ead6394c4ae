# SPDX-License-Identifier: Apache-2.0
"""The directive ``report-drawing``: a drawing of the page of ``metal-drivers
report``, of an invented month of 24 hosts. Its argument says which."""

from __future__ import annotations

import functools
import pathlib
import tempfile
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

from metal_drivers.report import charts, reading, tally
from metal_drivers_tests.unit.report import lines

#: The colours of the page, on the white of the documentation.
_COLOURS = {
    '--ink': '#1c2622',
    '--muted': '#5b6963',
    '--rule': '#dfe4e0',
    '--off': '#0f7f6d',
    '--on': '#e9edea',
    '--between': '#e0a100',
    '--failed': '#c93a2b',
}


@functools.cache
def _report() -> tally.Report:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'history.jsonl')
        lines.many(path, 1500, 24)
        records = reading.read([str(path)]).records
    return tally.make(records, None, lines.EPOCH)


_DRAW = {
    'hosts-off': lambda: charts.hosts_off(_report()),
    'per-day': lambda: charts.per_day(_report()),
    'times-back': lambda: charts.times_back(_report().total().backs),
    'strips': lambda: charts.strips(_report())[0],
}


def shown(svg: str) -> list[Any]:
    """A drawing of ``metal_drivers.report.drawing``, in a page.

    On a narrow screen it is moved, for its text to be readable.
    """
    style = ';'.join(f'{name}:{value}' for name, value in _COLOURS.items())
    text = f'<div class="chart" style="{style}">{svg}</div>'
    return [nodes.raw('', text, format='html')]


class ReportDrawing(Directive):
    """One of the drawings, by its name."""

    required_arguments = 1

    def run(self) -> list[Any]:
        return shown(_DRAW[self.arguments[0]]())


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive('report-drawing', ReportDrawing)
    return {'parallel_read_safe': True}
