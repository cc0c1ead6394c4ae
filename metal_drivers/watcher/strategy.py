# SPDX-License-Identifier: Apache-2.0
"""Strategy ``metal_saving_energy``, for Watcher's goal ``saving_energy``."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg
from oslo_log import log
from watcher.common import exception
from watcher.decision_engine.goal import base as goal_base
from watcher.decision_engine.strategy.strategies import base

from metal_drivers import fleet, planning
from metal_drivers.model import PowerState
from metal_drivers.planning import wish
from metal_drivers.watcher import efficacy, errors, options, process, scope
from metal_drivers.watcher.action import ACTION

LOG = log.getLogger(__name__)


class MetalSavingEnergy(base.BaseStrategy):
    """Power off hosts that nothing runs on, and back on when needed.

    It keeps ``int(max(busy hosts * free_used_percent / 100,
    min_free_hosts_num))`` hosts free and on. A busy host is one with any
    server on it, one that is shut off too.

    It asks the bare metal service and Nova for one list each, at the same
    time, so it needs no compute model: what Watcher has collected may be an
    hour old.
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
    def get_goal_name(cls) -> str:
        return efficacy.SavingEnergy.get_name()

    @classmethod
    def get_goal(cls) -> goal_base.Goal:
        return efficacy.SavingEnergy({})

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return list(wish.OPTS)

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {'properties': copy.deepcopy(dict(wish.PARAMETERS))}

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
        asked = self._wish()
        services = process.services()
        nova = planning.needed(services.nova)
        found = services.load()
        decision = planning.make_plan(
            found,
            nova,
            asked,
            services.settings,
            scope=scope.hosts_in_scope(
                self.audit_scope, (host.name for host in found.hosts)
            ),
            wake_retry_interval=services.wake_retry_interval,
            left=services.connection.hooks.left_of(found.members),
        )
        dry_run = bool(self._parameter('dry_run'))
        _log(decision, found.members, dry_run)
        self.solution.set_efficacy_indicators(
            hosts_on=decision.hosts_on,
            hosts_off=decision.hosts_off,
            hosts_freed=len(decision.off),
            hosts_unreliable=decision.hosts_unreliable,
        )
        shortages = ' '.join(decision.shortages)
        if dry_run:
            said = f'{shortages} Dry run: {_story(decision)}'
            return errors.status_message(said)
        for members, state in (
            (decision.on, PowerState.ON),
            (decision.off, PowerState.OFF),
        ):
            for member in members:
                self._add(member, state)
        # What is missing comes first: the message may be cut.
        said = f'{shortages} {_relied_on(decision)}'.strip()
        return errors.status_message(said) if said else None

    def _wish(self) -> planning.Wish:
        return planning.Wish(
            free_used_percent=self._parameter('free_used_percent'),
            min_free_hosts_num=self._parameter('min_free_hosts_num'),
            reserve=tuple(
                planning.Rule.read(rule) for rule in self._parameter('reserve')
            ),
            idle_minutes=self._parameter('idle_minutes'),
            exercise_days=self._parameter('exercise_days'),
            max_actions=self._parameter('max_actions'),
            any_off_host=bool(getattr(self.config, 'any_off_host', False)),
        )

    def _parameter(self, name: str) -> Any:
        """Its value, or its default where the audit was made without."""
        default = self.get_schema()['properties'][name]['default']
        return self.input_parameters.get(name, default)

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


def _log(
    decision: planning.Decision,
    members: Sequence[fleet.Member],
    dry_run: bool,
) -> None:
    LOG.info(
        'Hosts on: %d, off: %d, busy: %d; free and on: %d, wanted: %d; %s',
        decision.hosts_on,
        decision.hosts_off,
        decision.busy,
        decision.ready,
        decision.wanted,
        _story(decision),
    )
    for level in decision.levels[1:]:
        LOG.info('%s', level)
    for shortage in decision.shortages:
        LOG.warning('%s', shortage)
    for verdict in decision.verdicts:
        moves = verdict.action is not planning.Action.STAY
        # A large cloud has thousands that stay, in each audit.
        LOG.log(
            logging.INFO if moves or dry_run else logging.DEBUG, '%s', verdict
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


def _story(decision: planning.Decision) -> str:
    parts = [
        f'power {word} {", ".join(member.label for member in members)}'
        for word, members in (('on', decision.on), ('off', decision.off))
        if members
    ]
    story = '; '.join(parts) or 'nothing to do'
    return '. '.join(filter(None, [story, _relied_on(decision)]))


def _relied_on(decision: planning.Decision) -> str:
    """That the plan relies on hosts that may not come back."""
    if not decision.relied_on:
        return ''
    hosts = ', '.join(
        f'{member.label} {trouble}' for member, trouble in decision.relied_on
    )
    return f'The plan relies on hosts that may not come back: {hosts}'
