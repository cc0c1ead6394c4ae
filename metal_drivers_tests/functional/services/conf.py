# SPDX-License-Identifier: Apache-2.0
"""Configuration files as oslo.config reads them."""

import pathlib
from collections.abc import Mapping

Section = Mapping[str, object]
Sections = Mapping[str, Section]


def write(path: pathlib.Path, *parts: Sections) -> pathlib.Path:
    """Write one file from ``parts``; a later one adds to sections."""
    merged: dict[str, dict[str, object]] = {}
    for sections in parts:
        for name, section in sections.items():
            merged.setdefault(name, {}).update(section)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '\n'.join(_section(name, body) for name, body in merged.items())
    )
    return path


def sqlite(path: pathlib.Path) -> Section:
    """Return the options of a database that waits for its lock, 30 seconds.

    It does not wait for the disk: the longer a commit takes, the likelier
    another transaction finds the database locked, and no crash of the
    machine is to be survived here.
    """
    return {
        'connection': f'sqlite:///{path}?timeout=30',
        'sqlite_synchronous': False,
    }


def _section(name: str, body: Section) -> str:
    lines = [f'[{name}]']
    # oslo.config would take a lone dollar for a reference.
    lines += [
        f'{key} = {str(value).replace("$", "$$")}'
        for key, value in body.items()
    ]
    return '\n'.join(lines) + '\n'
