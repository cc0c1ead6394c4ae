# SPDX-License-Identifier: Apache-2.0
"""Which configuration files are read, in which order, and what each sets."""

from __future__ import annotations

import dataclasses
import glob
import os
from collections.abc import Sequence

from oslo_config import cfg


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """An option that a file sets."""

    path: str
    #: In lower case: oslo.config reads groups without regard to it.
    group: str
    name: str
    #: How many times it stands there.
    times: int = 1


def main_files(conf: cfg.ConfigOpts) -> list[str]:
    """The files of ``--config-file``, or those found by default."""
    return list(conf.config_file or []) if 'config_file' in conf else []


def drop_ins(conf: cfg.ConfigOpts) -> list[str]:
    """The files of ``--config-dir``, or of the directories found by
    default: they are read even where ``--config-file`` is given."""
    folders = (conf.config_dir or []) if 'config_dir' in conf else []
    return [
        path
        for folder in folders
        for path in sorted(
            glob.glob(os.path.join(os.path.expanduser(folder), '*.conf'))
        )
    ]


def files(conf: cfg.ConfigOpts) -> list[str]:
    """All of these files in the order in which they were read: of two that
    set the same option, the later one wins.

    The directories found by default are read first of all where
    ``--config-file`` is given, and last where it is not. If both options
    are given, their order is taken to be that of RHOSO: the files first.
    """
    first, last = main_files(conf), drop_ins(conf)
    if _is_named(conf, 'config_file') and not _is_named(conf, 'config_dir'):
        first, last = last, first
    return [*first, *last]


def settings(path: str) -> list[Setting]:
    """What one file sets, section by section; values are not kept.

    :raises ParseError: of oslo.config; it is not a configuration file.
    :raises OSError: it cannot be read.
    """
    sections: dict[str, dict[str, Sequence[str]]] = {}
    cfg.ConfigParser(path, sections).parse()
    return [
        Setting(path, group.lower(), name, len(values))
        for group, found in sections.items()
        for name, values in found.items()
    ]


def _is_named(conf: cfg.ConfigOpts, option: str) -> bool:
    """Whether that option was given on the command line."""
    if option not in conf:
        return False
    found = conf.get_location(option)
    return found is not None and found.location is cfg.Locations.command_line
