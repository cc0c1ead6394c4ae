# SPDX-License-Identifier: Apache-2.0
"""Which driver is used, and why.

A name in ``[metal_drivers] driver`` is obeyed or refused, never replaced.
``auto`` takes the driver that the configuration names by its presence;
where that could mean two things, it refuses and says what to change.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Iterable, Sequence

from oslo_config import cfg

from metal_drivers import base, boundary, candidates, conf, exceptions, plugins
from metal_drivers._openstack import groups
from metal_drivers.candidates import Candidate, CandidateState

__all__ = [
    'Candidate',
    'CandidateState',
    'Selection',
    'Selector',
    'get_driver',
]

LOG = logging.getLogger(__name__)

#: Used where no driver is configured, as Watcher has always done.
FALLBACK = 'ironic'


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """What one configuration makes of the drivers."""

    #: The drivers that were looked at, by name; the chosen one is marked.
    candidates: tuple[Candidate, ...]
    #: The driver to use; None where the selection is refused.
    chosen: Candidate | None = None
    #: Why it is refused: names the drivers concerned, and what to change.
    refusal: exceptions.ConfigurationError | None = None


class Selector:
    """Chooses the driver for one configuration.

    Each driver is examined once: make another selector for a
    configuration that has changed.

    :param config: the configuration, parsed or not.
    """

    def __init__(self, config: cfg.ConfigOpts) -> None:
        self._conf = config
        self._examined: dict[str, Candidate] = {}

    @functools.cached_property
    def selection(self) -> Selection:
        """Every driver that is installed, and which of them is used."""
        return self._decide(plugins.find_plugins().names)

    def candidates(self) -> list[Candidate]:
        """Every driver that is installed, by name; the selected one is
        marked, where the selection is not refused."""
        return list(self.selection.candidates)

    def select(self) -> Candidate:
        """The driver to use. With a pin, no other driver is imported.

        :raises ConfigurationError: the selection is refused; the message
            names the drivers concerned and what to change.
        """
        selection = self._needed
        if selection.chosen is None:
            raise selection.refusal or AssertionError(selection)
        return selection.chosen

    @functools.cached_property
    def _needed(self) -> Selection:
        """The selection, with no more drivers than it takes."""
        installed = plugins.find_plugins().names
        pin = conf.settings(self._conf).driver
        return self._decide(
            installed
            if pin == conf.AUTO
            else [name for name in installed if name == pin]
        )

    def _decide(self, names: Iterable[str]) -> Selection:
        found = tuple(self._candidate(name) for name in names)
        try:
            chosen, reason = self._choose(found)
        except exceptions.ConfigurationError as exc:
            return Selection(found, refusal=exc)
        marked = dataclasses.replace(
            chosen,
            state=CandidateState.SELECTED,
            detail=candidates.with_warning(chosen.plugin, reason),
        )
        return Selection(
            tuple(marked if each is chosen else each for each in found), marked
        )

    def load(
        self, osc: base.OpenStackClients | None = None
    ) -> boundary.GuardedDriver:
        """An instance of the driver to use, guarded.

        :param osc: where the driver finds a keystone session; by default
            ``[watcher_clients_auth]``.
        :raises ConfigurationError: refused, or the driver cannot start.
        """
        return self.start(self.select(), osc)

    def named(self, name: str) -> Candidate:
        """The driver of that name, whichever is selected.

        :raises ConfigurationError: there is none.
        """
        names = plugins.find_plugins().names
        if name not in names:
            raise exceptions.ConfigurationError(
                f'There is no driver {name!r}; installed are '
                f'{", ".join(names) or "none"}',
                cure='Use one of these, or install the package that provides '
                'it.',
                driver=name,
            )
        return self._candidate(name)

    def start(
        self, chosen: Candidate, osc: base.OpenStackClients | None = None
    ) -> boundary.GuardedDriver:
        """An instance of that driver, guarded.

        :param osc: as for :meth:`load`.
        :raises ConfigurationError: it cannot be loaded, or cannot start.
        """
        driver = chosen.plugin.cls
        if driver is None:
            raise _unusable(chosen)
        if chosen.plugin.warning:
            _warn(chosen.name, chosen.plugin.warning)
        values = conf.driver_values(self._conf, chosen.name, driver)
        if osc is None:
            osc = groups.shared_credentials(self._conf)
        return boundary.start(
            driver,
            values,
            osc,
            name=chosen.name,
            distribution=chosen.distribution,
            cure=f'Check [{chosen.group}], or choose another driver with '
            f'[{conf.GROUP}] driver.',
        )

    def _candidate(self, name: str) -> Candidate:
        if name not in self._examined:
            plugin = plugins.find_plugins().get(name)
            self._examined[name] = candidates.examine(self._conf, plugin)
        return self._examined[name]

    def _choose(self, found: Sequence[Candidate]) -> tuple[Candidate, str]:
        pin = conf.settings(self._conf).driver
        if pin != conf.AUTO:
            return _named(pin, found), f'set by [{conf.GROUP}] driver'
        for candidate in found:
            if candidate.mentioned:
                _refuse_doubtful(candidate)
        ready = [c for c in found if c.state is CandidateState.READY]
        if not ready:
            return _named(FALLBACK, found), (
                'the fallback: no driver is configured'
            )
        top = max(c.priority or 0 for c in ready)
        best = [c for c in ready if c.priority == top]
        if len(best) > 1:
            names = [c.name for c in best]
            raise exceptions.ConfigurationError(
                f'The drivers {" and ".join(names)} are both configured and '
                f'have the same priority, {top}',
                cure=f'Choose one of them: [{conf.GROUP}] driver = {names[0]}',
            )
        others = ', '.join(c.name for c in ready if c is not best[0])
        return best[0], 'configured' + (
            f', and of higher priority than {others}' if others else ''
        )


@functools.cache
def _warn(name: str, warning: str) -> None:
    """Once in a process, which may open the driver many times."""
    LOG.warning('The driver %s can be used: %s', name, warning)


def get_driver(
    config: cfg.ConfigOpts, osc: base.OpenStackClients | None = None
) -> boundary.GuardedDriver:
    """The driver that the configuration asks for, ready to use.

    What it returns is checked, and what it raises is named; the driver
    itself is the attribute ``driver``.

    :param config: an oslo.config ConfigOpts; nothing need be registered.
    :param osc: anything with a keystone ``session``, for a driver whose
        own section has no credentials; by default that of
        ``[watcher_clients_auth]``.
    :raises ConfigurationError: no driver can be chosen without a guess,
        or the chosen one cannot start.
    """
    return Selector(config).load(osc)


def _named(name: str, found: Iterable[Candidate]) -> Candidate:
    """The driver of that name, or why it cannot be used."""
    for candidate in found:
        if candidate.name == name:
            break
    else:
        installed = ', '.join(plugins.find_plugins().names)
        raise exceptions.ConfigurationError(
            f'There is no driver {name!r}; installed are '
            f'{installed or "none"}',
            cure=f'Use one of these in [{conf.GROUP}] driver, or install '
            f'the package that provides it.',
            driver=name,
            options=('driver',),
        )
    _refuse_doubtful(candidate)
    if candidate.missing:
        raise _incomplete(candidate)
    return candidate


def _refuse_doubtful(candidate: Candidate) -> None:
    """A driver that is half configured is meant to be used."""
    if candidate.state is CandidateState.FAILED:
        raise _unusable(candidate)
    if candidate.state is CandidateState.INCOMPLETE:
        raise _incomplete(candidate)


def _unusable(candidate: Candidate) -> exceptions.ConfigurationError:
    error = exceptions.ConfigurationError(
        f'The driver {candidate.name} cannot be used: {candidate.detail}',
        cure=f'Then try again, or choose another driver with [{conf.GROUP}] '
        f'driver.',
        driver=candidate.name,
    )
    error.__cause__ = candidate.plugin.cause
    return error


def _incomplete(candidate: Candidate) -> exceptions.ConfigurationError:
    return exceptions.ConfigurationError(
        f'The driver {candidate.name} is not fully configured: '
        f'{candidate.lacking}',
        cure=f'{candidate.completing} and, to use another driver, choose it '
        f'with [{conf.GROUP}] driver.',
        driver=candidate.name,
        options=candidate.missing,
    )
