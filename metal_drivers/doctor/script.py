# SPDX-License-Identifier: Apache-2.0
"""The commands of the cures, to be read and then run by a shell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from metal_drivers.doctor.model import Finding
from metal_drivers.model import CheckStatus


def script(findings: Iterable[Finding]) -> Iterator[str]:
    """Its lines: above each command, as a comment, what it is for.

    What has no command is a comment, too.
    """
    for found in findings:
        if found.status is CheckStatus.OK:
            continue
        yield _comment(f'{found.name} ({found.status.value}): {found.detail}')
        yield from found.fixes or ('# No command does this.',)


def _comment(text: str) -> str:
    # On one line, whatever a service has put into it: what followed would
    # be run.
    line = ' '.join(text.split())
    return '# ' + ''.join(char if char.isprintable() else '?' for char in line)
