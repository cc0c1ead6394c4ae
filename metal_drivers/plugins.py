# SPDX-License-Identifier: Apache-2.0
"""What is installed: found once, loaded, and never trusted.

Drivers and hooks are plugins, and there may be more kinds.

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
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from oslo_config import cfg
from stevedore import driver as stevedore_driver

from metal_drivers import _text, base, compatibility
from metal_drivers.model import Capability

#: What ``[metal_drivers] driver`` says where no driver is named.
AUTO = 'auto'

_OURSELVES = 'metal_drivers'

P = TypeVar('P', bound=base.HasOptions)


@dataclasses.dataclass(frozen=True)
class Kind(Generic[P]):
    """A kind of plugin.

    :ivar namespace: where their entry points are, and the prefix of their
        configuration groups.
    :ivar contract: the class that each of them is derived from.
    :ivar name: what that is called in public.
    :ivar noun: what messages call one of them.
    :ivar flaw: what is wrong with a class that is derived from it; empty
        where nothing is.
    :ivar verdict: whether it is of our time; given its distribution too.
    :ivar reserved: names that none of them can have.
    """

    namespace: str
    contract: type[P]
    name: str
    noun: str
    flaw: Callable[[type[P]], str] = lambda cls: ''
    reserved: tuple[str, ...] = ()
    verdict: Callable[[type[P], str], compatibility.Verdict] = (
        lambda cls, distribution: compatibility.Verdict()
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Plugin(Generic[P]):
    """A name in the namespace of a kind."""

    name: str
    #: The distributions that claim the name; more than one is a conflict.
    distributions: tuple[str, ...]
    #: The plugin's class; None where it could not be loaded.
    cls: type[P] | None = None
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
        """The plugin's options: the same objects at every call."""
        return () if self.cls is None else base.options_of(self.cls)

    def fault(self, what: str) -> str:
        """A fault of the plugin's code, and what to do about it."""
        names = ' and '.join(self.distributions)
        return f'{what}; report it to its author, or uninstall {names}'


class Installed(Generic[P]):
    """The plugins of one kind that are installed, by name.

    Iterating loads all of them, :meth:`get` only that one. May be used by
    several threads at once.

    :param claims: the distributions that claim each name.
    """

    def __init__(
        self, kind: Kind[P], claims: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._kind = kind
        self._claims = dict(sorted(claims.items()))
        self._loaded: dict[str, Plugin[P]] = {}
        # A plugin may look for others while it is imported.
        self._lock = threading.RLock()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._claims)

    def get(self, name: str) -> Plugin[P]:
        """The plugin of that name, which is imported for it.

        :raises KeyError: no distribution claims the name.
        """
        with self._lock:
            if name not in self._loaded:
                found: Plugin[P] = Plugin(name, self._claims[name])
                self._loaded[name] = _load(self._kind, found)
            return self._loaded[name]

    def __iter__(self) -> Iterator[Plugin[P]]:
        return map(self.get, self._claims)


def _driver_flaw(driver: type[base.MetalDriver]) -> str:
    """What is wrong with what a driver says of itself."""
    name = driver.__qualname__
    if not compatibility.is_version(driver.contract):
        return (
            f'{name}.contract is not the version of a contract, such as (1, 0)'
        )
    if type(driver.priority) is not int:
        return f'{name}.priority is not a whole number'
    if not _is_tuple_of(driver.required_options, str):
        return f'{name}.required_options is not a tuple of names'
    if not (
        # An instance may know better what its service can do.
        inspect.isdatadescriptor(driver.capabilities)
        or _is_tuple_of(driver.capabilities, Capability)
    ):
        return f'{name}.capabilities is not a set of metal_drivers.Capability'
    return ''


def _driver_verdict(
    driver: type[base.MetalDriver], distribution: str
) -> compatibility.Verdict:
    if not compatibility.is_version(driver.contract):  # that is a flaw
        return compatibility.Verdict()
    return compatibility.judge(
        driver.contract,
        compatibility.CONTRACT,
        compatibility.SUPPORTED_UNTIL,
        distribution,
    )


