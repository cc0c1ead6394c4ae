# SPDX-License-Identifier: Apache-2.0
"""The common part of commands that act on many nodes."""

from __future__ import annotations

import abc
import argparse
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from metal_drivers import fleet, services
from metal_drivers.cli import base, progress, signals
from metal_drivers.model import PowerResult
from metal_drivers.power import PowerEngine, PowerSettings


class Batch(base.Lister, abc.ABC):
    """Runs an engine, and lists a result for each node."""

    COLUMNS = ('Node', 'Result', 'Detail')

    #: Opened before anything is counted.
    connection: services.Connection

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        # Options may stand between the nodes, as in other commands.
        parser.parse_args = (  # type: ignore[method-assign]
            parser.parse_intermixed_args
        )
        parser.add_argument(
            '--dry-run',
            action='store_true',
            help='show what would be done, and do nothing',
        )
        parser.add_argument(
            '--timeout',
            metavar='SECONDS',
            type=_seconds,
            help='time limit for each step, in place of the time-outs in '
            'the configuration',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        settings = self.settings(parsed_args)
        if not parsed_args.dry_run:
            self.confirm(parsed_args)
        connection = self.connection = self.connect(settings)
        with self.waiting(connection.compute):
            if parsed_args.nodes:
                found = connection.find(parsed_args.nodes)
            else:
                found = connection.fleet()
        total = self.count(found, parsed_args)
        with progress.shown(self.app.stdout, self.app.stderr, total) as watch:
            engine = connection.engine(watch=watch)
            with signals.cancelling(engine.cancel):
                results = self.work(engine, found, parsed_args)
        if not all(result.outcome.good for result in results):
            self.status = 1
        return self.COLUMNS, [
            (result.name, result.outcome.value, result.detail)
            for result in results
        ]

    def settings(self, parsed_args: argparse.Namespace) -> PowerSettings:
        """The configuration, and what the options change of it."""
        settings = PowerSettings.from_conf(self.conf)
        if parsed_args.timeout is not None:
            settings = settings.within(parsed_args.timeout)
        return dataclasses.replace(settings, dry_run=parsed_args.dry_run)

    def confirm(self, parsed_args: argparse.Namespace) -> None:
        """Ask for confirmation, where it is needed."""

    @abc.abstractmethod
    def count(
        self, found: fleet.Fleet, parsed_args: argparse.Namespace
    ) -> int:
        """How many nodes the command acts on."""

    @abc.abstractmethod
    def work(
        self,
        engine: PowerEngine,
        found: fleet.Fleet,
        parsed_args: argparse.Namespace,
    ) -> list[PowerResult]: ...


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds < float('inf'):
        raise argparse.ArgumentTypeError('must be a number, at least 1')
    return seconds
