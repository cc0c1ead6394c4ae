# SPDX-License-Identifier: Apache-2.0
"""What the tables of ``metal_drivers.power`` say, read from themselves.

The sentence of a rule is the first paragraph of its docstring; which steps
it can take is read from its source.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Iterator

from metal_drivers.power import back, off, on, rules
from metal_drivers.power.values import What

TABLES = {table.name: table for table in (off.OFF, on.ON, back.RECOVER)}

#: What each question is about, in words.
ASKED = {
    What.CLAIM: 'other power changes by this process',
    What.SLOT: 'the rate',
    What.OTHERS_OFF: 'how many hosts are off',
    What.NODE: 'the node',
    What.SERVICE: 'nova-compute',
    What.SERVERS: 'servers on the host',
    What.MOVING: 'servers that move',
    What.UNPLACED: 'servers being scheduled',
}

#: What can make an answer too old, in words.
EVENTS = {
    'waited': 'the last wait',
    'told': 'what hooks were last told',
    'disabled': 'the first marker of this process',
    'sent': 'the request for power',
    'decided': 'the decision',
    **{what.value: f'the answer about {ASKED[what]}' for what in What},
}

#: The steps after which the table is read again, and their words.
ACTS: dict[object, str] = {
    rules.Ask: 'ask',
    rules.Wait: 'wait',
    rules.Tell: 'tell',
    rules.Disable: 'disable',
    rules.Enable: 'enable',
    rules.Send: 'send',
    rules.NextMode: 'next way',
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One entry of a table.

    :ivar sentence: empty for a repeated question.
    :ivar older: what the answer must not be older than.
    :ivar fresh: the most seconds that its age may be, where that matters.
    :ivar acts: the steps it can take after which the table is read again.
    :ivar ends: the outcomes that it can decide, ``error`` for that of an
        error; or ``end``.
    """

    name: str
    question: bool
    sentence: str
    older: tuple[str, ...] = ()
    fresh: float | None = None
    acts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


def rows(entries: Iterable[rules.Need | rules.Rule]) -> list[Row]:
    """The entries of a table, in their order."""
    entries = [
        entry.rule if isinstance(entry, rules.Courtesy) else entry
        for entry in entries
    ]
    # A rule that several tables share knows ways that one of them has not.
    ways = off.a_way_to_power_off in entries
    return [_row(entry, ways) for entry in entries]


@functools.cache
def _row(entry: rules.Need | rules.Rule, ways: bool) -> Row:
    if isinstance(entry, rules.Need):
        return Row(
            ASKED[entry.what],
            True,
            entry.text,
            tuple(EVENTS[event] for event in entry.after),
            rules.FRESH if entry.last else None,
            ('ask',),
            () if entry.tolerated else ('error',),
        )
    found = list(dict.fromkeys(_steps(_function(entry), set())))
    if not ways and ACTS[rules.NextMode] in found:
        found.remove(ACTS[rules.NextMode])
    acts = tuple(word for word in ACTS.values() if word in found)
    return Row(
        _function(entry).__name__.replace('_', ' '),
        False,
        sentence(entry),
        acts=acts,
        ends=tuple(word for word in found if word not in acts),
    )


def sentence(rule: rules.Rule) -> str:
    """What the documentation says of a rule."""
    paragraph = (inspect.getdoc(_function(rule)) or '').split('\n\n')[0]
    return ' '.join(paragraph.split())


def _function(rule: rules.Rule) -> types.FunctionType:
    # What spares a rule that does no harm is not of the documentation.
    found = inspect.unwrap(getattr(rule, 'rule', rule))
    assert isinstance(found, types.FunctionType)  # noqa: S101
    return found


def _steps(
    function: types.FunctionType, seen: set[Callable[..., object]]
) -> Iterator[str]:
    """The words of the steps that it makes, or has made for it."""
    seen.add(function)
    source = textwrap.dedent(inspect.getsource(function))
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        made = _resolve(node.func, function.__globals__)
        if made in ACTS:
            yield ACTS[made]
        elif made is rules.End:
            yield 'end'
        elif made is rules.Decide:
            yield from _outcomes(node.args[0])
        elif (
            isinstance(made, types.FunctionType)
            and made not in seen
            and made.__module__.startswith('metal_drivers.power.')
        ):
            yield from _steps(made, seen)


def _resolve(node: ast.expr, names: dict[str, typing.Any]) -> object:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return getattr(names.get(node.value.id), node.attr, None)
    return names.get(node.id) if isinstance(node, ast.Name) else None


def _outcomes(argument: ast.expr) -> list[str]:
    return [
        node.attr.lower().replace('_', ' ')
        for node in ast.walk(argument)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == 'Outcome'
    ] or ['error']