DRIVERS: Kind[base.MetalDriver] = Kind(
    base.NAMESPACE,
    base.MetalDriver,  # type: ignore[type-abstract]
    'metal_drivers.MetalDriver',
    'driver',
    _driver_flaw,
    (AUTO,),
    _driver_verdict,
)


def find_plugins() -> Installed[base.MetalDriver]:
    """Every driver installed. One scan in a process; imports nothing."""
    return find(DRIVERS)


def find(kind: Kind[P]) -> Installed[P]:
    """Every plugin of a kind. One scan in a process; imports nothing."""
    found: Installed[P] = _find(kind)
    return found


def forget() -> None:
    """Look again at what is installed."""
    _find.cache_clear()


@functools.cache
def _find(kind: Kind[Any]) -> Installed[Any]:
    claims: dict[str, list[str]] = {}
    for entry_point in importlib.metadata.entry_points(group=kind.namespace):
        dists = claims.setdefault(entry_point.name, [])
        # None, or no name, where part of what was installed is lost.
        dist = entry_point.dist and entry_point.dist.name
        if (dist or '(unknown)') not in dists:
            dists.append(dist or '(unknown)')
    return Installed(
        kind, {name: tuple(sorted(dists)) for name, dists in claims.items()}
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


def _load(kind: Kind[P], found: Plugin[P]) -> Plugin[P]:
    """Import it, and see whether it is one of its kind."""
    if found.name in kind.reserved:
        what = f'no {kind.noun} can have the name "{found.name}"'
        return dataclasses.replace(found, error=found.fault(what))
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
                namespace=kind.namespace,
                name=found.name,
                invoke_on_load=False,
            ).driver
        except KeyboardInterrupt:
            raise
        except BaseException as exc:  # a plugin may also call sys.exit()
            return dataclasses.replace(
                found, error=_import_error(kind, found, exc), cause=exc
            )
        try:
            if not _is_one(kind, loaded):
                return dataclasses.replace(
                    found, error=found.fault(_no_plugin(kind, loaded))
                )
            # Before all else: what is a flaw may change with the contract.
            (distribution,) = found.distributions
            verdict = kind.verdict(loaded, distribution)
            if verdict.refusal:
                return dataclasses.replace(found, error=verdict.refusal)
            flaw = _flaw(kind, loaded)
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
    return dataclasses.replace(found, cls=loaded, warning=verdict.warning)


def _import_error(kind: Kind[P], found: Plugin[P], exc: BaseException) -> str:
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
        entries = importlib.metadata.entry_points(
            group=kind.namespace, name=found.name
        )
        if name.partition('.')[0] in {
            each.module.partition('.')[0] for each in entries
        }:
            where = ' and '.join(each.value for each in entries)
            return found.fault(
                f'{what}, which is its own. The entry point is {where}'
            )
        return f'{what}; install {name}, or uninstall {distribution}'
    return found.fault(what)


def _is_one(kind: Kind[P], loaded: Any) -> bool:
    return inspect.isclass(loaded) and issubclass(loaded, kind.contract)


def _no_plugin(kind: Kind[P], loaded: Any) -> str:
    what = 'class' if inspect.isclass(loaded) else type(loaded).__name__
    return f'its entry point is a {what} that is not a subclass of {kind.name}'


def _flaw(
    kind: Kind[P], loaded: type[P]
) -> tuple[str, BaseException | None] | None:
    """What keeps it from being used, and the exception behind that."""
    name = loaded.__qualname__
    if inspect.isabstract(loaded):
        lacking = ', '.join(sorted(loaded.__abstractmethods__))
        return f'{name} does not implement {lacking}', None
    flaw = kind.flaw(loaded)
    if flaw:
        return flaw, None
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
