# SPDX-License-Identifier: Apache-2.0
"""What a driver returns, checked: also a list of 10,000 nodes, within a
few milliseconds."""

from __future__ import annotations

import datetime
import inspect
import math
import types
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from metal_drivers.model import (
    Capability,
    CheckResult,
    CheckStatus,
    Node,
    PowerState,
)

_TEXT = (str, types.NoneType)

#: The types of the fields of a node.
_TYPES: dict[str, tuple[type, ...]] = {
    'id': (str,),
    'name': (str,),
    'power_state': (PowerState,),
    'observed_at': (datetime.datetime, types.NoneType),
    'powered_on_at': (datetime.datetime, types.NoneType),
    'target': (PowerState, types.NoneType),
    'hypervisor_id': _TEXT,
    'host_names': (tuple,),
    'maintenance': _TEXT,
    'locked': _TEXT,
    'busy': _TEXT,
    'keep_on': _TEXT,
    'keep_off': _TEXT,
    'soft_off': (bool,),
    'fault': _TEXT,
    'idle_watts': (int, types.NoneType, float),
    'labels': (frozenset,),
    'details': (types.MappingProxyType, Mapping),
}

#: Those that hold texts, or have them for keys.
_OF_TEXTS = ('host_names', 'labels', 'details')


class Wrong(Exception):
    """It is not what it has to be; the text says what it is."""


def nodes(found: Any) -> list[Node]:
    """:raises Wrong: it is no list of nodes, each with its own id."""
    result = list(_iterable(found, 'nodes'))
    _all_nodes(result)
    ids = {node.id for node in result}
    if len(ids) < len(result):
        seen: set[str] = set()
        for node in result:
            if node.id in seen:
                raise Wrong(f'two nodes with the id {node.id!r}')
            seen.add(node.id)
    return result


def node(found: Any, node_id: str) -> Node:
    """:raises Wrong: it is not the node with that id."""
    if not isinstance(found, Node):
        raise Wrong(f'{what(found)}, not a Node')
    _all_nodes([found])
    if found.id != node_id:
        raise Wrong(f'node {found.id!r}, not the node that was requested')
    return found


def power_states(
    found: Any, node_ids: Collection[str]
) -> dict[str, PowerState]:
    """:raises Wrong: it is not a power state for each of these ids."""
    if not isinstance(found, Mapping):
        raise Wrong(f'{what(found)}, not a dict of power states')
    result = dict(found)
    for node_id in node_ids:
        if node_id not in result:
            raise Wrong(f'no power state for node {node_id!r}')
    for node_id, state in result.items():
        if not isinstance(state, PowerState):
            raise Wrong(
                f'{what(state)} for node {node_id!r}, not a PowerState'
            )
    if len(result) > len(node_ids):
        other = next(each for each in result if each not in node_ids)
        raise Wrong(f'a power state for {other!r}, which was not requested')
    return result


def check_results(found: Any, results: list[CheckResult]) -> None:
    """Add to the results what is one; also before this raises.

    :raises Wrong: some are none.
    """
    wrong = ''
    for each in _iterable(found, 'CheckResults'):
        if not isinstance(each, CheckResult):
            wrong = f'{what(each)} among its results, not a CheckResult'
        elif not (
            isinstance(each.name, str)
            and isinstance(each.status, CheckStatus)
            and isinstance(each.detail, str)
        ):
            wrong = f'a CheckResult with fields of wrong types ({each.name!r})'
        else:
            results.append(each)
    if wrong:
        raise Wrong(wrong)


def capabilities(found: Any) -> frozenset[Capability]:
    """Any collection of them, as a set.

    :raises Wrong: it is none.
    """
    if not isinstance(found, frozenset | set | tuple | list):
        raise Wrong(f'{what(found)}, not a frozenset')
    for each in found:
        if not isinstance(each, Capability):
            raise Wrong(f'{what(each)} in it, not a Capability')
    return frozenset(found)


