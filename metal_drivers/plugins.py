# SPDX-License-Identifier: Apache-2.0
"""The drivers that are installed: found once, loaded, and never trusted.

A plugin that cannot be used is recorded with the reason; nothing here
raises because of one.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import inspect
from typing import Any

from oslo_config import cfg
from stevedore import driver as stevedore_driver

from metal_drivers import base, foreign, redaction


@dataclasses.dataclass(frozen=True, slots=True)
class Plugin:
    """A name in the namespace ``watcher.metal.drivers``."""

    name: str
    #: The distributions that claim the name; more than one is a conflict.
    distributions: tuple[str, ...]
    #: The driver's class; None where it could not be loaded.
    driver: type[base.MetalDriver] | None = None
    #: Why it could not.
    error: str = ''
    #: The exception behind that, where there was one.
    cause: BaseException | None = None

    @property
    def ambiguous(self) -> bool:
        return len(self.distributions) > 1


@functools.cache
def find_plugins() -> tuple[Plugin, ...]:
    """Every driver installed, by name. One scan in a process."""
    claims: dict[str, list[str]] = {}
    for entry_point in importlib.metadata.entry_points(group=base.NAMESPACE):
        dists = claims.setdefault(entry_point.name, [])
        # None, or no name, where part of what was installed is lost.
        dist = entry_point.dist and entry_point.dist.name
        if (dist or '(unknown)') not in dists:
            dists.append(dist or '(unknown)')
    return tuple(
        _load(name, tuple(sorted(dists)))
        for name, dists in sorted(claims.items())
    )


def _load(name: str, distributions: tuple[str, ...]) -> Plugin:
    if len(distributions) > 1:
        return Plugin(
            name,
            distributions,
            error='claimed by the distributions '
            + ' and '.join(distributions)
            + '; uninstall all but one of them',
        )
    try:
        # What Watcher's own loader does, so that both see the same class.
        loaded: Any = stevedore_driver.DriverManager(
            namespace=base.NAMESPACE, name=name, invoke_on_load=False
        ).driver
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # a plugin may also call sys.exit()
        return Plugin(
            name,
            distributions,
            error=f'cannot be imported: {foreign.said(exc)}'
            f'{_import_cure(exc, distributions[0])}',
            cause=redaction.redacted(exc, redaction.Redactor()),
        )
    flaw = _flaw(loaded)
    if flaw:
        return Plugin(name, distributions, error=flaw)
    return Plugin(name, distributions, loaded)


def _flaw(loaded: object) -> str:
    """What keeps it from being a driver; empty where nothing does."""
    if not (inspect.isclass(loaded) and issubclass(loaded, base.MetalDriver)):
        return (
            f'{loaded!r} is no subclass of metal_drivers.MetalDriver; '
            'mend its entry point'
        )
    if inspect.isabstract(loaded):
        lacking = ', '.join(sorted(loaded.__abstractmethods__))
        return f'{loaded.__qualname__} does not implement {lacking}'
    if not isinstance(loaded.priority, int):
        return f'{loaded.__qualname__}.priority is no whole number'
    try:
        options = list(loaded.get_config_opts())
    except Exception as exc:
        return (
            f'{loaded.__qualname__}.get_config_opts() raised '
            f'{foreign.said(exc)}'
        )
    if not all(isinstance(opt, cfg.Opt) for opt in options):
        return (
            f'{loaded.__qualname__}.get_config_opts() is no list of '
            'oslo.config options'
        )
    return ''


def _import_cure(exc: BaseException, distribution: str) -> str:
    if isinstance(exc, ModuleNotFoundError) and exc.name:
        return f'; install {exc.name}, or uninstall {distribution}'
    return f'; mend or uninstall {distribution}'
