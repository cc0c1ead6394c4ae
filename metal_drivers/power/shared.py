# SPDX-License-Identifier: Apache-2.0
"""What all transitions of a process share: the rates, which nodes have a
transition, what was done to them last, and how many are off.

The owner of the services holds one :class:`Shared` for as long as they are
open, and gives it to each engine.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Iterable

from metal_drivers import base, compute, fleet
from metal_drivers.model import ComputeService, Node, PowerState
from metal_drivers.poller import Poller, over_driver, over_nova

#: In any so many seconds, no more requests than the rate.
WINDOW = 60.0

#: A list may be so many seconds older than it looks, be it that it was
#: handed to us, be it the cache of a service.
_STALE = 120.0


class Rate:
    """How many requests a minute: machines that start draw more current
    than machines that run, and a mistake must not take a data centre at
    once.

    A slot is taken before a node is looked at for the last time, and used
    when its request is answered. So the limit holds for the moments at
    which requests arrive, however long they take.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: collections.deque[float] = collections.deque()
        self._taken = 0

    def take(self, limit: int, now: float) -> float:
        """Take a slot.

        :returns: 0.0: it is taken. Else how many seconds it takes at least
            until one can be free; a slot that is only taken may be given
            back any time.
        """
        with self._lock:
            # The very sum that is returned: another that should be equal
            # may differ in its last bit, and 0.0 would be a slot.
            while self._used and self._used[0] + WINDOW - now <= 0:
                self._used.popleft()
            if len(self._used) + self._taken < limit:
                self._taken += 1
                return 0.0
            if self._used and not self._taken:
                return self._used[0] + WINDOW - now
            return 1.0

    def use(self, now: float) -> None:
        """A request may have arrived."""
        with self._lock:
            self._taken -= 1
            self._used.append(now)

    def give_back(self) -> None:
        """The slot is not needed any more."""
        with self._lock:
            self._taken -= 1


