# SPDX-License-Identifier: Apache-2.0
"""The marker in Masakari: for which node metal-drivers set the flag.

Masakari has no field for it. A host's ``control_attributes`` are free text
that nothing of Masakari reads, so the marker is added at their end, and taken
away with the flag.
"""

from __future__ import annotations

import re

_MARK = 'metal-drivers/1 node '

_PATTERN = re.compile(
    r'(?P<before>.*?) ?' + re.escape(_MARK) + r'(?P<node>.+)', re.DOTALL
)


def add(attributes: str, node_id: str) -> str:
    """The text with a marker for that node, instead of any other."""
    before = remove(attributes)
    return f'{before} {_MARK}{node_id}' if before else f'{_MARK}{node_id}'


def remove(attributes: str) -> str:
    """The text as it was without a marker."""
    found = _PATTERN.fullmatch(attributes)
    return found['before'] if found else attributes


def node_of(attributes: str) -> str:
    """The node of the marker; empty where there is none."""
    found = _PATTERN.fullmatch(attributes)
    return found['node'] if found else ''
