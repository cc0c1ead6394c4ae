# SPDX-License-Identifier: Apache-2.0
"""The options that say how many hosts are to be free and on."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from typing import Any

from metal_drivers import exceptions, planning
from metal_drivers.planning import wish


def add_parameters(
    parser: argparse.ArgumentParser,
    parameters: Iterable[tuple[str, str, Callable[[str], Any]]],
) -> None:
    """Options for parameters of the strategy, with its words.

    :param parameters: name, metavar and type.
    """
    for name, metavar, kind in parameters:
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options for how many hosts are to be free and on."""
    add_parameters(
        parser,
        (
            ('free_used_percent', 'PERCENT', number),
            ('min_free_hosts_num', 'HOSTS', number),
        ),
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


def wish_of(parsed_args: argparse.Namespace, **others: Any) -> planning.Wish:
    """What those options ask for."""
    return planning.Wish(
        free_used_percent=parsed_args.free_used_percent,
        min_free_hosts_num=parsed_args.min_free_hosts_num,
        reserve=tuple(parsed_args.reserve),
        **others,
    )


def number(text: str) -> float:
    """The type of an argument: a number from 0."""
    try:
        found = float(text)
    except ValueError:
        found = -1
    if not 0 <= found < float('inf'):
        raise argparse.ArgumentTypeError('must be a number, at least 0')
    return found


def _rules(text: str) -> list[planning.Rule]:
    """``zone=az1,min_free_hosts_num=2``, or JSON: a rule or a list of them.

    :raises ConfigurationError: it is none.
    :raises ValueError: it is not JSON.
    """
    if text.lstrip().startswith(('{', '[')):
        try:
            given = json.loads(text)
        except json.JSONDecodeError:
            raise ValueError(
                f'{text!r} is not JSON. Quote names and texts with ", or '
                'write zone=az1,min_free_hosts_num=2'
            ) from None
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
