# SPDX-License-Identifier: Apache-2.0
"""What all engines of a process share: the pace, which nodes are being
switched, and what was done to them last."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable

from metal_drivers import base, compute
from metal_drivers.model import ComputeService, Node, PowerState
from metal_drivers.power.lookout import Lookout, over_driver, over_nova
from metal_drivers.power.pacing import Pace


class Process:
    """One for a process, :data:`PROCESS`; tests have their own."""

    def __init__(self) -> None:
        self.paces = {state: Pace() for state in PowerState}
        self._lock = threading.Lock()
        self._under_way: dict[str, PowerState] = {}
        self._room_taken: set[str] = set()
        self._sent: dict[str, tuple[PowerState, float]] = {}
        self._seen: dict[str, tuple[PowerState, float]] = {}
        self._nodes: weakref.WeakKeyDictionary[
            base.MetalDriver, Lookout[Node]
        ] = weakref.WeakKeyDictionary()
        self._services: weakref.WeakKeyDictionary[
            compute.Compute, Lookout[ComputeService]
        ] = weakref.WeakKeyDictionary()

    def claim(self, node_id: str, state: PowerState) -> PowerState | None:
        """Take the node for one transition.

        :returns: None: it is ours. Else what another transition of this
            process is about to make of it.
        """
        with self._lock:
            if node_id in self._under_way:
                return self._under_way[node_id]
            self._under_way[node_id] = state
            return None

    def release(self, node_id: str) -> None:
        with self._lock:
            self._under_way.pop(node_id, None)
            self._room_taken.discard(node_id)

    def leave_room(self, node_id: str) -> None:
        """It was only asked whether there is room."""
        with self._lock:
            self._room_taken.discard(node_id)

    def sent(self, node_id: str, state: PowerState, now: float) -> None:
        """A request was sent that may have arrived."""
        with self._lock:
            self._sent[node_id] = state, now
            # On its way on it may still fail to come.
            self._seen[node_id] = PowerState.OFF, now

    def seen(self, node_id: str, state: PowerState, now: float) -> None:
        """A node of ours was last seen so, at the end of its transition."""
        with self._lock:
            if node_id in self._seen:
                self._seen[node_id] = state, now

    def last_sent(self, node_id: str) -> float | None:
        """When this process last sent the node a request."""
        return self._sent[node_id][1] if node_id in self._sent else None

    def powered_on(self, node_id: str) -> float | None:
        """When this process last sent the node a power on, where that was
        its last request and has not been seen to have its effect."""
        with self._lock:
            state, when = self._sent.get(node_id, (None, 0.0))
            seen, _ = self._seen.get(node_id, (None, 0.0))
        on = PowerState.ON
        return when if state is on and seen is not on else None

    def take_room(
        self,
        node_id: str,
        hosts: Iterable[str],
        off: Iterable[str],
        limit: int,
        since: float,
    ) -> int | None:
        """Count a node among those that may be off at once.

        :param hosts: the ids of all nodes that count.
        :param off: those that were off when they were listed.
        :param since: what this process has done later than that goes
            before what was listed.
        :returns: None: there is room, and it is taken until
            :meth:`release`. Else how many others are off.
        """
        hosts = set(hosts)
        with self._lock:
            others = set(off)
            for other, (state, when) in self._seen.items():
                if when >= since and other in hosts:
                    if state is PowerState.ON:
                        others.discard(other)
                    else:
                        others.add(other)
            others |= self._room_taken & hosts
            others.discard(node_id)
            if len(others) >= limit:
                return len(others)
            self._room_taken.add(node_id)
            return None

    def nodes(self, driver: base.MetalDriver) -> Lookout[Node]:
        """Where all who wait for nodes of this driver look out."""
        with self._lock:
            if driver not in self._nodes:
                self._nodes[driver] = over_driver(driver)
            return self._nodes[driver]

    def services(self, nova: compute.Compute) -> Lookout[ComputeService]:
        """Where all who wait for nova-compute look out."""
        with self._lock:
            if nova not in self._services:
                self._services[nova] = over_nova(nova)
            return self._services[nova]


#: This process.
PROCESS = Process()
