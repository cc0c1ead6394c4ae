# SPDX-License-Identifier: Apache-2.0
"""``driver list`` and ``driver show``."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from oslo_config import cfg

from metal_drivers import exceptions, selector
from metal_drivers.cli import base

LOG = logging.getLogger(__name__)

_COLUMNS = ('Name', 'State', 'Detail', 'Distribution')


class ListDrivers(base.Lister):
    """List the drivers that are installed, and which one is selected."""

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        chooser = selector.Selector(self.conf)
        rows = [_row(candidate) for candidate in chooser.candidates()]
        try:
            chooser.select()
        except exceptions.ConfigurationError as exc:
            LOG.warning('No driver is selected. %s', exc)
        return _COLUMNS, rows


class ShowDriver(base.ShowOne):
    """Show a driver, its options, and where each value comes from."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument('name', metavar='NAME', help='the driver')
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Sequence[Any]]:
        candidates = selector.Selector(self.conf).candidates()
        for candidate in candidates:
            if candidate.name == parsed_args.name:
                return _show(self.conf, candidate)
        names = ', '.join(candidate.name for candidate in candidates)
        raise exceptions.ConfigurationError(
            f'There is no driver {parsed_args.name!r}; installed are '
            f'{names or "none"}',
            cure='Name one of these, or install the package that has it.',
        )


def _row(candidate: selector.Candidate) -> tuple[str, str, str, str]:
    return (
        candidate.name,
        candidate.state.value,
        candidate.detail,
        candidate.distribution,
    )


def _show(
    conf: cfg.ConfigOpts, candidate: selector.Candidate
) -> tuple[Sequence[str], Sequence[Any]]:
    driver = candidate.plugin.driver
    columns = [*_COLUMNS, 'Priority', 'Capabilities', 'Group', 'Options']
    values: list[Any] = [*_row(candidate)]
    if driver is None:
        return columns, [*values, base.OrNothing(None), '', '', '']
    capabilities = sorted(each.value for each in driver.capabilities)
    values += [
        driver.priority,
        ', '.join(capabilities),
        candidate.group,
        '\n'.join(
            _option(conf, candidate.group, opt)
            for opt in driver.get_config_opts()
        ),
    ]
    return columns, values


def _option(conf: cfg.ConfigOpts, group: str, opt: cfg.Opt) -> str:
    """``name = value (where from)``; a secret is masked."""
    try:
        value = conf[group][opt.dest]
    except (cfg.ConfigFileValueError, ValueError):
        value = '(not valid)'
    if opt.secret and value is not None:
        value = '***'
    found = conf.get_location(opt.dest, group)
    where = 'default'
    if found is not None and found.location.is_user_controlled:
        where = found.detail or found.location.name
    return f'{opt.dest} = {"" if value is None else value} ({where})'
