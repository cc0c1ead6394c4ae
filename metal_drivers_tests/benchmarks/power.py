# SPDX-License-Identifier: Apache-2.0
"""A batch in real time and real threads, against the ideal schedule."""

from __future__ import annotations

import dataclasses
import math
import threading
import time

from metal_drivers import base, compute, fleet
from metal_drivers.model import (
    Capability,
    ComputeHost,
    ComputeService,
    Node,
    OffMode,
    Outcome,
    PowerState,
)
from metal_drivers.power import PowerEngine, PowerSettings
from metal_drivers.power.shared import Shared

HOSTS = 200
AT_ONCE = 20
#: Seconds for each call, and for each transition.
CALL = 0.1
CHANGE = 2.0
#: To switch a host off takes the node, the servers, the node once more,
#: the service, its disabling, the servers that are being scheduled, those
#: that are moved, the servers and the service once more, the request, and
#: one look that sees it off. Each but the last is before, or is, the request;
#: the change begins when that is answered. After it the service once more,
#: and its mark.
CALLS = 13
#: How much longer than the ideal schedule it may take.
MOST = 1.15


class _Metal(base.MetalDriver):
    capabilities = frozenset({Capability.TELLS_END, Capability.LIVE_LIST})

    def __init__(self) -> None:
        super().__init__({})
        self.ends: dict[str, float] = {}
        self.calls = 0

    def list_nodes(self) -> list[Node]:
        self._call()
        return [self._node(str(number)) for number in range(HOSTS)]

    def get_node(self, node_id: str) -> Node:
        self._call()
        return self._node(node_id)

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        self._call()
        self.ends[node_id] = time.monotonic() + CHANGE

    def _call(self) -> None:
        self.calls += 1
        time.sleep(CALL)

    def _node(self, node_id: str) -> Node:
        end = self.ends.get(node_id, math.inf)
        off = time.monotonic() >= end
        return Node(
            node_id,
            node_id,
            PowerState.OFF if off else PowerState.ON,
            target=PowerState.OFF if end < math.inf and not off else None,
        )


class _Nova(compute.Compute):
    def __init__(self) -> None:
        self.calls = 0
        self.reasons: dict[str, str] = {}

    def count_servers(self, host: str, hypervisor_id: str) -> int:
        self._call()
        return 0

    def list_unplaced(self) -> set[str]:
        self._call()
        return set()

    def list_moving(self, host: str) -> set[str]:
        self._call()
        return set()

    def get_service(self, host: str) -> ComputeService:
        self._call()
        reason = self.reasons.get(host)
        status = 'disabled' if reason else 'enabled'
        return ComputeService(host, host, 'up', status, reason)

    def disable(self, service: ComputeService, reason: str) -> None:
        self._call()
        self.reasons[service.host] = reason

    def _call(self) -> None:
        self.calls += 1
        time.sleep(CALL)


@dataclasses.dataclass(frozen=True)
class Measured:
    """Seconds, calls, and threads that are left behind."""

    seconds: float
    ideal: float
    calls: int
    threads: int

    @property
    def ratio(self) -> float:
        return self.seconds / self.ideal


def measure() -> Measured:
    """Switch all of them off."""
    metal, nova = _Metal(), _Nova()
    members = tuple(
        fleet.Member(
            Node(str(number), str(number), PowerState.ON),
            ComputeHost(
                str(number), str(number), str(number), 'up', 'enabled', ''
            ),
        )
        for number in range(HOSTS)
    )
    settings = PowerSettings(
        max_concurrent=AT_ONCE,
        max_power_off_per_minute=6000,
        off_modes=(OffMode.HARD,),
        poll_interval=1,
    )
    engine = PowerEngine(metal, nova, settings, shared=Shared())
    before = threading.active_count()
    began = time.monotonic()
    results = engine.switch(fleet.Fleet(members), _names(), PowerState.OFF)
    seconds = time.monotonic() - began
    assert all(result.outcome is Outcome.DONE for result in results)
    return Measured(
        seconds,
        HOSTS / AT_ONCE * (CALLS * CALL + CHANGE),
        metal.calls + nova.calls,
        threading.active_count() - before,
    )


def _names() -> list[str]:
    return [str(number) for number in range(HOSTS)]


def show() -> None:
    """Print what :func:`measure` has found."""
    found = measure()
    print(
        f'\n{HOSTS} hosts off, {AT_ONCE} at once, {CALL:g} s for each call '
        f'and {CHANGE:g} s for each transition:\n'
        f'ideal {found.ideal:.1f} s, taken {found.seconds:.1f} s: '
        f'{found.ratio:.2f} times (to reach: at most {MOST}); '
        f'{found.calls} calls, {found.threads} threads left'
    )


if __name__ == '__main__':
    show()
