# SPDX-License-Identifier: Apache-2.0
"""``check``: whether the configuration is right."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterable, Sequence
from typing import Any

from metal_drivers import doctor
from metal_drivers.cli import base, progress
from metal_drivers.model import CheckStatus


class Check(base.FittedLister):
    """Check configuration, services and permissions; change nothing.

    Each line is ok, a warning or failed, with what to do about it.
    """

    COLUMNS = ('Check', 'Result', 'Detail')
    EXAMPLES = (
        (
            'As the services see it, if they are started with that file.',
            'metal-drivers --config-file /etc/watcher/watcher.conf check',
        ),
        (
            'What is not right, for a monitor.',
            'metal-drivers check -f json',
        ),
        (
            'The commands that fix it, to be read before they are run.',
            'metal-drivers check --fix-hints',
        ),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            '--fix-hints',
            action='store_true',
            help='print a shell script instead: what is not ok as comments, '
            'and the commands that fix it, where there are any; nothing is '
            'run',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        options = self.app.options
        place = doctor.Place(
            self.conf,
            command=(
                self.app.NAME,
                *(f'--config-file={each}' for each in options.config_file),
                *(f'--config-dir={each}' for each in options.config_dir),
            ),
            opened=self.opened,
        )
        waiting = functools.partial(
            progress.waiting, self.app.stdout, self.app.stderr
        )
        findings = list(doctor.run(place, doctor.CHECKS, waiting))
        if any(each.status is CheckStatus.FAILED for each in findings):
            self.status = 1
        self._findings = findings
        return self.COLUMNS, [
            (each.name, each.status.value, each.detail) for each in findings
        ]

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        if not parsed_args.fix_hints:
            return super().produce_output(parsed_args, column_names, data)
        for line in doctor.script(self._findings):
            self.app.stdout.write(f'{line}\n')
        return 0
