# SPDX-License-Identifier: Apache-2.0
"""The configuration, option by option."""

from __future__ import annotations

import collections
import difflib
from collections.abc import Iterable, Iterator, Sequence

from oslo_config import cfg

from metal_drivers import conf, exceptions, redaction, sources
from metal_drivers._openstack import groups
from metal_drivers.doctor import cures, ours, watchers
from metal_drivers.doctor.model import Finding, Place, failed, ok, warning
from metal_drivers.planning import wish
from metal_drivers.sources import Setting

#: How alike a wrong name and the right one are, from 0 to 1.
_ALIKE = 0.75
#: The same in sections that others read, too.
_QUITE_ALIKE = 0.85
#: The same of the whole names of sections, which begin alike.
_VERY_ALIKE = 0.9


def files(place: Place) -> Iterator[Finding]:
    """The files, in the order in which they are read."""
    paths = sources.files(place.config)
    if not paths:
        yield warning(
            'configuration',
            'There is no configuration file. Name one with --config-file',
        )
        return
    last = '; of two that set the same option, the last one wins'
    yield ok(
        'configuration',
        f'read in this order: {", ".join(paths)}'
        + (last if len(paths) > 1 else ''),
    )


def values(place: Place) -> Iterator[Finding]:
    """Each option of ours that is set: its value, and where that is from."""
    for group in place.ours.groups.values():
        for opt in group.options or ():
            yield from _value(place, group.name, opt)
    yield from watchers.values(place)


def unknown(place: Place) -> Iterator[Finding]:
    """Options and sections of ours that nothing reads."""
    known, names = place.ours.groups, place.ours.names
    strangers: dict[tuple[str, str], None] = {}
    for setting in place.settings:
        group = known.get(setting.group)
        if setting.group in watchers.SECTIONS:
            yield from _misspelt(place, setting)
        elif group is None:
            strangers[setting.path, setting.group] = None
        elif group.options is not None and (
            (setting.group, setting.name) not in names
        ):
            near = _nearest(
                setting.name,
                [name for where, name in names if where == setting.group],
            )
            yield _unknown(setting, group.name, near)
    for path, name in strangers:
        near = _nearest_section(name, [*known, *sorted(watchers.SECTIONS)])
        if near is not None:
            yield warning(
                f'[{name}]',
                f'{path} has a section that nothing reads; the nearest is '
                f'[{near}]. Correct its name',
                cures.rename_section(
                    path, name, known[near].name if near in known else near
                ),
            )
        elif name.startswith(ours.PLUGINS):
            yield warning(
                f'[{name}]',
                f'{path} has a section that nothing reads. Remove it, or '
                'install the package with that driver or hook',
            )


def repeated(place: Place) -> Iterator[Finding]:
    """Options that are set more than once: the services and this command
    may take different values."""
    found: dict[str, list[Setting]] = collections.defaultdict(list)
    written: dict[str, Sequence[tuple[str, str]]] = {}
    for setting in place.settings:
        key = (setting.group, setting.name)
        if key in place.ours.names:
            group, opt = place.ours.names[key]
            name, names = f'[{group}] {opt.dest}', sources.names_of(group, opt)
        elif setting.group in ours.WATCHERS:
            name, names = f'[{setting.group}] {setting.name}', [key]
        else:
            continue
        found[name].append(setting)
        written[name] = names
    main = sources.main_files(place.config)
    for name, settings in found.items():
        if sum(setting.times for setting in settings) > 1:
            yield _repeated(name, settings, written[name], main)


def _value(place: Place, group: str, opt: cfg.Opt) -> Iterator[Finding]:
    config = place.config
    name = f'[{group}] {opt.dest}'
    registered = set(config[group]) if group in config else set()
    if opt.dest not in registered:
        if opt.required:
            # For want of it, whoever parses the configuration would fail.
            return
        config.register_opt(opt, group=group)
    try:
        (value,) = groups.read(config, group, [opt]).values()
    except exceptions.ConfigurationError as exc:
        report = failed if group == conf.GROUP else warning
        yield report(name, str(exc))
        return
    source = sources.origin(config, group, opt, place.settings)
    if source is not None:
        yield ok(name, f'{redaction.shown(opt, value)}, from {source}')


def _misspelt(place: Place, setting: Setting) -> Iterator[Finding]:
    """In a section of Watcher, which reads more than is known here, only
    what is nearly an option that is known."""
    group = setting.group
    if watchers.is_known(group, setting.name):
        return
    names = [opt.dest for opt in watchers.options(place.config, group)]
    near = _nearest(setting.name, names, _QUITE_ALIKE)
    if near is not None and near != setting.name:
        yield _unknown(setting, group, near)


def _unknown(setting: Setting, group: str, near: str | None) -> Finding:
    name = f'[{group}] {setting.name}'
    detail = f'{setting.path} sets an option that nothing reads'
    if near is None:
        return warning(name, f'{detail}. Remove it')
    return warning(
        name,
        f'{detail}; the nearest is {near}. Correct its name',
        cures.rename_option(setting, near),
    )


def _winner(
    settings: Sequence[Setting], names: Sequence[tuple[str, str]]
) -> str:
    """Which of those in one file is taken: the name of today goes before
    those of before, wherever they stand.

    :param names: the groups and names that it may be written with, in the
        order in which they are looked for.
    """
    if len(settings) == 1:
        return 'the last one'
    found = {(each.group, each.name) for each in settings}
    group, option = next(each for each in names if each in found)
    return f'[{group}] {option}'


def _repeated(
    name: str,
    settings: Sequence[Setting],
    names: Sequence[tuple[str, str]],
    main: Sequence[str],
) -> Finding:
    paths = list(dict.fromkeys(setting.path for setting in settings))
    here = paths[-1]
    if len(paths) == 1:
        return warning(
            name,
            f'set more than once in {here}; {_winner(settings, names)} wins. '
            'Set it once',
        )
    detail = f'set in {" and in ".join(paths)}'
    in_main = [path for path in paths if path in main]
    in_drop_ins = [path for path in paths if path not in main]
    if in_main and in_drop_ins:
        detail += (
            f'. Services that are started with --config-file take '
            f'{in_main[-1]}; those that are started without arguments, or '
            f'with --config-dir after --config-file, take {in_drop_ins[-1]}; '
            f'this command takes {here}'
        )
    else:
        detail += f'; {here} wins, for the services and for this command'
    return warning(
        name,
        f'{detail}. Set it once',
        *(
            cures.delete_option(setting)
            for setting in settings
            if setting.path != here
        ),
    )


def _nearest_section(name: str, known: Iterable[str]) -> str | None:
    if name in conf.FORMER_GROUPS:
        return conf.driver_group(name)
    for prefix in ours.PLUGINS:
        if name.startswith(prefix):
            # The names of plugins are compared, not all that is the same.
            short = [
                each.removeprefix(prefix)
                for each in known
                if each.startswith(prefix)
            ]
            near = _nearest(name.removeprefix(prefix), short)
            return near and prefix + near
    # Watcher has strategies whose names are like that of ours.
    return _nearest(
        name, [each for each in known if each != wish.GROUP], _VERY_ALIKE
    )


def _nearest(
    name: str, names: Iterable[str], alike: float = _ALIKE
) -> str | None:
    name = name.lower().replace('-', '_')
    found = difflib.get_close_matches(name, list(names), 1, alike)
    return found[0] if found else None
