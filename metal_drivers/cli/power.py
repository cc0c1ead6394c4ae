# SPDX-License-Identifier: Apache-2.0
"""``node power on`` and ``node power off``."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from metal_drivers import exceptions, fleet
from metal_drivers.cli import base
from metal_drivers.model import OffMode, PowerState
from metal_drivers.power import Event, PowerEngine, PowerSettings


class _Power(base.Lister):
    state: PowerState

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            'nodes',
            metavar='NODE',
            nargs='+',
            help='an id, a node name or a host name',
        )
        parser.add_argument(
            '--dry-run',
            action='store_true',
            help='say what would be done, and do nothing',
        )
        parser.add_argument(
            '--no-wait',
            action='store_true',
            help='return when the request is accepted',
        )
        parser.add_argument(
            '--timeout',
            metavar='SECONDS',
            type=_seconds,
            help='how long each step may take, instead of the time-outs in '
            'the configuration',
        )
        parser.add_argument(
            '--unmatched',
            action='store_true',
            help='act on a node that matches no compute host, too: whether '
            'anything runs on it is then not asked',
        )
        parser.add_argument(
            '--yes', action='store_true', help='do not ask back'
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        settings = self.settings(parsed_args)
        if not parsed_args.dry_run:
            self.confirm(parsed_args)
        with self.services() as (driver, nova):
            engine = PowerEngine(driver, nova, settings, watch=self._progress)
            results = list(
                engine.switch(
                    fleet.load(driver, nova), parsed_args.nodes, self.state
                )
            )
        if not all(result.outcome.good for result in results):
            self.status = 1
        return ('Node', 'Result', 'Detail'), [
            (result.name, result.outcome.value, result.detail)
            for result in results
        ]

    def settings(self, parsed_args: argparse.Namespace) -> PowerSettings:
        """The configuration, and what the options change of it."""
        settings = PowerSettings.from_conf(self.conf)
        if parsed_args.timeout is not None:
            settings = settings.within(parsed_args.timeout)
        return dataclasses.replace(
            settings,
            dry_run=parsed_args.dry_run,
            wait=not parsed_args.no_wait,
            unmatched=parsed_args.unmatched,
        )

    def confirm(self, parsed_args: argparse.Namespace) -> None:
        """Ask back, where that is due."""

    def _progress(self, event: Event) -> None:
        if self.app.stderr.isatty():
            self.app.stderr.write(
                f'{event.member.label}: {event.step.value} {event.detail}\n'
            )


class PowerOn(_Power):
    """Switch nodes on, and have nova-compute enabled where we had it
    disabled."""

    state = PowerState.ON


class PowerOff(_Power):
    """Switch nodes off, if nothing runs on them."""

    state = PowerState.OFF

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument(
            '--soft',
            action='store_const',
            dest='mode',
            const=OffMode.SOFT,
            help='only ask the operating system to shut down',
        )
        mode.add_argument(
            '--hard',
            action='store_const',
            dest='mode',
            const=OffMode.HARD,
            help='cut the power at once',
        )
        return parser

    def settings(self, parsed_args: argparse.Namespace) -> PowerSettings:
        settings = super().settings(parsed_args)
        if parsed_args.mode is None:
            return settings
        return dataclasses.replace(settings, off_modes=(parsed_args.mode,))

    def confirm(self, parsed_args: argparse.Namespace) -> None:
        if parsed_args.yes:
            return
        names = ', '.join(parsed_args.nodes)
        if not self.app.stdin.isatty():
            raise exceptions.ConfigurationError(
                f'Nobody can be asked whether to switch off {names}',
                cure='Give --yes to switch off without being asked, or '
                '--dry-run to see what would be done.',
            )
        self.app.stderr.write(f'Switch off {names}? [y/N] ')
        self.app.stderr.flush()
        answer = self.app.stdin.readline().strip().casefold()
        if answer not in ('y', 'yes'):
            raise exceptions.RefusedError('Nothing was switched off.')


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds < float('inf'):
        raise argparse.ArgumentTypeError('must be a number, at least 1')
    return seconds
