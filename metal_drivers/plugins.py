# SPDX-License-Identifier: Apache-2.0
"""The drivers that are installed: found once, loaded, and never trusted.

A plugin is imported when it is first asked for. One that cannot be used is
recorded with the reason; nothing here raises because of one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib.metadata
import inspect
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from oslo_config import cfg
from stevedore import driver as stevedore_driver

from metal_drivers import _text, base, compatibility
from metal_drivers.model import Capability

#: What ``[metal_drivers] driver`` says where no driver is named.
AUTO = 'auto'

_OURSELVES = 'metal_drivers'


@dataclasses.dataclass(frozen=True, slots=True)
class Plugin:
    """A name in the namespace ``watcher.metal.drivers``."""

    name: str
    #: The distributions that claim the name; more than one is a conflict.
    distributions: tuple[str, ...]
    #: The driver's class; None where it could not be loaded.
    driver: type[base.MetalDriver] | None = None
    #: Why it could not: one line.
    error: str = ''
    #: The exception behind that, where there was one.
    cause: BaseException | None = None
    #: It can be used, but not for ever: one line.
    warning: str = ''

    @property
    def ambiguous(self) -> bool:
        return len(self.distributions) > 1

    @property
    def options(self) -> tuple[cfg.Opt, ...]:
        """The driver's options: the same objects at every call."""
        return () if self.driver is None else base.options_of(self.driver)

    def fault(self, what: str) -> str:
        """A fault of the driver's code, and what to do about it."""
        names = ' and '.join(self.distributions)
        return f'{what}; report it to its author, or uninstall {names}'


class Installed:
    """The drivers that are installed, by name.

    Iterating loads all of them, :meth:`get` only that one. May be used by
    several threads at once.

    :param claims: the distributions that claim each name.
    """

    def __init__(self, claims: Mapping[str, tuple[str, ...]]) -> None:
        self._claims = dict(sorted(claims.items()))
        self._loaded: dict[str, Plugin] = {}
        # A plugin may look for drivers while it is imported.
        self._lock = threading.RLock()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._claims)

    def get(self, name: str) -> Plugin:
        """The driver of that name, which is imported for it.

        :raises KeyError: no distribution claims the name.
        """
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = _load(Plugin(name, self._claims[name]))
            return self._loaded[name]

    def __iter__(self) -> Iterator[Plugin]:
        return map(self.get, self._claims)


@functools.cache
def find_plugins() -> Installed:
    """Every driver installed. One scan in a process; imports nothing."""
    claims: dict[str, list[str]] = {}
    for entry_point in importlib.metadata.entry_points(group=base.NAMESPACE):
        dists = claims.setdefault(entry_point.name, [])
        # None, or no name, where part of what was installed is lost.
        dist = entry_point.dist and entry_point.dist.name
        if (dist or '(unknown)') not in dists:
            dists.append(dist or '(unknown)')
    return Installed(
        {name: tuple(sorted(dists)) for name, dists in claims.items()}
    )


