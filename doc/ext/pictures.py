# SPDX-License-Identifier: Apache-2.0
"""Directives for two drawings: ``selection-diagram``, how a driver is chosen,
and ``parts-diagram``, what stands beside Watcher."""

from __future__ import annotations

from typing import Any

import sketches
from docutils import nodes
from docutils.parsers.rst import Directive


class SelectionDiagram(Directive):
    """How a driver is chosen."""

    def run(self) -> list[Any]:
        return [nodes.raw('', sketches.selection(), format='html')]


class PartsDiagram(Directive):
    """What stands beside Watcher."""

    def run(self) -> list[Any]:
        return [nodes.raw('', sketches.parts(), format='html')]


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive('selection-diagram', SelectionDiagram)
    app.add_directive('parts-diagram', PartsDiagram)
    return {'parallel_read_safe': True}
