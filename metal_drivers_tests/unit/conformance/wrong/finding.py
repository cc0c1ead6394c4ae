# SPDX-License-Identifier: Apache-2.0
"""Faults of finding a node by a name."""

from __future__ import annotations

import fnmatch
from typing import Any

from metal_drivers import AuthenticationError, Node, NotFoundError
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


class _Finds(SampleDriver):
    """Looks at all nodes."""

    def fits(self, node: Node, ref: str) -> bool:
        raise NotImplementedError

    def find_nodes(self, ref: str) -> list[Node]:
        nodes = self.read_list(self.call('GET', '/machines'))
        return [node for node in nodes if self.fits(node, ref)]


@fault('finds-nodes-as-they-are-listed', "find_nodes('METAL")
class FindsNamesInTheirCase(_Finds):
    """Host names are the same in whatever case."""

    def fits(self, node: Node, ref: str) -> bool:
        return ref in (node.id, node.name, *node.host_names)


@fault('finds-nodes-as-they-are-listed', "find_nodes('M1')")
class FindsIdsInAnyCase(_Finds):
    """Ids are not the same in whatever case."""

    def fits(self, node: Node, ref: str) -> bool:
        names = {each.casefold() for each in (node.name, *node.host_names)}
        return ref.casefold() in {node.id, *names}


@fault('finds-nodes-as-they-are-listed', '.EXAMPLE')
class FindsNoHostNames(_Finds):
    """A host is asked for by the name that Nova has."""

    def fits(self, node: Node, ref: str) -> bool:
        return ref == node.id or ref.casefold() == node.name.casefold()


@fault('finds-nodes-as-they-are-listed', 'a Node, not a list of nodes')
class FindsOne(SampleDriver):
    """The node itself, and no list of it."""

    def find_nodes(self, ref: str) -> Any:
        return next(iter(super().find_nodes(ref)), [])


@fault('finds-nodes-as-they-are-listed', "find_nodes('m')")
class FindsByTheBeginning(_Finds):
    """``compute-10`` is found, and powered off, by ``compute-1``."""

    def fits(self, node: Node, ref: str) -> bool:
        names = {each.casefold() for each in (node.name, *node.host_names)}
        return bool(ref) and (
            node.id == ref
            or any(each.startswith(ref.casefold()) for each in names)
        )


@fault('finds-nothing-that-is-not-there', "find_nodes('*')")
class FindsPatterns(_Finds):
    """An asterisk means all."""

    def fits(self, node: Node, ref: str) -> bool:
        return fnmatch.fnmatch(node.name, ref)


@fault('finds-nothing-that-is-not-there', 'unexpected NotFoundError')
class NotFoundIsAnError(SampleDriver):
    """A name of no node is an error, and no empty list."""

    def find_nodes(self, ref: str) -> list[Node]:
        found = super().find_nodes(ref)
        if not found:
            raise NotFoundError(f'There is no machine {ref!r}')
        return found


@fault('finds-nothing-that-is-not-there', 'None')
class FindsNone(SampleDriver):
    """None is no list."""

    def find_nodes(self, ref: str) -> Any:
        return super().find_nodes(ref) or None


@fault('finds-without-the-list', 'called list_nodes()')
class FindsOnceMore(SampleDriver):
    """FIND is claimed, and the list is asked for what was not found."""

    def find_nodes(self, ref: str) -> list[Node]:
        found = super().find_nodes(ref)
        self.list_nodes()
        return found


@fault('wrong-credentials-are-an-authentication-error', 'find_nodes(')
class UnauthorisedIsNotFound(SampleDriver):
    """Who may see nothing finds nothing."""

    def find_nodes(self, ref: str) -> list[Node]:
        try:
            return super().find_nodes(ref)
        except AuthenticationError:
            return []
