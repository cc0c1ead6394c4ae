# SPDX-License-Identifier: Apache-2.0
"""A check, what it finds, and what it may look at."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from oslo_config import cfg

from metal_drivers import (
    boundary,
    compute,
    fleet,
    selector,
    services,
    sources,
)
from metal_drivers.doctor.ours import Ours
from metal_drivers.model import CheckResult, CheckStatus


class _Closes(Protocol):
    def close(self) -> None: ...


class NotTried(Exception):
    """A check cannot be made, for a reason that another one reports."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``check``."""

    name: str
    status: CheckStatus
    #: What is so, and what to do about it. No secrets.
    detail: str
    #: Shell commands that do it, quoted; none where a person has to decide.
    fixes: tuple[str, ...] = ()

    @classmethod
    def of(cls, result: CheckResult) -> Finding:
        return cls(result.name, result.status, result.detail)


def ok(name: str, detail: str) -> Finding:
    return Finding(name, CheckStatus.OK, detail)


def warning(name: str, detail: str, *fixes: str) -> Finding:
    return Finding(name, CheckStatus.WARNING, detail, fixes)


def failed(name: str, detail: str, *fixes: str) -> Finding:
    return Finding(name, CheckStatus.FAILED, detail, fixes)


class Place:
    """One configuration, and what it leads to: opened when it is first
    asked for, and then kept.

    :param command: the words that run this command with the same
        configuration: ``metal-drivers --config-file=…``.
    :param path: where Python looks for packages.
    :param opened: has a thing closed when all is done.
    """

    def __init__(
        self,
        config: cfg.ConfigOpts,
        *,
        command: Sequence[str] = ('metal-drivers',),
        path: Iterable[str] | None = None,
        opened: Callable[[_Closes], object] = lambda thing: None,
    ) -> None:
        self.config = config
        self.command = tuple(command)
        self.path = list(sys.path if path is None else path)
        self._opened = opened

    @functools.cached_property
    def settings(self) -> tuple[sources.Setting, ...]:
        """What the configuration files set, in the order in which they
        were read."""
        return tuple(sources.all_settings(self.config))

    @functools.cached_property
    def ours(self) -> Ours:
        """The groups and options that are read here."""
        return Ours(self.config, self.settings)

    @functools.cached_property
    def selector(self) -> selector.Selector:
        return selector.Selector(self.config)

    @functools.cached_property
    def driver(self) -> boundary.GuardedDriver:
        """:raises ConfigurationError: none can be used."""
        driver = self.selector.load()
        self._opened(driver)
        return driver

    @functools.cached_property
    def nova(self) -> compute.Compute | None:
        """None where it is not configured.

        :raises ConfigurationError: its configuration cannot be used.
        """
        return services.open_compute(self.config)

    @functools.cached_property
    def hooks(self) -> Iterable[CheckResult]:
        """What they find themselves.

        :raises ConfigurationError: one of them cannot be used.
        """
        hooks = services.open_hooks(self.config)
        self._opened(hooks)
        return hooks.check()

    @functools.cached_property
    def fleet(self) -> fleet.Fleet:
        """:raises NotTried: Nova is not configured.
        :raises MetalError: a service cannot be listed.
        """
        if self.nova is None:
            raise NotTried
        return fleet.load(self.driver, self.nova)


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """A row of the registry."""

    name: str
    #: What is looked at: a sentence for operators.
    about: str
    run: Callable[[Place], Iterable[Finding]]
    #: The checks which this one makes no sense without: it is not tried
    #: where one of them failed.
    needs: tuple[str, ...] = ()
    #: Whom it waits for, for those who watch; empty: nobody.
    asks: str = ''
