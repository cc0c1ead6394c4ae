# SPDX-License-Identifier: Apache-2.0
"""The fleet for counting, again and again, at a tenth of the cost.

Nova's list of hypervisors takes it about 4 ms and four queries of its
database for each; that of the services a tenth. Whether a host is up,
enabled, and for which reason not, is in both. What only the former has is
which hypervisor runs on which host, and that stays the same for as long as
the service does: Nova makes a new service for a new host, and deletes the
hypervisors of a host with its service.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable

from metal_drivers import base, boundary, compute, fleet
from metal_drivers.model import ComputeHost, ComputeService

#: Seconds after which the hypervisors are listed again, even though the
#: services are the same ones.
KEPT = 600.0


class Roster:
    """Nodes and compute hosts, both asked for each time; but Nova's list of
    hypervisors only if there are other nova-compute services than the last
    time, or after :data:`KEPT` seconds.

    May be used by several threads at once: those that ask at the same time
    share one answer, which was asked for later than each of them asked.

    :param nova: None where Nova is not configured.
    :param monotonic: seconds.
    """

    def __init__(
        self,
        driver: base.MetalDriver,
        nova: compute.Compute | None,
        monotonic: Callable[[], float],
    ) -> None:
        self._driver, self._nova = boundary.guard(driver), nova
        self._monotonic = monotonic
        self._lock = threading.Lock()
        #: How many answers were begun, and the last one.
        self._begun = 0
        self._answer: fleet.Fleet | None = None
        #: The hypervisors, the services that there were then, and when.
        self._hosts: list[ComputeHost] = []
        self._services: frozenset[tuple[str, str]] = frozenset()
        self._listed_at = float('-inf')

    def load(self) -> fleet.Fleet:
        """The fleet as it is now, but for the number of servers on each
        host, which may not be known: it counts as busy then.

        :raises MetalError: a service cannot be listed.
        """
        asked = self._begun
        with self._lock:
            if self._answer is None or self._begun == asked:
                self._begun += 1
                self._answer = None
                self._answer = self._load()
            return self._answer

    def _load(self) -> fleet.Fleet:
        nodes = self._driver.list_nodes()
        hosts = None if self._nova is None else self._list_hosts(self._nova)
        return fleet.join(nodes, hosts)

    def _list_hosts(self, nova: compute.Compute) -> list[ComputeHost]:
        asked, services = self._monotonic(), nova.list_services()
        there = frozenset((each.id, each.host) for each in services)
        if asked - self._listed_at < KEPT and there == self._services:
            hosts = _updated(self._hosts, services)
            if hosts is not None:
                return hosts
        self._hosts = nova.list_hosts()
        self._services, self._listed_at = there, asked
        return self._hosts


def _updated(
    hosts: Iterable[ComputeHost], services: Iterable[ComputeService]
) -> list[ComputeHost] | None:
    """The hosts as their services are now; None: one of them is not known,
    or has a hypervisor by now."""
    by_id = {service.id: service for service in services}
    found = []
    for host in hosts:
        service = by_id.pop(host.service_id, None)
        if service is None:
            return None
        found.append(
            dataclasses.replace(
                host,
                state=service.state,
                status=service.status,
                disabled_reason=service.disabled_reason,
                servers=None,
            )
        )
    # A service that never ran, or was left behind, is not up.
    return None if any(service.up for service in by_id.values()) else found
