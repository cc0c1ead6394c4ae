# SPDX-License-Identifier: Apache-2.0
"""Faults of drivers that answer about, or power off, another node than the
one that they were asked for."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
import urllib.parse
from collections.abc import Iterable
from typing import Any

from metal_drivers import MetalError, Node, NotFoundError, PowerState
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


class _Looks(SampleDriver):
    """Looks for a node in the list."""

    def fits(self, node: Node, node_id: str) -> bool:
        raise NotImplementedError

    def path(self, node_id: str) -> str:
        for node in self.list_nodes():
            if self.fits(node, node_id):
                return super().path(node.id)
        raise NotFoundError(f'There is no machine {node_id!r}')


@fault('odd-form-of-a-known-id-is-not-found', "get_node('m')")
class ByTheBeginning(_Looks):
    """``m1`` is found by ``m``, and ``m10`` by ``m1``."""

    def fits(self, node: Node, node_id: str) -> bool:
        return bool(node_id) and node.id.startswith(node_id)


@fault('odd-form-of-a-known-id-is-not-found', "get_node('m10')")
class ByItsBeginning(_Looks):
    """``m1`` is found by ``m10``."""

    def fits(self, node: Node, node_id: str) -> bool:
        return node_id.startswith(node.id)


@fault('odd-form-of-a-known-id-is-not-found', 'm1\\n')
class UpToTheEndOfTheLine(SampleDriver):
    """``$`` also matches before a line feed at the end."""

    def path(self, node_id: str) -> str:
        if not re.match('[a-z0-9]+$', node_id):
            raise NotFoundError(f'There is no machine {node_id!r}')
        return super().path(node_id.strip())


@fault('odd-form-of-a-known-id-is-not-found', '\uff11')
class DigitsOfAnyKind(SampleDriver):
    """What Unicode calls alphanumeric, and takes for the same."""

    def path(self, node_id: str) -> str:
        return super().path(unicodedata.normalize('NFKC', node_id))


@fault('odd-form-of-a-known-id-is-not-found', './m1')
class QuotesButForSlashes(SampleDriver):
    """``urllib.parse.quote()`` leaves slashes as they are."""

    def path(self, node_id: str) -> str:
        return f'/machines/{urllib.parse.quote(node_id)}'


@fault('odd-form-of-a-known-id-is-not-found', '%6d1')
class UnquotesIds(SampleDriver):
    """Quoted once too often elsewhere, and unquoted here."""

    def path(self, node_id: str) -> str:
        return super().path(urllib.parse.unquote(node_id))


@fault('odd-id-is-not-found', "get_node('')")
class NoIdIsTheFirst(SampleDriver):
    """An empty id leads to the list, of which the first is taken."""

    def get_node(self, node_id: str) -> Node:
        if not node_id:
            return self.list_nodes()[0]
        return super().get_node(node_id)


@fault('odd-id-is-not-found', 'IndexError')
class LooksAtTheFirstLetter(SampleDriver):
    """An empty id raises what Python raises."""

    def path(self, node_id: str) -> str:
        if node_id[0].isdigit():
            raise NotFoundError(f'There is no machine {node_id!r}')
        return super().path(node_id)


@fault('unknown-node-is-not-found', 'returned None')
class ShowsNone(SampleDriver):
    """None is not found."""

    def get_node(self, node_id: str) -> Any:
        try:
            return super().get_node(node_id)
        except NotFoundError:
            return None


@fault('unknown-node-is-not-found', 'KeyError')
class UnknownIsAKeyError(SampleDriver):
    """A dict of all nodes, by their ids."""

    def get_node(self, node_id: str) -> Node:
        return {node.id: node for node in self.list_nodes()}[node_id]


@fault('unknown-node-is-not-found', 'UNKNOWN')
class MakesOneUp(SampleDriver):
    """What is not there is a node in an unknown state."""

    def get_node(self, node_id: str) -> Node:
        try:
            return super().get_node(node_id)
        except NotFoundError:
            return Node(node_id, node_id, PowerState.UNKNOWN)


@fault('unknown-node-is-not-found', "id='m1'")
class UnknownIsTheFirst(SampleDriver):
    """What does not match comes first."""

    def get_node(self, node_id: str) -> Node:
        nodes = self.list_nodes()
        return max(nodes, key=lambda node: node.id == node_id)


@fault('shows-each-node-as-it-is-listed', "node 'm1', not the node")
class AnswersFromAnotherCall(SampleDriver):
    """What is kept is kept without the id that it is for."""

    kept: Node | None = None

    def get_node(self, node_id: str) -> Node:
        if self.kept is None:
            self.kept = super().get_node(node_id)
        return self.kept


@fault('shows-each-node-as-it-is-listed', 'name is')
class RelabelsTheFirst(SampleDriver):
    """Every node is the first one, under the id that was asked for."""

    def get_node(self, node_id: str) -> Node:
        super().get_node(node_id)
        return dataclasses.replace(self.list_nodes()[0], id=node_id)


@fault('lists-nodes-that-are-off', 'get_power_states()')
class StatesInTheOrderOfTheList(SampleDriver):
    """States are put to ids in an order that is not that of the ids: a host
    with servers on it is shown as off."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = list(dict.fromkeys(node_ids))
        found = [each for each in self.list_nodes() if each.id in ids]
        states = dict.fromkeys(ids, PowerState.UNKNOWN)
        states.update(
            zip(ids, (each.power_state for each in found), strict=False)
        )
        return states


