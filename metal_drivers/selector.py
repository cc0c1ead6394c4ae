# SPDX-License-Identifier: Apache-2.0
"""Which driver is used, and why.

A name in ``[metal_drivers] driver`` is obeyed or refused, never replaced.
``auto`` takes the driver that the configuration names by its presence;
where that could mean two things, it refuses and says what to change.
"""

from __future__ import annotations

import dataclasses
import enum

from oslo_config import cfg

from metal_drivers import (
    base,
    boundary,
    conf,
    exceptions,
    foreign,
    plugins,
    redaction,
)
from metal_drivers.base import ConfigState, ConfigStatus

#: Used where no driver is configured, as Watcher has always done.
FALLBACK = 'ironic'


class CandidateState(enum.Enum):
    """What became of a driver in the selection."""

    SELECTED = 'selected'
    READY = 'ready'
    INCOMPLETE = 'incomplete'
    ABSENT = 'absent'
    FAILED = 'failed'


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A driver that was found, its state, and the reason for that."""

    name: str
    state: CandidateState
    detail: str
    plugin: plugins.Plugin
    #: Whether the configuration has a section for it.
    mentioned: bool = False
    #: The required options that have no value.
    missing: tuple[str, ...] = ()

    @property
    def distribution(self) -> str:
        return ', '.join(self.plugin.distributions)

    @property
    def priority(self) -> int | None:
        driver = self.plugin.driver
        return None if driver is None else driver.priority

    @property
    def group(self) -> str:
        return conf.driver_group(self.name)


class Selector:
    """Chooses the driver for one configuration.

    :param config: the configuration, parsed or not.
    """

    def __init__(self, config: cfg.ConfigOpts) -> None:
        self._conf = config

    def candidates(self) -> list[Candidate]:
        """Every driver found, by name; the selected one is marked, where
        the selection is not refused."""
        found = self._survey()
        try:
            chosen, reason = self._choose(found)
        except exceptions.ConfigurationError:
            return found
        return [
            dataclasses.replace(
                candidate, state=CandidateState.SELECTED, detail=reason
            )
            if candidate is chosen
            else candidate
            for candidate in found
        ]

    def select(self) -> Candidate:
        """The driver to use.

        :raises ConfigurationError: the selection is refused; the message
            names the drivers concerned and what to change.
        """
        chosen, reason = self._choose(self._survey())
        return dataclasses.replace(
            chosen, state=CandidateState.SELECTED, detail=reason
        )

    def load(
        self, osc: base.OpenStackClients | None = None
    ) -> boundary.GuardedDriver:
        """An instance of the driver to use, guarded.

        :param osc: where the driver finds a keystone session; by default
            ``[watcher_clients_auth]``.
        :raises ConfigurationError: refused, or the driver cannot start.
        """
        chosen = self.select()
        driver = chosen.plugin.driver
        if driver is None:  # select() has refused it
            raise AssertionError(chosen)
        values = conf.driver_values(self._conf, chosen.name, driver)
        if osc is None:
            osc = conf.shared_credentials(self._conf)
        return boundary.start(
            driver,
            values,
            osc,
            name=chosen.name,
            distribution=chosen.distribution,
            cure=f'Check [{chosen.group}], or choose another driver with '
            f'[{conf.GROUP}] driver.',
        )

    def _survey(self) -> list[Candidate]:
        return [self._examine(plugin) for plugin in plugins.find_plugins()]

    def _examine(self, plugin: plugins.Plugin) -> Candidate:
        mentioned = conf.driver_mentioned(self._conf, plugin.name)
        failed = dataclasses.replace(
            Candidate(plugin.name, CandidateState.FAILED, '', plugin),
            mentioned=mentioned,
        )
        if plugin.driver is None:
            return dataclasses.replace(failed, detail=plugin.error)
        secrets: set[str] = set()
        try:
            values = conf.driver_values(self._conf, plugin.name, plugin.driver)
            options = plugin.driver.get_config_opts()
            secrets = redaction.secrets_of(options, values)
            state = plugin.driver.config_state(values)
            return Candidate(
                plugin.name,
                CandidateState(state.status.value),
                _describe(plugin.name, state),
                plugin,
                mentioned,
                state.missing,
            )
        except exceptions.MetalError as exc:
            return dataclasses.replace(failed, detail=str(exc), mentioned=True)
        except Exception as exc:
            return dataclasses.replace(
                failed,
                detail='cannot judge its configuration: '
                + foreign.said(exc, redaction.Redactor(secrets)),
            )

    def _choose(self, found: list[Candidate]) -> tuple[Candidate, str]:
        pin = conf.settings(self._conf).driver
        if pin != conf.AUTO:
            return _pinned(pin, found), f'named by [{conf.GROUP}] driver'
        for candidate in found:
            _refuse_doubtful(candidate)
        ready = [c for c in found if c.state is CandidateState.READY]
        if not ready:
            return _pinned(FALLBACK, found), (
                'the fallback: no driver is configured'
            )
        top = max(c.priority or 0 for c in ready)
        best = [c for c in ready if c.priority == top]
        if len(best) > 1:
            names = [c.name for c in best]
            raise exceptions.ConfigurationError(
                f'The drivers {" and ".join(names)} are both configured and '
                f'have the same priority, {top}',
                cure=f'Name one of them: [{conf.GROUP}] driver = {names[0]}',
            )
        others = ', '.join(c.name for c in ready if c is not best[0])
        return best[0], 'configured' + (
            f', and of higher priority than {others}' if others else ''
        )


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


def _describe(name: str, state: ConfigState) -> str:
    group = conf.driver_group(name)
    if state.status is ConfigStatus.READY:
        return 'configured'
    if state.status is ConfigStatus.INCOMPLETE:
        return f'[{group}] lacks {", ".join(state.missing)}'
    if state.missing:
        return f'not configured; [{group}] needs {", ".join(state.missing)}'
    return 'not configured'


def _pinned(name: str, found: list[Candidate]) -> Candidate:
    """The driver of that name, or why it cannot be used."""
    by_name = {candidate.name: candidate for candidate in found}
    candidate = by_name.get(name)
    if candidate is None:
        raise exceptions.ConfigurationError(
            f'There is no driver {name!r}; installed are '
            f'{", ".join(by_name) or "none"}',
            cure=f'Name one of these in [{conf.GROUP}] driver, or install '
            f'the package that has it.',
            driver=name,
            options=('driver',),
        )
    if candidate.state is CandidateState.FAILED:
        raise _unusable(candidate)
    if candidate.missing or candidate.state is CandidateState.INCOMPLETE:
        raise _incomplete(candidate)
    return candidate


def _refuse_doubtful(candidate: Candidate) -> None:
    """Whoever half configured a driver meant it."""
    if candidate.plugin.ambiguous:
        raise _unusable(candidate)
    if candidate.state is CandidateState.FAILED and candidate.mentioned:
        raise _unusable(candidate)
    if candidate.state is CandidateState.INCOMPLETE:
        raise _incomplete(candidate)


def _unusable(candidate: Candidate) -> exceptions.ConfigurationError:
    error = exceptions.ConfigurationError(
        f'The driver {candidate.name} cannot be used: {candidate.detail}',
        cure=f'Then try again, or name another driver in [{conf.GROUP}] '
        f'driver.',
        driver=candidate.name,
    )
    error.__cause__ = candidate.plugin.cause
    return error


def _incomplete(candidate: Candidate) -> exceptions.ConfigurationError:
    missing = ', '.join(candidate.missing)
    return exceptions.ConfigurationError(
        f'The driver {candidate.name} is not fully configured: '
        f'[{candidate.group}] lacks {missing}',
        cure=f'Add {missing} there, or remove what the section has and, to '
        f'use another driver, name it in [{conf.GROUP}] driver.',
        driver=candidate.name,
        options=candidate.missing,
    )
