# SPDX-License-Identifier: Apache-2.0
"""The joined view: nodes and the compute hosts that run on them.

A wrong match would power off someone else's host, so whatever can be
read in two ways matches nothing, and says why.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable

from metal_drivers import base, boundary, compute, exceptions, meanwhile
from metal_drivers.model import ComputeHost, Node


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A node, and the compute host on it."""

    node: Node
    host: ComputeHost | None = None
    #: Why there is no host; empty where there is one.
    problem: str = ''
    #: Whether a host may be on the node after all: more than one thing
    #: claims it.
    doubtful: bool = False

    @property
    def label(self) -> str:
        """What to call it in a message."""
        if self.host and self.host.name != self.node.name:
            return f'{self.node.name} ({self.host.name})'
        return self.node.name

    @property
    def names(self) -> frozenset[str]:
        """All that an operator may call it, its id among them."""
        names = {self.node.id, self.node.name}
        if self.host:
            names |= {self.host.name, self.host.hypervisor_hostname}
        return frozenset(names)


@dataclasses.dataclass(frozen=True, slots=True)
class Fleet:
    """The nodes of the bare metal service."""

    members: tuple[Member, ...]
    #: The compute hosts, whether a node matches them or not.
    hosts: tuple[ComputeHost, ...] = ()
    #: Whether these are all; else they are those that were looked for.
    whole: bool = True

    def find(self, ref: str) -> Member:
        """The one member with that id, node name or host name.

        :raises NotFoundError: there is none.
        :raises RefusedError: there are several.
        """
        found = [member for member in self.members if ref in member.names]
        if not found:
            among = f' among {len(self.members)}' if self.whole else ''
            raise exceptions.NotFoundError(
                f'There is no node or host {ref!r}{among}',
                cure='See `metal-drivers node list`.',
            )
        if len(found) > 1:
            ids = ', '.join(member.node.id for member in found)
            raise exceptions.RefusedError(
                f'{ref!r} matches {len(found)} nodes: {ids}',
                cure='Use the id of the node that you mean.',
            )
        return found[0]


def load(driver: base.MetalDriver, nova: compute.Compute | None) -> Fleet:
    """Ask both services at the same time, each for one list.

    :param nova: None where Nova is not configured: nothing matches then.
    """
    driver = boundary.guard(driver)
    if nova is None:
        return join(driver.list_nodes(), None)
    hosts = meanwhile.ask(nova.list_hosts, 'metal-nova-list')
    nodes = driver.list_nodes()
    return join(nodes, hosts.result())


def join(nodes: Iterable[Node], hosts: Iterable[ComputeHost] | None) -> Fleet:
    """:param hosts: None where Nova is not configured."""
    if hosts is not None:
        return match(nodes, hosts)
    return Fleet(
        tuple(
            Member(
                node,
                problem='Nova is not configured',
                # It says that it is a compute host.
                doubtful=node.hypervisor_id is not None,
            )
            for node in nodes
        )
    )


def match(nodes: Iterable[Node], hosts: Iterable[ComputeHost]) -> Fleet:
    """Join nodes and compute hosts.

    By the hypervisor's uuid, where the node carries one; else by the
    names that the node may have in Nova, the fullest first. A name that
    several nodes may have, as short names are, fits none of them.
    """
    nodes, hosts = list(nodes), list(hosts)
    index = _Index(hosts)
    found = [index.look_up(node) for node in nodes]
    claims = collections.Counter(
        member.host.id for member in found if member.host
    )
    named = collections.Counter(
        name
        for node in nodes
        for name in {name.casefold() for name in node.host_names}
    )

    def settle(member: Member) -> Member:
        if member.host is None:
            return member
        count = claims[member.host.id]
        if member.node.hypervisor_id is None:
            name = member.host.hypervisor_hostname.casefold()
            count = max(count, named[name])
        return member if count == 1 else _contested(member, count)

    members = tuple(settle(member) for member in found)
    return Fleet(members, tuple(hosts))


class _Index:
    """Compute hosts by what a node may know them by."""

    def __init__(self, hosts: Iterable[ComputeHost]) -> None:
        self._by_id: dict[str, ComputeHost] = {}
        self._by_name: dict[str, list[ComputeHost]] = {}
        for host in hosts:
            self._by_id[host.id.casefold()] = host
            name = host.hypervisor_hostname.casefold()
            self._by_name.setdefault(name, []).append(host)

    def look_up(self, node: Node) -> Member:
        if node.hypervisor_id is not None:
            return self._by_hypervisor(node, node.hypervisor_id)
        for name in node.host_names:
            hosts = self._by_name.get(name.casefold(), ())
            if len(hosts) == 1:
                return Member(node, hosts[0])
            if hosts:
                return Member(
                    node,
                    problem=f'{len(hosts)} hypervisors are named {name}',
                    doubtful=True,
                )
        if node.host_names:
            names = ' or '.join(node.host_names)
            return Member(node, problem=f'no hypervisor is named {names}')
        return Member(
            node, problem='the node does not report which hypervisor it runs'
        )

    def _by_hypervisor(self, node: Node, hypervisor_id: str) -> Member:
        host = self._by_id.get(hypervisor_id.casefold())
        if host is not None:
            return Member(node, host)
        if hypervisor_id.isdecimal():
            return Member(
                node,
                problem=f'its hypervisor id is {hypervisor_id}, a number as '
                'in older releases of Nova; set it to the uuid',
                doubtful=True,
            )
        # It is, or was, a compute host; perhaps not all of them are seen.
        return Member(
            node,
            problem=f'Nova has no hypervisor {hypervisor_id}',
            doubtful=True,
        )


def _contested(member: Member, claims: int) -> Member:
    assert member.host is not None  # noqa: S101, the caller has looked
    return Member(
        member.node,
        problem=f'{claims} nodes claim host {member.host.name}',
        doubtful=True,
    )