@fault('lists-nodes-that-are-off', 'get_power_states()')
class OneStateForAll(SampleDriver):
    """A variable that a loop leaves behind."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        found = super().get_power_states(node_ids)
        state = PowerState.UNKNOWN
        for key in found:
            if found[key] is not PowerState.UNKNOWN:
                state = found[key]
        return {
            key: own if own is PowerState.UNKNOWN else state
            for key, own in found.items()
        }


@fault('switches-no-other-node', 'node m3')
class ByItsPlaceInTheList(SampleDriver):
    """The list is sorted in another way when the place is looked up: a host
    with servers on it goes off."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        ids = sorted(node.id for node in self.list_nodes())
        if node_id not in ids:
            raise NotFoundError(f'There is no machine {node_id!r}')
        other = ids[::-1][ids.index(node_id)]
        super().set_power_state(other, *args, **more)


@fault('switches-no-other-node', 'node m2')
class OthersGoOffQuietly(SampleDriver):
    """A command for all that begin alike."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        super().set_power_state(node_id, *args, **more)
        for node in self.list_nodes():
            if node.id[0] == node_id[0] and node.id != node_id:
                super().set_power_state(node.id, *args, **more)


@fault('cannot-switch-an-unknown-node', 'returned None')
class SwitchesTheFirst(SampleDriver):
    """What is not found is the first one: a host with servers goes off."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        ids = [node.id for node in self.list_nodes()]
        known = node_id if node_id in ids else ids[0]
        super().set_power_state(known, *args, **more)


@fault('cannot-switch-an-unknown-node', 'UnavailableError')
class UnknownMayBeDone(SampleDriver):
    """It looks as if the request might have been carried out."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        try:
            super().set_power_state(*args, **more)
        except NotFoundError as exc:
            from metal_drivers import UnavailableError

            raise UnavailableError(exc.message) from exc


@fault('cannot-switch-by-an-odd-id', "set_power_state('m1\\n', off)")
class SwitchesWhatIsMeant(SampleDriver):
    """Blanks around an id do not matter."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        super().set_power_state(node_id.strip(), *args, **more)


@fault('cannot-switch-by-an-odd-id', "set_power_state('m', on)")
class SwitchesByTheBeginning(SampleDriver):
    """``m1`` goes off for ``m``, and ``m10`` for ``m1``."""

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        for node in self.list_nodes():
            if node_id and node.id.startswith(node_id):
                super().set_power_state(node.id, *args, **more)
                return
        super().set_power_state(node_id, *args, **more)


@fault('odd-id-has-no-power-state', 'unexpected NotFoundError')
class OneOddIdForAll(SampleDriver):
    """An id that is none takes the states of all others with it."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        return {each: self.get_node(each).power_state for each in node_ids}


@fault('power-state-of-an-unknown-node-is-unknown', 'PowerState.ERROR')
class MissingIsError(SampleDriver):
    """What is not there has failed."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        known = {node.id: node.power_state for node in self.list_nodes()}
        return {each: known.get(each, PowerState.ERROR) for each in node_ids}


@fault('power-state-of-an-unknown-node-is-unknown', "{'m1':")
class MissingIsLeftOut(SampleDriver):
    """Who asks has to see that one is missing."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = set(node_ids)
        nodes = self.list_nodes() if ids else []
        return {node.id: node.power_state for node in nodes if node.id in ids}


@fault('power-states-are-of-those-asked-for', 'no power state for node')
class IdsOnce(SampleDriver):
    """The ids are gone when they have been looked at."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        known = {node.id: node.power_state for node in self.list_nodes()}
        if any(each not in known for each in node_ids):
            return {}
        return {each: known[each] for each in node_ids}


@fault('power-states-are-of-those-asked-for', ' in get_power_states())')
class AThreadForEach(SampleDriver):
    """No ids: a pool of no threads, which cannot be made."""

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        from concurrent.futures import ThreadPoolExecutor

        ids = list(dict.fromkeys(node_ids))
        with ThreadPoolExecutor(len(ids)) as pool:
            states = pool.map(self._state_of, ids)
            return dict(zip(ids, states, strict=True))

    def _state_of(self, node_id: str) -> PowerState:
        try:
            return self.get_node(node_id).power_state
        except MetalError:
            return PowerState.UNKNOWN
