# SPDX-License-Identifier: Apache-2.0
"""How many hosts are off at once."""

from __future__ import annotations

import threading

from metal_drivers import base, compute, fleet
from metal_drivers.model import Node, PowerState
from metal_drivers.power.clock import Clock
from metal_drivers.power.process import Process
from metal_drivers.power.settings import PowerSettings

#: A list may be so many seconds older than it looks, be it that it was
#: handed to us, be it the cache of a service.
_STALE = 120.0


def counts_as_off(node: Node) -> bool:
    """Whether a node is one of those that ``max_powered_off`` limits.

    What is not known counts as off; so does what is about to be off, and
    what is on its way on until it is on: that may fail.
    """
    on = node.power_state is PowerState.ON
    return not on or node.target is PowerState.OFF


class Census:
    """The hosts of one fleet, and those of them that are off.

    :param found: the fleet; None: it is asked for when it is needed.
    """

    def __init__(
        self,
        driver: base.MetalDriver,
        nova: compute.Compute | None,
        settings: PowerSettings,
        process: Process,
        clock: Clock,
        found: fleet.Fleet | None,
    ) -> None:
        self._driver, self._nova = driver, nova
        self._settings, self._process = settings, process
        self._since = clock.monotonic() - _STALE
        self._lock = threading.Lock()
        self._fleet = found
        #: What a dry run would have switched off.
        self._planned: set[str] = set()

    def take_room(self, node_id: str) -> int | None:
        """One more is to go off.

        :returns: None: it may. Else how many others are off.
        :raises MetalError: the fleet cannot be listed.
        """
        with self._lock:  # one list for all that wait for it
            if self._fleet is None:
                self._fleet = fleet.load(self._driver, self._nova)
            members = self._fleet.members
        nodes = [m.node for m in members if m.host]
        off = {node.id for node in nodes if counts_as_off(node)}
        others = self._process.take_room(
            node_id,
            [node.id for node in nodes],
            off | self._planned,
            self._settings.most_off(len(nodes)),
            self._since,
        )
        if others is None and self._settings.dry_run:
            self._planned.add(node_id)
            self._process.leave_room(node_id)
        return others
