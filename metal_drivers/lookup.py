# SPDX-License-Identifier: Apache-2.0
"""A few nodes by what an operator calls them, without the lists.

A MAAS takes 0.1 s for each machine of its list, and Nova 5 ms for each
hypervisor. What is found is what the whole fleet would give: each name is
looked for wherever it could be one, and so is whoever else may claim a host
that was found. Where that cannot be known, the lists are asked for.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Sequence

from metal_drivers import base, boundary, compute, exceptions, fleet
from metal_drivers.model import Capability, ComputeHost, Node

#: For more names than this the lists cost less.
FEW = 10


def look_up(
    driver: base.MetalDriver,
    nova: compute.Compute | None,
    refs: Iterable[str],
) -> fleet.Fleet:
    """The part of the fleet that these may name.

    What :meth:`~metal_drivers.fleet.Fleet.find` says of each is what it
    would say of the whole fleet. One thing is not seen: that several
    hypervisors share a nova-compute, and only some have its name in their
    own.

    :param refs: ids, node names or host names.
    :param nova: None where Nova is not configured.
    """
    refs = list(dict.fromkeys(refs))
    if len(refs) > FEW:
        return fleet.load(driver, nova)
    search = _Search(driver, nova)
    for ref in refs:
        search.add(ref)
    found = search.found()
    if nova and any(_missed(nova, found, ref) for ref in refs):
        return fleet.load(driver, nova)
    return found


def member(
    driver: base.MetalDriver,
    nova: compute.Compute | None,
    node_id: str,
    nodes: Sequence[Node] | None = None,
) -> fleet.Member | None:
    """The node with that id, and the host on it.

    :param nodes: all nodes, where they were listed a moment ago.
    :returns: None: there is no such node.
    """
    search = _Search(driver, nova, nodes)
    search.add_node(node_id)
    return next(
        (m for m in search.found().members if m.node.id == node_id), None
    )


def _missed(nova: compute.Compute, found: fleet.Fleet, ref: str) -> bool:
    """Whether it is the name of a host that was not found: Nova searches
    for the names of hypervisors, and that of the service may be another."""
    if not ref or any(host.name == ref for host in found.hosts):
        return False
    with contextlib.suppress(exceptions.NotFoundError):
        nova.get_service(ref)
        return True
    return False


class _Search:
    """Nodes and hosts, as far as they have been asked for.

    :param nodes: all nodes; None: ask the driver for what is needed.
    """

    def __init__(
        self,
        driver: base.MetalDriver,
        nova: compute.Compute | None,
        nodes: Sequence[Node] | None = None,
    ) -> None:
        driver = boundary.guard(driver)
        self._driver, self._nova = driver, nova
        if nodes is None and Capability.FIND not in driver.capabilities:
            nodes = driver.list_nodes()
        self._listed = nodes
        self._refs: set[str] = set()
        self._nodes: dict[str, Node] = {}
        self._hosts: dict[str, ComputeHost] = {}
        #: Host names of which every node that may have them is known.
        self._known: set[str] = set()
        #: What the hypervisors' names were searched for.
        self._searched: set[str] = set()

    def add(self, ref: str) -> None:
        """Whatever may be called that."""
        self._refs.add(ref)
        self.add_node(ref)
        self._search_hosts(ref)

    def add_node(self, ref: str) -> None:
        if self._listed is None:
            nodes = self._driver.find_nodes(ref)
        else:
            nodes = base.named(self._listed, ref)
        self._take(nodes)
        key = ref.casefold()
        self._known.add(key)
        for node in nodes:
            names = {name.casefold() for name in node.host_names}
            if node.id == ref or key in {*names, node.name.casefold()}:
                # Those that share one of them are here, too.
                self._known |= names

    def found(self) -> fleet.Fleet:
        """These nodes, matched as they are in the whole fleet."""
        done: set[str] = set()
        while True:
            for host in list(self._hosts.values()):
                if self._is_meant(host):
                    self._add_claimants(host)
            todo = [n for key, n in self._nodes.items() if key not in done]
            if not todo:
                break
            for node in todo:
                done.add(node.id)
                self._add_hosts(node)
        nodes = self._nodes.values()
        hosts = None if self._nova is None else self._hosts.values()
        return dataclasses.replace(fleet.join(nodes, hosts), whole=False)

    def _take(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            self._nodes.setdefault(node.id, node)

    def _add_hosts(self, node: Node) -> None:
        """Those that may run on it."""
        if node.hypervisor_id is None:
            # The short name finds the full one as well.
            for name in sorted(node.host_names, key=len):
                self._search_hosts(name)
        elif (
            self._nova is not None
            and node.hypervisor_id.casefold() not in self._hosts
            and compute.is_uuid(node.hypervisor_id)
        ):
            host = self._nova.get_host(node.hypervisor_id)
            self._take_hosts([host] if host else [])

    def _search_hosts(self, name: str) -> None:
        key = name.casefold()
        if self._nova is None or any(part in key for part in self._searched):
            return
        # An empty one would find all of them.
        if key:
            self._searched.add(key)
            self._take_hosts(self._nova.find_hosts(name))

    def _take_hosts(self, hosts: Iterable[ComputeHost]) -> None:
        for host in hosts:
            self._hosts.setdefault(host.id.casefold(), host)

    def _is_meant(self, host: ComputeHost) -> bool:
        return not self._refs.isdisjoint(
            (host.name, host.hypervisor_hostname)
        ) or any(_claims(node, host) for node in self._nodes.values())

    def _add_claimants(self, host: ComputeHost) -> None:
        """Every node that may run it."""
        if self._listed is not None:
            self._take(node for node in self._listed if _claims(node, host))
        elif host.hypervisor_hostname.casefold() not in self._known:
            self.add_node(host.hypervisor_hostname)


def _claims(node: Node, host: ComputeHost) -> bool:
    """Its names count beside a uuid, too: others are matched by theirs."""
    if (node.hypervisor_id or '').casefold() == host.id.casefold():
        return True
    name = host.hypervisor_hostname.casefold()
    return name in (each.casefold() for each in node.host_names)
