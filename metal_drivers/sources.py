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
    return _once((conf.config_file or []) if 'config_file' in conf else [])


def drop_ins(conf: cfg.ConfigOpts) -> list[str]:
    """The files of ``--config-dir``, or of the directories found by
    default: they are read even where ``--config-file`` is given."""
    folders = (conf.config_dir or []) if 'config_dir' in conf else []
    return _once(
        [
            path
            for folder in folders
            for path in sorted(glob.glob(os.path.join(folder, '*.conf')))
        ]
    )


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


def all_settings(conf: cfg.ConfigOpts) -> list[Setting]:
    """What all files set, in the order in which they were read.

    :raises ParseError: see :func:`settings`.
    :raises OSError: see there.
    """
    return [each for path in files(conf) for each in settings(path)]


def origin(
    conf: cfg.ConfigOpts,
    group: str,
    opt: cfg.Opt,
    found: Sequence[Setting],
) -> str | None:
    """Where the value of an option comes from: a file, the environment, an
    override; None: it is the default.

    oslo.config itself names the last file that has the section, whether the
    option is in it or not.

    :param found: what all files set.
    """
    try:
        where = conf.get_location(opt.dest, group)
    except cfg.NoSuchOptError:  # a required one is not registered
        where = None
    if where is not None and not where.location.is_user_controlled:
        return None
    if where is None or where.location is cfg.Locations.user:
        names = names_of(group, opt)
        for each in reversed(found):
            if (each.group, each.name) in names:
                return each.path
    return where and str(where.detail or where.location.name)


def names_of(group: str, opt: cfg.Opt) -> list[tuple[str, str]]:
    """The groups, in lower case, and the names that an option may be
    written with, in the order in which oslo.config looks for them in one
    file."""
    return [
        (group.lower(), opt.dest),
        *(
            ((old.group or group).lower(), old.name or opt.dest)
            for old in opt.deprecated_opts
        ),
    ]


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


def _once(paths: Sequence[str]) -> list[str]:
    """Each where it was read last: oslo.config reads a file twice where the
    project and the program have one name."""
    return list(dict.fromkeys(reversed(paths)))[::-1]


def _is_named(conf: cfg.ConfigOpts, option: str) -> bool:
    """Whether that option was given on the command line."""
    if option not in conf:
        return False
    found = conf.get_location(option)
    return found is not None and found.location is cfg.Locations.command_line
