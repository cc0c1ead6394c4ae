# SPDX-License-Identifier: Apache-2.0
"""``metrics``: what the fleet does, for Prometheus."""

from __future__ import annotations

import argparse
import contextlib
import logging
import threading
from typing import TYPE_CHECKING

from metal_drivers import exceptions
from metal_drivers.cli import base, looking, reserving, signals

if TYPE_CHECKING:
    from metal_drivers.metrics import source

LOG = logging.getLogger(__name__)

#: Seconds.
INTERVAL = 60.0


class Metrics(base.Plain):
    """Serve metrics for Prometheus, or write them once.

    Without options, OpenMetrics is printed once. With --textfile a file for
    the textfile collector of node_exporter is written once; with --listen as
    well, at each interval. --listen serves metrics until the command is
    ended. A service that does not answer is a metric, not an error.
    Needs the extra "metrics". Asks the services and changes nothing.
    """

    EXAMPLES = (
        (
            'Print them once.',
            'metal-drivers metrics',
        ),
        (
            'Serve them to Prometheus.',
            'metal-drivers metrics --listen 127.0.0.1:9797',
        ),
        (
            'Write them for node_exporter, from a timer.',
            'metal-drivers metrics --textfile metal_drivers.prom',
        ),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            '--listen',
            metavar='ADDRESS:PORT',
            help='where to serve metrics over HTTP, such as 127.0.0.1:9797',
        )
        parser.add_argument(
            '--textfile',
            metavar='PATH',
            help='the file to write, such as '
            '/var/lib/prometheus/node-exporter/metal_drivers.prom',
        )
        parser.add_argument(
            '--interval',
            metavar='SECONDS',
            type=looking.interval,
            default=INTERVAL,
            help='how often the services are asked, however often metrics '
            'are fetched (default: %(default)g)',
        )
        reserving.add_arguments(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        try:
            from metal_drivers.metrics import serving, source
        except ModuleNotFoundError as exc:
            if (exc.name or '').partition('.')[0] != 'prometheus_client':
                raise
            raise exceptions.ConfigurationError(
                'Metrics need prometheus_client, which is not installed',
                cure='Install it: pip install '
                "'watcher-metal-drivers[metrics]'.",
            ) from exc
        where = None
        if parsed_args.listen is not None:
            try:
                where = serving.address(parsed_args.listen)
            except ValueError as exc:
                raise exceptions.ConfigurationError(
                    f'--listen {parsed_args.listen} {exc}', cure=''
                ) from exc
        look = looking.Look(self, parsed_args)
        found = source.Source(
            look.driver_name, look.ask, look.overview, look.clock
        )
        path = parsed_args.textfile
        if where is not None:
            self._serve(found, *where, parsed_args.interval, path)
            return
        found.refresh()
        if path is None:
            self.app.stdout.write(serving.text(found))
        else:
            serving.write(found, path)

    def _serve(
        self,
        found: source.Source,
        host: str,
        port: int,
        interval: float,
        path: str | None,
    ) -> None:
        """Until the command is ended."""
        from metal_drivers.metrics import serving

        stop = threading.Event()
        failed: list[BaseException] = []

        def work() -> None:
            try:
                while not stop.is_set():
                    found.refresh()
                    if path is not None:
                        _write(found, path)
                    stop.wait(interval)
            except BaseException as exc:
                failed.append(exc)
                stop.set()

        with (
            signals.cancelling(stop.set),
            contextlib.ExitStack() as stack,
        ):
            at = stack.enter_context(serving.listening(found, host, port))
            self.app.stderr.write(f'Serving metrics on port {at} of {host}.\n')
            self.app.stderr.flush()
            threading.Thread(
                target=work, name='metal-refresh', daemon=True
            ).start()
            stop.wait()
        if failed:
            raise failed[0]


def _write(found: source.Source, path: str) -> None:
    """A disk that is full now need not be at the next interval."""
    from metal_drivers.metrics import serving

    try:
        serving.write(found, path)
    except exceptions.MetalError as exc:
        LOG.warning('%s', exc)
