# SPDX-License-Identifier: Apache-2.0
"""``report``: what the histories say."""

from __future__ import annotations

import argparse
import datetime
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from metal_drivers import conf, exceptions
from metal_drivers.cli import base
from metal_drivers.energy import Watts
from metal_drivers.model import Outcome
from metal_drivers.report import reading, tally, times

LOG = logging.getLogger(__name__)

_COLUMNS = (
    'Off Hours',
    'kWh',
    'CO2 kg',
    *(outcome.value.title() for outcome in Outcome),
    'Back Median',
    'Back 95%',
    'Back Longest',
    'Too Late',
)


class Report(base.FittedLister):
    """Report what the history says: hours off, energy, failures.

    A row for each day, host or zone: for how many hours hosts were off, the
    energy and the CO2 that this saved, how many power changes ended in which
    way, within how many seconds hosts came back (the median, 95 % of them,
    the longest), and how many power ons of an action plan came too late.
    """

    EXAMPLES = (
        (
            'Each day of the last 30, from a history.',
            'metal-drivers report --since 30d history.jsonl',
        ),
        (
            'Each host, and a page with drawings.',
            'metal-drivers report --by host --html report.html history.jsonl',
        ),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            'files',
            metavar='FILE',
            nargs='*',
            help='histories, rotated ones too, also packed (.gz); by '
            'default [metal_drivers] history_file',
        )
        parser.add_argument(
            '--since',
            metavar='TIME',
            help='how long ago (30d, 12h), or a date and time in UTC '
            '(2026-11-01, 2026-11-01T08:00); default: all',
        )
        parser.add_argument(
            '--until', metavar='TIME', default='now', help='default: now'
        )
        parser.add_argument(
            '--by',
            choices=tally.BY,
            default='day',
            help='what each row is for (default: day, in UTC)',
        )
        parser.add_argument(
            '--html',
            metavar='PATH',
            help='write a page with drawings there, too',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        now = datetime.datetime.now(datetime.UTC)
        since, until = _range(parsed_args, now)
        # The history has the watts; only this one is read now.
        watts = Watts(grid_co2=conf.settings(self.conf).grid_co2)
        found = reading.read(self._files(parsed_args), now)
        for problem in found.problems:
            LOG.warning('%s', problem)
        if any(problem.missing for problem in found.problems):
            self.status = 1
        report = tally.make(found.records, since, until)
        total = report.total()
        if total.hours > total.metered + 0.05:
            LOG.warning(
                'Of %.0f of %.0f host hours the watts are not known: no '
                'energy is counted for them. Set [metal_drivers] idle_watts.',
                total.hours - total.metered,
                total.hours,
            )
        if report.gaps:
            gap = report.gaps[0]
            LOG.warning(
                '%d times a host was powered on at a time that was not '
                'recorded (%s, after %s UTC): the hours before are not '
                'counted.',
                len(report.gaps),
                gap.host,
                _at(gap.begin),
            )
        if parsed_args.html:
            self._write(parsed_args.html, report, watts, found.problems)
        rows = [
            (key, *self._row(row, watts))
            for key, row in report.rows(parsed_args.by).items()
        ]
        if parsed_args.formatter == 'table' and len(rows) > 1:
            rows.append(('Total', *self._row(total, watts)))
        return (parsed_args.by.title(), *_COLUMNS), rows

    def _files(self, parsed_args: argparse.Namespace) -> list[str]:
        if parsed_args.files:
            return list(parsed_args.files)
        path = conf.settings(self.conf).history_file
        if not path:
            raise exceptions.ConfigurationError(
                'There is no history to report from: no FILE is named, and '
                '[metal_drivers] history_file is not set',
                cure='Set it, and power changes are recorded from then on; '
                'or name a file.',
            )
        return [path]

    def _row(self, row: tally.Tally, watts: Watts) -> tuple[Any, ...]:
        grams = None if row.saved is None else watts.grams(row.saved)
        return (
            round(row.hours, 2),
            base.OrNothing(_rounded(row.saved, 3)),
            base.OrNothing(None if grams is None else round(grams / 1000, 3)),
            *(row.outcomes[outcome.value] for outcome in Outcome),
            *(
                base.OrNothing(_rounded(row.back(share), 1))
                for share in (0.5, 0.95, 1.0)
            ),
            row.late,
        )

    def _write(
        self,
        path: str,
        report: tally.Report,
        watts: Watts,
        problems: list[reading.Problem],
    ) -> None:
        try:
            from metal_drivers.report import page
        except ImportError as exc:
            raise exceptions.ConfigurationError(
                f'--html needs matplotlib, and it cannot be imported: {exc}',
                cure="Install it: pip install 'watcher-metal-drivers[report]'",
            ) from exc
        text = page.page(report, watts, [str(each) for each in problems])
        try:
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
        except OSError as exc:
            raise exceptions.ConfigurationError(
                f'The page {path} cannot be written: {exc.strerror}',
                cure='Name another with --html.',
            ) from exc


def _range(
    parsed_args: argparse.Namespace, now: datetime.datetime
) -> tuple[datetime.datetime | None, datetime.datetime]:
    # Nobody knows how long a host is going to be off.
    until = min(now, times.parse(parsed_args.until, '--until', now))
    if parsed_args.since is None:
        return None, until
    since = times.parse(parsed_args.since, '--since', now)
    if since >= until:
        raise exceptions.ConfigurationError(
            f'--since {parsed_args.since!r} is not before --until '
            f'{parsed_args.until!r}',
            cure='Give an earlier one.',
        )
    return since, until


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _at(when: float) -> str:
    return datetime.datetime.fromtimestamp(when, datetime.UTC).strftime(
        '%Y-%m-%d %H:%M'
    )