def nothing(found: Any) -> None:
    """:raises Wrong: it is something that was to be awaited: nobody does,
    so that nothing was done."""
    if inspect.isawaitable(found):
        raise Wrong(f'{what(found)}, which is never awaited')


def what(found: Any) -> str:
    """What it is, without its value: that may be of any size."""
    if inspect.iscoroutine(found):
        found.close()  # or Python warns that nobody awaited it
    if found is None:
        return 'None'
    name = type(found).__name__
    return f'{"an" if name[0] in "aeiouAEIOU" else "a"} {name}'


def _iterable(found: Any, of: str) -> Iterable[Any]:
    if not isinstance(found, Iterable) or isinstance(found, str | bytes):
        raise Wrong(f'{what(found)}, not a list of {of}')
    return found


def _all_nodes(found: list[Any]) -> None:
    """:raises Wrong: one is no node, or a field of one is not right."""
    for each in found:
        try:
            plain = _plain(each)
        except TypeError:
            plain = False
        if not plain:
            _look_closely(each)


def _plain(node: Any) -> bool:
    """Whether a node is right, and of the very types: most are.

    Spelt out: to go through a table takes a multiple of the time.

    :raises TypeError: it is not.
    """
    return (
        type(node) is Node
        and type(node.id) is str
        and node.id != ''
        and type(node.name) is str
        and type(node.power_state) is PowerState
        and (
            node.observed_at is None
            or (
                type(node.observed_at) is datetime.datetime
                and node.observed_at.tzinfo is not None
            )
        )
        and (
            node.powered_on_at is None
            or (
                type(node.powered_on_at) is datetime.datetime
                and node.powered_on_at.tzinfo is not None
            )
        )
        and (node.target is None or type(node.target) is PowerState)
        and (node.hypervisor_id is None or type(node.hypervisor_id) is str)
        and type(node.host_names) is tuple
        and (node.maintenance is None or type(node.maintenance) is str)
        and (node.locked is None or type(node.locked) is str)
        and (node.busy is None or type(node.busy) is str)
        and (node.keep_on is None or type(node.keep_on) is str)
        and (node.keep_off is None or type(node.keep_off) is str)
        and type(node.soft_off) is bool
        and (node.fault is None or type(node.fault) is str)
        and (
            node.idle_watts is None
            or (
                type(node.idle_watts) in (float, int)
                and 0 <= node.idle_watts < math.inf
            )
        )
        and type(node.labels) is frozenset
        and type(node.details) is types.MappingProxyType
        # To join what is no text raises, and is quicker than to look.
        and (not node.host_names or ''.join(node.host_names) is not None)
        and (not node.labels or ''.join(node.labels) is not None)
        and (not node.details or ''.join(node.details) is not None)
    )


def _look_closely(node: Any) -> None:
    """:raises Wrong: what is wrong with one node, if anything is."""
    if not isinstance(node, Node):
        raise Wrong(f'{what(node)} among the nodes, not a Node')
    for name, allowed in _TYPES.items():
        value: Any = getattr(node, name)
        if not isinstance(value, allowed):
            kinds = [each for each in allowed if each is not types.NoneType]
            raise Wrong(
                f'{what(value)} as {name} of node {node.id!r}, not '
                f'{kinds[-1].__name__}'
            )
        if name not in _OF_TEXTS:
            continue
        for text in getattr(node, name):
            if not isinstance(text, str):
                raise Wrong(
                    f'{what(text)} in {name} of node {node.id!r}, not str'
                )
    if not node.id:
        raise Wrong('a node with an empty id')
    watts = node.idle_watts
    if watts is not None and (
        isinstance(watts, bool) or not 0 <= watts < math.inf
    ):
        raise Wrong(
            f'{watts} as idle_watts of node {node.id!r}, not watts from 0'
        )
    for name in ('observed_at', 'powered_on_at'):
        when: datetime.datetime | None = getattr(node, name)
        if when is not None and when.tzinfo is None:
            raise Wrong(f'{name} of node {node.id!r} without a time zone')
