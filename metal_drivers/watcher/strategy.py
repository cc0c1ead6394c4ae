# SPDX-License-Identifier: Apache-2.0
"""Strategy ``metal_saving_energy``, for Watcher's goal ``saving_energy``."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from typing import Any

from oslo_config import cfg
from oslo_log import log
from watcher.common import exception
from watcher.decision_engine.goal import base as goal_base
from watcher.decision_engine.strategy.strategies import base

from metal_drivers import exceptions, fleet
from metal_drivers.model import ComputeHost, PowerState
from metal_drivers.watcher import (
    efficacy,
    errors,
    options,
    process,
    saving,
    scope,
)
from metal_drivers.watcher.action import ACTION

LOG = log.getLogger(__name__)


class MetalSavingEnergy(base.SavingEnergyBaseStrategy):
    """Power off hosts that nothing runs on, and back on when needed.

    It keeps ``int(max(busy hosts * free_used_percent / 100,
    min_free_hosts_num))`` hosts free and on. A busy host is one with any
    server on it, one that is shut off too.

    It asks the bare metal service and Nova for one list each, so it needs
    no compute model: what Watcher has collected may be an hour old.
    """

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.planner = options.PLANNER

    @classmethod
    def get_name(cls) -> str:
        return options.STRATEGY

    @classmethod
    def get_display_name(cls) -> str:
        return 'Bare metal saving energy strategy'

    @classmethod
    def get_translatable_display_name(cls) -> str:
        return 'Bare metal saving energy strategy'

    @classmethod
    def get_goal(cls) -> goal_base.Goal:
        return efficacy.SavingEnergy({})

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return list(options.STRATEGY_OPTS)

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            'properties': {
                'free_used_percent': {
                    'description': 'how many hosts to keep free and on, in '
                    'percent of those with servers',
                    'type': 'number',
                    'minimum': 0,
                    'default': 10.0,
                },
                'min_free_hosts_num': {
                    'description': 'how many hosts to keep free and on, at '
                    'least',
                    'type': 'number',
                    'minimum': 0,
                    'default': 1,
                },
                'max_actions': {
                    'description': 'how many hosts one plan may power on or '
                    'off, at most; null for no limit',
                    'type': ['integer', 'null'],
                    'minimum': 1,
                    'default': None,
                },
                'dry_run': {
                    'description': 'show in the log and in the status of '
                    'the audit which hosts would be powered on or off, and '
                    'plan nothing',
                    'type': 'boolean',
                    'default': False,
                },
            }
        }

    def pre_execute(self) -> None:
        LOG.info('Beginning %s', self.get_display_name())

    def do_execute(self, audit: Any = None) -> None:
        try:
            with errors.told():
                message = self._plan()
        except Exception as exc:
            # Watcher itself leaves no more of it than FAILED.
            if audit is not None:
                audit.status_message = errors.status_message(_reason(exc))
            raise
        if audit is not None:
            audit.status_message = message

    def post_execute(self) -> None:
        """There is nothing left to do."""

    def _plan(self) -> str | None:
        """Fill in the solution; returns the status message of the audit."""
        wish = self._wish()
        services = process.services()
        if services.nova is None:
            raise exceptions.ConfigurationError(
                'Nova is not configured, so no node matches a compute host',
                cure='Configure [watcher_clients_auth], or an auth_type in '
                '[nova].',
            )
        nodes, hosts = services.driver.list_nodes(), services.nova.list_hosts()
        members = fleet.match(nodes, hosts).members
        decision = saving.decide(
            self._in_scope(members, hosts),
            wish,
            services.settings,
            datetime.datetime.now(datetime.UTC),
            saving.room_to_go_off(members, services.settings),
        )
        _log(decision, members)
        self.solution.set_efficacy_indicators(
            hosts_on=decision.hosts_on,
            hosts_off=decision.hosts_off,
            hosts_freed=len(decision.off),
        )
        if self._parameter('dry_run'):
            return errors.status_message(f'Dry run: {_story(decision)}')
        for members, state in (
            (decision.on, PowerState.ON),
            (decision.off, PowerState.OFF),
        ):
            for member in members:
                self._add(member, state)
        return None

    def _wish(self) -> saving.Wish:
        return saving.Wish(
            free_used_percent=self._parameter('free_used_percent'),
            min_free_hosts_num=self._parameter('min_free_hosts_num'),
            max_actions=self._parameter('max_actions'),
            any_off_host=bool(getattr(self.config, 'any_off_host', False)),
        )

    def _parameter(self, name: str) -> Any:
        """Its value, or its default where the audit was made without."""
        default = self.get_schema()['properties'][name]['default']
        return self.input_parameters.get(name, default)

    def _in_scope(
        self, members: Iterable[fleet.Member], hosts: Iterable[ComputeHost]
    ) -> list[fleet.Member]:
        names = scope.hosts_in_scope(
            self.audit_scope, (host.name for host in hosts)
        )
        return [m for m in members if m.host and m.host.name in names]

    def _add(self, member: fleet.Member, state: PowerState) -> None:
        assert member.host is not None  # noqa: S101, decide() takes no other
        self.solution.add_action(
            action_type=ACTION,
            resource_id=member.node.id,
            input_parameters={
                'state': state.value,
                'resource_name': member.host.name,
            },
        )


def _reason(exc: Exception) -> str:
    if isinstance(exc, exception.WatcherException):
        return str(exc)
    return f'{type(exc).__name__}, see the log of the decision engine'


def _log(decision: saving.Decision, members: Collection[fleet.Member]) -> None:
    LOG.info(
        'Hosts on: %d, off: %d, busy: %d; free and on: %d, wanted: %d; %s',
        decision.hosts_on,
        decision.hosts_off,
        decision.busy,
        decision.ready,
        decision.wanted,
        _story(decision),
    )
    unmatched = [member for member in members if not member.host]
    if unmatched:
        LOG.info(
            '%d of %d nodes match no compute host; see `metal-drivers node '
            'list`. The first: %s: %s',
            len(unmatched),
            len(members),
            unmatched[0].label,
            unmatched[0].problem,
        )


def _story(decision: saving.Decision) -> str:
    parts = [
        f'power {word} {", ".join(member.label for member in members)}'
        for word, members in (('on', decision.on), ('off', decision.off))
        if members
    ]
    return '; '.join(parts) or 'nothing to do'
