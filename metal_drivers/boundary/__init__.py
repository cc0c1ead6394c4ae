# SPDX-License-Identifier: Apache-2.0
"""The boundary around plugins, which are third-party code.

What comes back is checked, what is raised is named, and no secret of the
plugin's configuration gets out with it. A driver that breaks its contract
is an error like any other, of the nodes concerned.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from metal_drivers import base, exceptions, redaction
from metal_drivers._openstack import auth
from metal_drivers.boundary import errors
from metal_drivers.boundary.driver import GuardedDriver

LOG = logging.getLogger(__name__)

__all__ = ['GuardedDriver', 'guard', 'make', 'start']

#: The wrapper of each bare driver, so that what is shared by all who use
#: the driver is found by its wrapper, too.
_guarded: weakref.WeakKeyDictionary[
    base.MetalDriver, weakref.ref[GuardedDriver]
] = weakref.WeakKeyDictionary()


def _NONE() -> None:
    """Stands for a wrapper that is no more."""


def guard(
    driver: base.MetalDriver, *, name: str = '', distribution: str = ''
) -> GuardedDriver:
    """The driver, checked; one that is guarded already as it is.

    :param name: what messages call it; by default, its class.
    :param distribution: who is to be told; by default, its module.
    :raises DriverError: it cannot be called as the contract has it.
    """
    if isinstance(driver, GuardedDriver):
        return driver
    try:
        known = _guarded.get(driver, _NONE)()
    except TypeError:  # a driver that cannot be hashed, or referred to
        return _guard(driver, name, distribution)
    if known is None:
        known = _guard(driver, name, distribution)
        _guarded[driver] = weakref.ref(known)
    return known


def start(
    cls: type[base.MetalDriver],
    config: Mapping[str, Any],
    osc: base.OpenStackClients | None,
    *,
    name: str,
    distribution: str,
    cure: str,
) -> GuardedDriver:
    """Make a driver, guarded.

    :param cure: what to do where it cannot start.
    :raises ConfigurationError: it cannot start.
    :raises MetalError: whatever else the driver says.
    """
    driver, origin = make(
        cls, config, osc, name=name, distribution=distribution, cure=cure
    )
    return GuardedDriver(driver, origin)


class Plug(base.HasOptions, Protocol):
    """What drivers and hooks are made of."""

    def __init__(
        self, config: Mapping[str, Any], osc: base.OpenStackClients | None
    ) -> None: ...


P = TypeVar('P', bound=Plug)


def make(
    cls: type[P],
    config: Mapping[str, Any],
    osc: base.OpenStackClients | None,
    *,
    name: str,
    distribution: str,
    cure: str,
    noun: str = 'driver',
) -> tuple[P, errors.Origin]:
    """Make a driver, or a hook, and say whose it is.

    :param noun: what messages call it.
    :param cure: what to do where it cannot start.
    :raises ConfigurationError: it cannot start.
    :raises MetalError: whatever else it says.
    """
    redact = _redactor(cls, config, osc)
    origin = errors.Origin(name, distribution, redact, noun)
    error: exceptions.MetalError
    try:
        return cls(config, osc=osc), origin
    except exceptions.MetalError as exc:
        error = origin.tidy(f'{cls.__name__}()', exc)
    except BaseException as exc:
        if errors.interrupts(exc):
            raise
        error = exceptions.ConfigurationError(
            f'{origin.label} cannot start: {origin.said(exc)}', cure=cure
        )
        error.__cause__ = redaction.redacted(exc, origin.redact)
    if noun == 'driver' and isinstance(error, exceptions.ConfigurationError):
        error.driver = error.driver or name
    try:
        raise error
    finally:
        del error


def _guard(
    driver: base.MetalDriver, name: str, distribution: str
) -> GuardedDriver:
    cls = type(driver)
    config, osc = getattr(driver, 'config', {}), getattr(driver, 'osc', None)
    origin = errors.Origin(
        name or cls.__name__.removesuffix('Driver').casefold(),
        distribution or cls.__module__,
        _redactor(cls, config, osc),
    )
    return GuardedDriver(driver, origin)


def _redactor(
    cls: type[base.HasOptions],
    config: Mapping[str, Any],
    osc: base.OpenStackClients | None,
) -> redaction.Redactor:
    """Knows the secrets that the driver, or the hook, knows."""
    options = auth.secret_options(redaction.value(config, 'auth_type'))
    try:
        options += base.options_of(cls)
    except Exception:
        # The loader of drivers reports what is wrong with its options.
        LOG.debug('The options of %s', cls, exc_info=True)
    return redaction.Redactor(
        {
            *redaction.secrets_of(options, config),
            *getattr(osc, 'secrets', ()),
        }
    )
