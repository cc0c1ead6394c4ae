# SPDX-License-Identifier: Apache-2.0
"""``plan``: what an audit would power on and off."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from metal_drivers import conf, exceptions, planning
from metal_drivers.cli import base
from metal_drivers.planning import wish


class Plan(base.FittedLister):
    """Show which hosts the strategy metal_saving_energy would power on or off.

    Asks the services and changes nothing. The options are the parameters of
    the strategy. Watcher need not be installed. All hosts are in scope.
    """

    COLUMNS = ('Node', 'Action', 'Reason')

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        for name, metavar, kind in (
            ('free_used_percent', 'PERCENT', _number),
            ('min_free_hosts_num', 'HOSTS', _number),
            ('idle_minutes', 'MINUTES', _number),
            ('exercise_days', 'DAYS', _number),
            ('max_actions', 'ACTIONS', _from_1),
        ):
            about = wish.PARAMETERS[name]
            default = about['default']
            shown = '' if default is None else f' (default: {default})'
            parser.add_argument(
                f'--{name.replace("_", "-")}',
                metavar=metavar,
                type=kind,
                default=default,
                help=about['description'].replace('%', '%%') + shown,
            )
        parser.add_argument(
            '--reserve',
            metavar='RULE',
            type=_argument(_rules),
            action='extend',
            default=[],
            help='how many hosts to keep free and on in a zone, an aggregate '
            'or a trait, such as zone=az1,min_free_hosts_num=2 or '
            'trait=CUSTOM_GPU,free_used_percent=20; may be repeated, and may '
            'be JSON as in an audit',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        asked = planning.Wish(
            free_used_percent=parsed_args.free_used_percent,
            min_free_hosts_num=parsed_args.min_free_hosts_num,
            reserve=tuple(parsed_args.reserve),
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
        return self.COLUMNS, [
            (verdict.member.label, verdict.action.value, verdict.reason)
            for verdict in decision.verdicts
        ]


def _rules(text: str) -> list[planning.Rule]:
    """``zone=az1,min_free_hosts_num=2``, or JSON: a rule or a list of them.

    :raises ConfigurationError: it is none.
    :raises ValueError: it is not JSON.
    """
    if text.lstrip().startswith(('{', '[')):
        given = json.loads(text)
        return [
            planning.Rule.read(each)
            for each in (given if isinstance(given, list) else [given])
        ]
    rule: dict[str, Any] = {}
    for part in text.split(','):
        name, equals, value = map(str.strip, part.partition('='))
        if not equals:
            raise ValueError(f'{part!r} is not NAME=VALUE')
        if name in rule:
            raise ValueError(f'{name} is given twice')
        rule[name] = _value(value) if name in wish.MEASURES else value
    return [planning.Rule.read(rule)]


def _value(text: str) -> Any:
    """A number, where it is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _argument(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """The type of an argument, whose errors argparse shows."""

    def argument(text: str) -> Any:
        try:
            return read(text)
        except (exceptions.ConfigurationError, ValueError) as exc:
            raise argparse.ArgumentTypeError(str(exc)) from exc

    return argument


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number < float('inf'):
        raise argparse.ArgumentTypeError('must be a number, at least 0')
    return number


def _from_1(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError('must be a whole number, at least 1')
    return number
