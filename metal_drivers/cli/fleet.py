# SPDX-License-Identifier: Apache-2.0
"""``fleet``: the fleet in ten lines."""

from __future__ import annotations

import argparse
import io
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from metal_drivers import exceptions, overview
from metal_drivers.cli import base, looking, reserving, signals, terminal
from metal_drivers.model import PowerState

#: Seconds.
INTERVAL = 10.0

#: How many names a line has.
_SHOWN = 5

Row = tuple[str, Any]


class ShowFleet(base.FittedLister):
    """Show the fleet in ten lines.

    A host is off by metal-drivers if metal-drivers disabled its
    nova-compute, or if the reason is one of adopted_reasons. Asks the
    services and changes nothing.
    """

    COLUMNS = ('Item', 'Value')
    EXAMPLES = (
        (
            'As it is now.',
            'metal-drivers fleet',
        ),
        (
            'Again every 30 seconds, with the reserve of an audit.',
            'metal-drivers fleet --watch --interval 30 '
            '--reserve zone=nova,min_free_hosts_num=2',
        ),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            '--watch',
            action='store_true',
            help='show it again and again, until the command is ended',
        )
        parser.add_argument(
            '--interval',
            metavar='SECONDS',
            type=looking.interval,
            default=INTERVAL,
            help='how often, with --watch (default: %(default)g)',
        )
        reserving.add_arguments(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], list[Row]]:
        look = looking.Look(self, parsed_args)
        with self.waiting(look.nova):
            lists = look.ask().needed()
        found = list(rows(look.overview(lists)))
        if not parsed_args.watch:
            return self.COLUMNS, found
        stop = threading.Event()
        with signals.cancelling(stop.set):
            if self.at_terminal(parsed_args):
                found = self._redraw(look, parsed_args, found, stop)
            else:
                self._repeat(look, parsed_args, found, stop)
                found = []
        return self.COLUMNS, found

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        found = list(data)
        # Nothing: it was printed while it was watched.
        return (
            super().produce_output(parsed_args, column_names, found)
            if found
            else 0
        )

    def _redraw(
        self,
        look: looking.Look,
        parsed_args: argparse.Namespace,
        found: list[Row],
        stop: threading.Event,
    ) -> list[Row]:
        """Until it is stopped; what was shown last remains."""
        from rich import console, live, text

        stdout = self.app.stdout
        note = ''
        with live.Live(
            console=console.Console(file=stdout, highlight=False),
            auto_refresh=False,
            transient=True,
        ) as drawn:
            while True:
                drawn.update(
                    text.Text(self._table(parsed_args, found) + note),
                    refresh=True,
                )
                look.clock.wait(stop, parsed_args.interval)
                if stop.is_set():
                    return found
                found, note = _again(look, found)

    def _repeat(
        self,
        look: looking.Look,
        parsed_args: argparse.Namespace,
        found: list[Row],
        stop: threading.Event,
    ) -> None:
        """Print it each time, until it is stopped."""
        note = ''
        while True:
            if note:
                self.app.stderr.write(f'metal-drivers: {note.strip()}\n')
            else:
                self.produce_output(parsed_args, self.COLUMNS, found)
                self.app.stdout.flush()
            look.clock.wait(stop, parsed_args.interval)
            if stop.is_set():
                return
            found, note = _again(look, found)

    def _table(self, parsed_args: argparse.Namespace, found: list[Row]) -> str:
        drawn = io.StringIO()
        terminal.TerminalFormatter(
            terminal.width_of(self.app.stdout)
        ).emit_list(self.COLUMNS, found, drawn, parsed_args)
        return drawn.getvalue()


def _again(look: looking.Look, found: list[Row]) -> tuple[list[Row], str]:
    """The lines now; the former ones, and why, where a service does not
    answer."""
    try:
        lists = look.ask().needed()
    except exceptions.MetalError as exc:
        return found, f'\nThis is not up to date: {exc}\n'
    return list(rows(look.overview(lists))), ''


class _Hosts(base.Column):
    """How many; for people also which."""

    def human_readable(self) -> str:
        names: list[str] = self._value
        if not names:
            return '0'
        more = len(names) - _SHOWN
        rest = f' and {more} more' if more > 0 else ''
        return f'{len(names)} ({", ".join(names[:_SHOWN])}{rest})'

    def machine_readable(self) -> int:
        return len(self._value)


class _Saving(base.Column):
    """Watts; for people also what is not in them."""

    def human_readable(self) -> str:
        found: overview.Overview = self._value
        hosts, without = len(found.off_by_us), found.without_watts
        if hosts and without == hosts:
            return 'not known: the hosts have no idle_watts'
        missing = f' ({without} of {hosts} hosts have no idle_watts)'
        return f'{found.saved_watts:,.0f} W{missing if without else ""}'

    def machine_readable(self) -> float | None:
        found: overview.Overview = self._value
        hosts = len(found.off_by_us)
        if hosts and found.without_watts == hosts:
            return None
        return found.saved_watts


def rows(found: overview.Overview) -> Iterator[Row]:
    """The lines."""
    on = found.count(lambda host: host.power is PowerState.ON)
    off = found.count(lambda host: host.power is PowerState.OFF)
    by_us = len(found.off_by_us)
    yield 'Hosts on', on
    yield 'Hosts off by metal-drivers', by_us
    yield 'Hosts off for other reasons', off - by_us
    yield 'Hosts of unknown power', len(found.hosts) - on - off
    yield 'Half done', _hosts(found, lambda host: host.half_done is not None)
    yield 'Unreliable', _hosts(found, lambda host: host.unreliable)
    yield 'Protected', found.count(lambda host: host.protected)
    yield 'Nodes that match no host', found.unmatched
    for level in found.reserves:
        kept = 'kept' if level.ready >= level.wanted else 'not kept'
        where = f' of {level.group}' if level.group else ''
        verb = 'is' if level.ready == 1 else 'are'
        yield (
            f'Reserve{where}',
            f'{kept} ({level.ready} {verb} free and on, '
            f'{level.wanted} wanted)',
        )
    yield 'Saving now', _Saving(found)


def _hosts(
    found: overview.Overview, fits: Callable[[overview.HostStatus], bool]
) -> _Hosts:
    return _Hosts([host.name for host in found.hosts if fits(host)])