class Shared:
    """One for all that is opened together; used by any thread."""

    def __init__(self) -> None:
        self.rates = {state: Rate() for state in PowerState}
        self._lock = threading.Lock()
        self._claims: dict[str, PowerState] = {}
        self._off_slots: set[str] = set()
        #: The nodes that were seen to be compute hosts.
        self._hosts: set[str] = set()
        #: The nodes of which hooks did not take in that they are back.
        self._owed: set[str] = set()
        self._sent: dict[str, tuple[PowerState, float, float]] = {}
        self._seen: dict[str, tuple[PowerState, float]] = {}
        self._nodes: tuple[base.MetalDriver, Poller[Node]] | None = None
        self._services: (
            tuple[compute.Compute, Poller[ComputeService]] | None
        ) = None

    def claim(self, node_id: str, state: PowerState) -> PowerState | None:
        """Take the node for one transition.

        :returns: None: it is taken. Else what another transition of this
            process is about to make of it.
        """
        with self._lock:
            if node_id in self._claims:
                return self._claims[node_id]
            self._claims[node_id] = state
            return None

    def owe(self, node_id: str, owed: bool) -> None:
        """Whether hooks have yet to be told that the node is back."""
        with self._lock:
            if owed:
                self._owed.add(node_id)
            else:
                self._owed.discard(node_id)

    def owes(self, node_id: str) -> bool:
        with self._lock:
            return node_id in self._owed

    def release(self, node_id: str) -> None:
        with self._lock:
            self._claims.pop(node_id, None)
            self._off_slots.discard(node_id)

    def sent(
        self, node_id: str, state: PowerState, now: float, arrives: float
    ) -> None:
        """A request was sent that may have arrived.

        :param arrives: when it has, at the latest.
        """
        with self._lock:
            self._sent[node_id] = state, now, arrives
            # Powering on may fail: count it as off.
            self._seen[node_id] = PowerState.OFF, now

    def seen(self, node_id: str, state: PowerState, now: float) -> None:
        """A node of ours was last seen so, at the end of its transition."""
        with self._lock:
            if node_id in self._seen:
                self._seen[node_id] = state, now

    def last_sent(self, node_id: str) -> float | None:
        """When this process last sent the node a request, in seconds."""
        return self._sent[node_id][1] if node_id in self._sent else None

    def powered_on(self, node_id: str) -> float | None:
        """When the last power on that this process sent the node has
        arrived, at the latest; where that was its last request, and was
        not seen to have its effect."""
        with self._lock:
            state, _, arrives = self._sent.get(node_id, (None, 0.0, 0.0))
            seen, _ = self._seen.get(node_id, (None, 0.0))
        on = PowerState.ON
        return arrives if state is on and seen is not on else None

    def take_off_slot(
        self,
        node_id: str,
        hosts: Iterable[str],
        off: Iterable[str],
        limit: int,
        since: float,
    ) -> int | None:
        """Count a node among those that may be off at once.

        :param hosts: the ids of all nodes that count. Nova may leave out
            a host, as it does while it cannot ask one of its cells: one
            that was among them before goes on to count while it is off.
        :param off: the nodes that were off when they were listed, compute
            hosts or not.
        :param since: what this process has done later than that goes
            before what was listed.
        :returns: None: one was free, and is taken until
            :meth:`release`. Else how many others are off.
        """
        with self._lock:
            self._hosts.update(hosts)
            hosts = self._hosts
            others = hosts & set(off)
            for other, (state, when) in self._seen.items():
                if when >= since and other in hosts:
                    if state is PowerState.ON:
                        others.discard(other)
                    else:
                        others.add(other)
            others |= self._off_slots & hosts
            others.discard(node_id)
            if len(others) >= limit:
                return len(others)
            self._off_slots.add(node_id)
            return None

    def leave_off_slot(self, node_id: str) -> None:
        """It was only asked whether one is free."""
        with self._lock:
            self._off_slots.discard(node_id)

    def nodes(self, driver: base.MetalDriver) -> Poller[Node]:
        """For all who wait for nodes of this driver."""
        with self._lock:
            if self._nodes is None or self._nodes[0] is not driver:
                self._nodes = driver, over_driver(driver)
            return self._nodes[1]

    def services(self, nova: compute.Compute) -> Poller[ComputeService]:
        """For all who wait for nova-compute."""
        with self._lock:
            if self._services is None or self._services[0] is not nova:
                self._services = nova, over_nova(nova)
            return self._services[1]


class OffSlots:
    """How many hosts of one fleet may yet go off, for one batch.

    :param load: lists the fleet, where ``found`` is None and it has to be
        counted.
    """

    def __init__(
        self,
        shared: Shared,
        limit: Callable[[int], int],
        now: float,
        load: Callable[[], fleet.Fleet],
        found: fleet.Fleet | None,
        dry_run: bool,
    ) -> None:
        self._shared, self._limit, self._load = shared, limit, load
        self._since = now - _STALE
        self._fleet, self._dry_run = found, dry_run
        self._lock = threading.Lock()
        #: What a dry run would have powered off.
        self._planned: set[str] = set()

    def take(self, node_id: str) -> int | None:
        """One more is to go off.

        :returns: None: it may. Else how many others are off.
        :raises MetalError: the fleet cannot be listed.
        """
        with self._lock:  # one list for all that wait for it
            if self._fleet is None:
                self._fleet = self._load()
            members = self._fleet.members
        hosts = [m.node.id for m in members if m.host]
        counted = {m.node.id for m in members if m.host or m.doubtful}
        off = {m.node.id for m in members if m.node.counts_as_off}
        others = self._shared.take_off_slot(
            node_id,
            counted,
            off | self._planned,
            self._limit(len(hosts)),
            self._since,
        )
        if others is None and self._dry_run:
            self._planned.add(node_id)
            self._shared.leave_off_slot(node_id)
        return others
