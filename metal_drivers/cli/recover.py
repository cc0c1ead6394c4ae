# SPDX-License-Identifier: Apache-2.0
"""``node recover``."""

from __future__ import annotations

import argparse

from metal_drivers import fleet
from metal_drivers.cli import batch
from metal_drivers.model import PowerResult
from metal_drivers.power import PowerEngine


class Recover(batch.Batch):
    """Recover hosts left half-done by interrupted processes.

    nova-compute is enabled on those that are on, if metal-drivers disabled
    it. No power request is sent.
    """

    EXAMPLES = (
        (
            'See what would be done, on all hosts.',
            'metal-drivers node recover --dry-run',
        ),
        (
            'Recover one host.',
            'metal-drivers node recover compute-01',
        ),
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'nodes',
            metavar='NODE',
            nargs='*',
            help='an id, a node name or a host name; by default all whose '
            'nova-compute is disabled by metal-drivers',
        )
        return parser

    def count(
        self, found: fleet.Fleet, parsed_args: argparse.Namespace
    ) -> int:
        if parsed_args.nodes:
            return len(set(parsed_args.nodes))
        return len(self.connection.engine().left_behind(found))

    def work(
        self,
        engine: PowerEngine,
        found: fleet.Fleet,
        parsed_args: argparse.Namespace,
    ) -> list[PowerResult]:
        return engine.recover(found, parsed_args.nodes)
