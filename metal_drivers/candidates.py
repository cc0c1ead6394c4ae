# SPDX-License-Identifier: Apache-2.0
"""What one configuration makes of a driver that is installed.

A driver says itself whether it is configured; it is not believed that it
can, nor where nothing in the configuration is about it.
"""

from __future__ import annotations

import dataclasses
import enum

from oslo_config import cfg

from metal_drivers import _text, conf, exceptions, plugins, redaction
from metal_drivers._openstack import groups
from metal_drivers.base import ConfigState, ConfigStatus, MetalDriver


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
    plugin: plugins.Plugin[MetalDriver]
    #: Whether anything in the configuration is about it. A driver that is
    #: only installed neither is taken nor stands in the way.
    mentioned: bool = False
    #: The required options that have no value.
    missing: tuple[str, ...] = ()
    #: The sections of the files that have options of it: its own, or one
    #: that it had before.
    sections: tuple[str, ...] = ()

    @property
    def distribution(self) -> str:
        return ', '.join(self.plugin.distributions)

    @property
    def priority(self) -> int | None:
        driver = self.plugin.cls
        return None if driver is None else driver.priority

    @property
    def group(self) -> str:
        return conf.driver_group(self.name)

    @property
    def lacking(self) -> str:
        """What is missing, and where its other options are."""
        text = f'[{self.group}] lacks {self.wanted or "an option"}'
        if self.sections and self.group not in self.sections:
            return f'{text}; its other options are in {self._written}'
        return text

    @property
    def completing(self) -> str:
        """What to do about that."""
        add = f'Add {self.wanted} to' if self.missing else 'Complete'
        return (
            f'{add} [{self.group}], or remove what is set for this driver '
            f'in {self._written}'
        )

    @property
    def wanted(self) -> str:
        """The missing options; of a secret also the option that names a
        file with it."""
        options = {opt.dest: opt for opt in self.plugin.options}
        return ', '.join(
            f'{name} or {name}_file'
            if f'{name}_file' in options
            and name in options
            and options[name].secret
            else name
            for name in self.missing
        )

    @property
    def _written(self) -> str:
        names = self.sections or (self.group,)
        return ' and '.join(f'[{name}]' for name in names)


def examine(
    config: cfg.ConfigOpts, plugin: plugins.Plugin[MetalDriver]
) -> Candidate:
    """Ask a driver whether it is configured.

    Raises nothing, whatever the driver does: the reason is the detail of
    a candidate that has failed.
    """
    answer = _ask(config, plugin)
    found = Candidate(
        plugin.name,
        CandidateState.FAILED,
        '',
        plugin,
        # Quickest where the options are registered, as now they are.
        mentioned=conf.driver_mentioned(config, plugin.name, plugin.options),
    )
    if isinstance(answer, str):
        return dataclasses.replace(found, detail=answer)
    return _sort(config, found, answer)


def _ask(
    config: cfg.ConfigOpts, plugin: plugins.Plugin[MetalDriver]
) -> ConfigState | str:
    """What the driver says of its configuration, or why it cannot."""
    if plugin.cls is None:
        return plugin.error
    try:
        values = conf.driver_values(config, plugin.name, plugin.cls)
    except exceptions.ConfigurationError as exc:
        options = [opt for opt in plugin.options if opt.dest in exc.options]
        group = conf.driver_group(plugin.name)
        if options and not groups.any_is_set(config, group, options):
            # What is wrong is the default.
            said = ' '.join(exc.message.split())
            return plugin.fault(f'{said}; set it')
        return ' '.join(str(exc).split())
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # the type of an option may be its own
        return plugin.fault(f'its options cannot be read: {_text.said(exc)}')
    try:
        with plugins.guarded_output():
            state = plugin.cls.config_state(values)
        flaw = _flaw(state)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:
        secrets = redaction.secrets_of(plugin.options, values)
        flaw = f'raised {_text.said(exc, redaction.Redactor(secrets))}'
    if flaw:
        return plugin.fault(
            f'cannot check its configuration: config_state() {flaw}'
        )
    return state


def _flaw(state: object) -> str:
    """What is wrong with the answer; empty where nothing is."""
    if not isinstance(state, ConfigState):
        return f'returned a {type(state).__name__}, not a ConfigState'
    if not isinstance(state.status, ConfigStatus):
        return 'returned a status that is not a ConfigStatus'
    if not isinstance(state.missing, tuple | list) or not all(
        isinstance(name, str) for name in state.missing
    ):
        return 'returned missing options that are not a tuple of names'
    return ''


def _sort(
    config: cfg.ConfigOpts, candidate: Candidate, state: ConfigState
) -> Candidate:
    """By what the driver says of itself, and by what is configured."""
    status, missing = state.status, tuple(state.missing)
    if missing and status is ConfigStatus.READY:
        status = ConfigStatus.INCOMPLETE
    if not candidate.mentioned and (missing or status is ConfigStatus.READY):
        # Only installed, whatever it takes its own defaults for.
        status = ConfigStatus.ABSENT
    found = dataclasses.replace(
        candidate,
        state=CandidateState(status.value),
        missing=missing,
        sections=conf.driver_sections(
            config, candidate.name, candidate.plugin.options
        )
        if status is ConfigStatus.INCOMPLETE
        else (),
    )
    return dataclasses.replace(
        found, detail=with_warning(found.plugin, _describe(found))
    )


def with_warning(plugin: plugins.Plugin[MetalDriver], detail: str) -> str:
    """What is said of a driver, and how long it can be used."""
    return f'{detail}; {plugin.warning}' if plugin.warning else detail


def _describe(found: Candidate) -> str:
    if found.state is CandidateState.READY:
        return 'configured'
    if found.state is CandidateState.INCOMPLETE:
        return found.lacking
    needs = f'; [{found.group}] needs {found.wanted}' if found.missing else ''
    return f'not configured{needs}'