class _Stdout:
    """Who has stdout set aside; the last of them puts it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._original = sys.stdout

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._original, sys.stdout = sys.stdout, sys.stderr
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    sys.stdout = self._original


_stdout = _Stdout()


def guarded_output() -> contextlib.AbstractContextManager[None]:
    """Have what a plugin prints go to stderr: stdout is for results."""
    return _stdout.aside()


def _load(found: Plugin) -> Plugin:
    """Import it, and see whether it is a driver."""
    if found.name == AUTO:
        return dataclasses.replace(
            found, error=found.fault('no driver can have the name "auto"')
        )
    if found.ambiguous:
        names = ' and '.join(found.distributions)
        return dataclasses.replace(
            found,
            error=f'provided by the distributions {names}; uninstall all but '
            'one of them',
        )
    with guarded_output():
        try:
            # As Watcher's own loader does: both see the same class.
            loaded: Any = stevedore_driver.DriverManager(
                namespace=base.NAMESPACE, name=found.name, invoke_on_load=False
            ).driver
        except KeyboardInterrupt:
            raise
        except BaseException as exc:  # a plugin may also call sys.exit()
            return dataclasses.replace(
                found, error=_import_error(found, exc), cause=exc
            )
        try:
            if not _is_driver(loaded):
                return dataclasses.replace(
                    found, error=found.fault(_no_driver(loaded))
                )
            verdict = _verdict(found, loaded)
            if verdict.refusal:
                return dataclasses.replace(found, error=verdict.refusal)
            flaw = _flaw(loaded)
        except KeyboardInterrupt:
            raise
        except BaseException as exc:
            return dataclasses.replace(
                found,
                error=found.fault(f'cannot be examined: {_text.said(exc)}'),
                cause=exc,
            )
    if flaw is not None:
        what, cause = flaw
        return dataclasses.replace(found, error=found.fault(what), cause=cause)
    return dataclasses.replace(found, driver=loaded, warning=verdict.warning)


def _import_error(found: Plugin, exc: BaseException) -> str:
    what = f'cannot be imported: {_text.said(exc)}'
    name = exc.name if isinstance(exc, ImportError) else None
    (distribution,) = found.distributions
    if name and name.partition('.')[0] == _OURSELVES:
        return (
            f'{what}; it may be written for another version of '
            'watcher-metal-drivers: install that, report it to its author, '
            f'or uninstall {distribution}'
        )
    if name and isinstance(exc, ModuleNotFoundError):
        return f'{what}; install {name}, or uninstall {distribution}'
    return found.fault(what)


def _is_driver(loaded: Any) -> bool:
    return inspect.isclass(loaded) and issubclass(loaded, base.MetalDriver)


def _no_driver(loaded: Any) -> str:
    kind = 'class' if inspect.isclass(loaded) else type(loaded).__name__
    return (
        f'its entry point is a {kind} that is not a subclass of '
        'metal_drivers.MetalDriver'
    )


def _verdict(
    found: Plugin, driver: type[base.MetalDriver]
) -> compatibility.Verdict:
    """Whether it is of our time, with what to do where it is not.

    Found out before all else: what is a flaw may change with the contract.
    """
    if not compatibility.is_version(driver.contract):
        return compatibility.Verdict(
            found.fault(
                f'{driver.__qualname__}.contract is not the version of a '
                'contract, such as (1, 0)'
            )
        )
    refusal, warning = compatibility.judge(
        driver.contract,
        compatibility.CONTRACT,
        compatibility.SUPPORTED_UNTIL,
    )
    (distribution,) = found.distributions
    if driver.contract > compatibility.CONTRACT:
        cure = f'upgrade that, or uninstall {distribution}'
    else:
        cure = f'upgrade {distribution}, or uninstall {distribution}'
    return compatibility.Verdict(
        refusal and f'{refusal}; {cure}', warning and f'{warning}; {cure}'
    )


def _flaw(
    loaded: type[base.MetalDriver],
) -> tuple[str, BaseException | None] | None:
    """What keeps it from being used, and the exception behind that."""
    name = loaded.__qualname__
    if inspect.isabstract(loaded):
        lacking = ', '.join(sorted(loaded.__abstractmethods__))
        return f'{name} does not implement {lacking}', None
    if type(loaded.priority) is not int:
        return f'{name}.priority is not a whole number', None
    if not _is_tuple_of(loaded.required_options, str):
        return f'{name}.required_options is not a tuple of names', None
    if not (
        # An instance may know better what its service can do.
        inspect.isdatadescriptor(loaded.capabilities)
        or _is_tuple_of(loaded.capabilities, Capability)
    ):
        return (
            f'{name}.capabilities is not a set of metal_drivers.Capability'
        ), None
    try:
        options = base.options_of(loaded)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:
        return f'{name}.get_config_opts() raised {_text.said(exc)}', exc
    if not all(map(_is_option, options)):
        return (
            f'{name}.get_config_opts() is not a list of oslo.config options'
        ), None
    names = [opt.dest for opt in options]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        return (
            f'{name}.get_config_opts() has {", ".join(twice)} more than once'
        ), None
    return None


def _is_option(value: object) -> bool:
    """Whether it is an option that a file can have."""
    return isinstance(value, cfg.Opt) and not isinstance(
        value, cfg.SubCommandOpt
    )


def _is_tuple_of(values: object, kind: type) -> bool:
    """Whether it is a plain collection of such values."""
    return isinstance(values, tuple | list | set | frozenset) and all(
        isinstance(value, kind) for value in values
    )
