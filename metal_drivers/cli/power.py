# SPDX-License-Identifier: Apache-2.0
"""``node power on`` and ``node power off``."""

from __future__ import annotations

import argparse
import dataclasses

from metal_drivers import exceptions, fleet
from metal_drivers.cli import batch
from metal_drivers.model import OffMode, PowerResult, PowerState
from metal_drivers.power import PowerEngine, PowerSettings


class _Power(batch.Batch):
    state: PowerState

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'nodes',
            metavar='NODE',
            nargs='+',
            help='an id, a node name or a host name',
        )
        parser.add_argument(
            '--no-wait',
            action='store_true',
            help='return when the request is accepted',
        )
        parser.add_argument(
            '--unmatched',
            action='store_true',
            help='act on nodes that match no compute host, too: nothing '
            'checks then whether they are in use',
        )
        parser.add_argument(
            '--yes', action='store_true', help='skip confirmation'
        )
        return parser

    def settings(self, parsed_args: argparse.Namespace) -> PowerSettings:
        return dataclasses.replace(
            super().settings(parsed_args),
            wait=not parsed_args.no_wait,
            unmatched=parsed_args.unmatched,
        )

    def count(
        self, found: fleet.Fleet, parsed_args: argparse.Namespace
    ) -> int:
        return len(set(parsed_args.nodes))

    def work(
        self,
        engine: PowerEngine,
        found: fleet.Fleet,
        parsed_args: argparse.Namespace,
    ) -> list[PowerResult]:
        return engine.switch(found, parsed_args.nodes, self.state)


class PowerOn(_Power):
    """Power nodes on, and enable what metal-drivers had disabled.

    That is nova-compute on their hosts, once it is up again.
    """

    EXAMPLES = (
        (
            'And wait until nova-compute is up.',
            'metal-drivers node power on compute-01',
        ),
        (
            'Two nodes, without waiting.',
            'metal-drivers node power on metal-01 metal-02 --no-wait',
        ),
    )

    state = PowerState.ON


class PowerOff(_Power):
    """Power nodes off, if nothing runs on them."""

    EXAMPLES = (
        (
            'See first whether it would be done.',
            'metal-drivers node power off compute-01 --dry-run',
        ),
        (
            'Ask for confirmation, then power off.',
            'metal-drivers node power off compute-01',
        ),
        (
            'In a script.',
            'metal-drivers node power off compute-01 compute-03 --yes -f json',
        ),
    )

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
                f'Powering off {names} needs confirmation, and standard '
                'input is not a terminal',
                cure='Use --yes to skip confirmation, or --dry-run to see '
                'what would be done.',
            )
        self.app.stderr.write(f'Power off {names}? [y/N] ')
        self.app.stderr.flush()
        answer = self.app.stdin.readline().strip().casefold()
        if answer not in ('y', 'yes'):
            raise exceptions.RefusedError('Nothing was powered off.')
