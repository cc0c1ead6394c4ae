# SPDX-License-Identifier: Apache-2.0
"""The directive ``metrics-drawing``: what the exporter reports over an
invented night of 12 hosts. Its argument says which drawing."""

from __future__ import annotations

import functools
from typing import Any

import metrics_charts
import report_drawings
from docutils.parsers.rst import Directive

from metal_drivers_tests.unit import night


@functools.cache
def _night() -> night.Found:
    return night.Night().run()


class MetricsDrawing(Directive):
    """One of the drawings, by its name."""

    required_arguments = 1

    def run(self) -> list[Any]:
        draw = metrics_charts.DRAW[self.arguments[0]]
        return report_drawings.shown(draw(_night()))


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive('metrics-drawing', MetricsDrawing)
    return {'parallel_read_safe': True}
