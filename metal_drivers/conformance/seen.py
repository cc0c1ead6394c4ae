# SPDX-License-Identifier: Apache-2.0
"""Comparisons that say what was seen and what is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TypeVar

from metal_drivers import _text, exceptions
from metal_drivers.conformance.rules import Broken, NotTried
from metal_drivers.model import Node

E = TypeVar('E', bound=exceptions.MetalError)

#: How much of a value is shown.
_MOST = 200


def shown(value: object) -> str:
    """A value for a message, bounded."""
    text = repr(value)
    return text if len(text) <= _MOST else f'{text[:_MOST]}…'


def require(true: object, what: str) -> None:
    """:raises Broken: it is not so."""
    if not true:
        raise Broken(what)


def equal(expected: object, found: object, what: str) -> None:
    """:raises Broken: they differ."""
    if expected != found:
        raise Broken(f'{what}: {shown(found)}, not {shown(expected)}')


def raises(
    kind: type[E] | tuple[type[E], ...],
    what: str,
    call: Callable[[], object],
) -> E:
    """The error of that kind that a call ends with.

    :param what: the call, for a message.
    :raises Broken: it returned, or raised something else.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    names = ' or '.join(each.__name__ for each in kinds)
    try:
        found = call()
    except kinds as exc:
        return exc
    except (Broken, NotTried):
        raise
    except Exception as exc:
        raise Broken(f'{what} raised {_text.said(exc)}, not {names}') from exc
    raise Broken(f'{what} returned {shown(found)}, and did not raise {names}')


def but_for_the_time(node: Node) -> Node:
    """A node without when its state was seen."""
    return dataclasses.replace(node, observed_at=None)


def same_node(expected: Node, found: Node, what: str) -> None:
    """:raises Broken: they differ in more than ``observed_at``."""
    names = [
        field.name
        for field in dataclasses.fields(Node)
        if field.name != 'observed_at'
        and getattr(expected, field.name) != getattr(found, field.name)
    ]
    if names:
        name = names[0]
        raise Broken(
            f'{what}: {name} is {shown(getattr(found, name))}, not '
            f'{shown(getattr(expected, name))}'
        )


def by_id(nodes: Iterable[Node]) -> dict[str, Node]:
    """Nodes by their id, without when their states were seen."""
    return {node.id: but_for_the_time(node) for node in nodes}
