# SPDX-License-Identifier: Apache-2.0
"""What ``fleet`` and ``metrics`` share: the configuration, asked for an
overview."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Set

from metal_drivers import compute, energy, overview, selector
from metal_drivers.cli import base, reserving

LOG = logging.getLogger(__name__)


class Look:
    """Asks the services of a command.

    :raises ConfigurationError: no driver can be chosen, or something cannot
        be used as it is configured.
    """

    def __init__(
        self, command: base.CommandBase, parsed_args: argparse.Namespace
    ) -> None:
        self._watts = energy.Watts.from_conf(command.conf)
        self.driver_name = selector.Selector(command.conf).select().name
        self._connection = command.connect()
        self._wish = reserving.wish_of(parsed_args)
        self.clock = self._connection.clock
        #: The groups of the last overview that do not exist.
        self._unknown: Set[str] = frozenset()

    @property
    def nova(self) -> compute.Compute | None:
        return self._connection.compute

    def ask(self) -> overview.Answers:
        """Ask all services once."""
        return overview.ask(
            self._connection.driver,
            self.driver_name,
            self._connection.compute,
            self._wish.reserve,
            self.clock,
        )

    def overview(self, lists: overview.Lists) -> overview.Overview:
        """What the lists tell. A group that does not exist is one line in
        the log, until it does."""
        found = overview.take(
            lists,
            self._connection.settings,
            self._wish,
            self.clock.now(),
            self._watts.of,
        )
        for group, problem in found.unknown.items():
            if group not in self._unknown:
                LOG.warning('%s', problem)
        self._unknown = found.unknown.keys()
        return found


def interval(text: str) -> float:
    """The type of an argument: seconds, from 1."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds < float('inf'):
        raise argparse.ArgumentTypeError('must be seconds, at least 1')
    return seconds
