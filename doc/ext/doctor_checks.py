# SPDX-License-Identifier: Apache-2.0
"""The directive ``doctor-checks``: what ``metal-drivers check`` looks at, in
its order, as ``metal_drivers.doctor`` has it."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

from metal_drivers import doctor


class DoctorChecks(Directive):
    """A list of the checks, with their sentences."""

    def run(self) -> list[Any]:
        found = nodes.definition_list()
        for check in doctor.CHECKS:
            found += nodes.definition_list_item(
                '',
                nodes.term(text=check.name),
                nodes.definition('', nodes.paragraph(text=check.about)),
            )
        return [found]


def setup(app: Any) -> dict[str, bool]:
    app.add_directive('doctor-checks', DoctorChecks)
    return {'parallel_read_safe': True}
