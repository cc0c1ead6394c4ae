# SPDX-License-Identifier: Apache-2.0
"""``driver list`` and ``driver show``."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from oslo_config import cfg

from metal_drivers import base as drivers
from metal_drivers import (
    compatibility,
    conf,
    exceptions,
    redaction,
    selector,
    sources,
)
from metal_drivers.boundary import answers
from metal_drivers.cli import base

LOG = logging.getLogger(__name__)

_COLUMNS = ('Name', 'State', 'Detail', 'Distribution')
_DETAILS = ('Contract', 'Priority', 'Capabilities', 'Group', 'Options')


class ListDrivers(base.Lister):
    """List the drivers that are installed, and which one is selected."""

    COLUMNS = _COLUMNS
    EXAMPLES = (
        (
            'Which driver is used, and why not the others.',
            'metal-drivers driver list',
        ),
    )

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        selection = selector.Selector(self.conf).selection
        if selection.refusal is not None:
            LOG.warning('No driver is selected. %s', selection.refusal)
        return _COLUMNS, [_row(each) for each in selection.candidates]


class ShowDriver(base.ShowOne):
    """Show a driver, its options, and where each value comes from."""

    COLUMNS = (*_COLUMNS, *_DETAILS)
    EXAMPLES = (
        (
            'The options for Ironic, and where each value comes from.',
            'metal-drivers driver show ironic',
        ),
        (
            'Only its options.',
            'metal-drivers driver show ironic -f value -c Options',
        ),
    )

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
            cure='Use one of these, or install the package that provides it.',
        )


def _row(candidate: selector.Candidate) -> tuple[str, str, str, str]:
    return (
        candidate.name,
        candidate.state.value,
        candidate.detail,
        candidate.distribution,
    )


def _show(
    config: cfg.ConfigOpts, candidate: selector.Candidate
) -> tuple[Sequence[str], Sequence[Any]]:
    driver = candidate.plugin.cls
    columns = [*_COLUMNS, *_DETAILS]
    if driver is None:
        nothing, group = base.OrNothing(None), candidate.group
        return columns, [*_row(candidate), nothing, nothing, '', group, '']
    try:
        found = answers.capabilities(driver.capabilities)
    except answers.Wrong:  # what it can do depends on where it is used
        found = frozenset()
    capabilities = sorted(each.value for each in found)
    return columns, [
        *_row(candidate),
        compatibility.shown(driver.contract),
        driver.priority,
        ', '.join(capabilities),
        candidate.group,
        '\n'.join(_options(config, candidate, driver)),
    ]


def _options(
    config: cfg.ConfigOpts,
    candidate: selector.Candidate,
    driver: type[drivers.MetalDriver],
) -> Iterable[str]:
    """``name = value (where from)``, secrets masked."""
    try:
        values = conf.driver_values(config, candidate.name, driver)
    except exceptions.ConfigurationError:
        # What is wrong is the detail of the candidate.
        return
    settings = sources.all_settings(config)
    for opt in candidate.plugin.options:
        value = redaction.shown(opt, values[opt.dest])
        where = sources.origin(config, candidate.group, opt, settings)
        yield (
            f'{opt.dest} = {"" if value is None else value} '
            f'({where or "default"})'
        )
