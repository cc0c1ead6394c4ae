# SPDX-License-Identifier: Apache-2.0
"""``plan``: what an audit would power on and off."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from metal_drivers import conf, planning
from metal_drivers.cli import base, reserving
from metal_drivers.planning import wish

LOG = logging.getLogger(__name__)


class Plan(base.FittedLister):
    """Show which hosts the strategy metal_saving_energy would power on or off.

    Asks the services and changes nothing. The options are the parameters of
    the strategy. Watcher need not be installed. All hosts are in scope.
    """

    COLUMNS = ('Node', 'Action', 'Reason')
    EXAMPLES = (
        (
            'With the defaults of the strategy.',
            'metal-drivers plan',
        ),
        (
            'Keep two hosts free, both of them in one zone.',
            'metal-drivers plan --min-free-hosts-num 2 '
            '--reserve zone=nova,min_free_hosts_num=2',
        ),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        reserving.add_arguments(parser)
        reserving.add_parameters(
            parser,
            (
                ('idle_minutes', 'MINUTES', reserving.number),
                ('exercise_days', 'DAYS', reserving.number),
                ('max_actions', 'ACTIONS', _from_1),
            ),
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        asked = reserving.wish_of(
            parsed_args,
            idle_minutes=parsed_args.idle_minutes,
            exercise_days=parsed_args.exercise_days,
            max_actions=parsed_args.max_actions,
            any_off_host=wish.any_off_host(self.conf),
        )
        connection = self.connect()
        nova = planning.needed(connection.compute)
        with self.waiting(nova):
            found = connection.fleet()
            decision = planning.make_plan(
                found,
                nova,
                asked,
                connection.settings,
                wake_retry_interval=conf.settings(
                    self.conf
                ).wake_retry_interval,
                left=connection.hooks.left_of(found.members),
            )
        for shortage in decision.shortages:
            LOG.warning('%s', shortage)
        return self.COLUMNS, [
            (verdict.member.label, verdict.action.value, verdict.reason)
            for verdict in decision.verdicts
        ]


def _from_1(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError('must be a whole number, at least 1')
    return number
