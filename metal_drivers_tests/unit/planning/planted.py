# SPDX-License-Identifier: Apache-2.0
"""Faults, made from the rules of a decision: each step taken away, each
condition, and each part of one."""

from __future__ import annotations

import ast
import contextlib
import copy
import dataclasses
import functools
import importlib
import inspect
import types
from collections.abc import Iterator
from typing import Any

from metal_drivers.planning import (
    decision,
    groups,
    hosts,
    levels,
    planner,
    reliability,
    steps,
    wish,
)

_MODULES = (
    decision,
    groups,
    hosts,
    levels,
    planner,
    reliability,
    steps,
    wish,
)


@dataclasses.dataclass(frozen=True)
class Fault:
    """One function of a module that is not as it was."""

    #: The function in which it is, and how that was changed.
    where: str
    what: str
    function: Any
    code: types.CodeType

    @contextlib.contextmanager
    def planted(self) -> Iterator[None]:
        before = self.function.__code__
        self.function.__code__ = self.code
        try:
            yield
        finally:
            self.function.__code__ = before


def faults() -> Iterator[Fault]:
    """All of them."""
    for module in _MODULES:
        tree = ast.parse(inspect.getsource(module))
        count = sum(1 for _ in _changes(tree))
        for number in range(count):
            changed = copy.deepcopy(tree)
            what, line = next(
                (what(), line)
                for place, (line, what) in enumerate(_changes(changed))
                if place == number
            )
            code = compile(changed, module.__file__ or '', 'exec')
            name = _owner(tree, line)
            yield Fault(
                name,
                what,
                _function(module, name),
                _code(code, name),
            )


def _changes(tree: ast.Module) -> Iterator[tuple[int, Any]]:
    """Where something can be changed, and what changes it and says how."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            match node:
                case ast.BoolOp(op=op, values=values):
                    neutral = isinstance(op, ast.And)
                    for place, value in enumerate(values):
                        yield (
                            value.lineno,
                            functools.partial(_drop, values, place, neutral),
                        )
                case ast.comprehension(ifs=[test]):
                    yield (
                        test.lineno,
                        functools.partial(_drop, node.ifs, 0, True),
                    )
                case ast.If() | ast.IfExp():
                    yield node.lineno, functools.partial(_never, node)
                case ast.AugAssign():
                    yield node.lineno, functools.partial(_no_step, node)


def _drop(values: list[ast.expr], place: int, neutral: bool) -> str:
    value = values[place]
    values[place] = ast.copy_location(ast.Constant(neutral), value)
    return f'without {ast.unparse(value)}'


def _never(node: ast.If | ast.IfExp) -> str:
    text = ast.unparse(node.test)
    node.test = ast.copy_location(ast.Constant(False), node.test)
    return f'never {text}'


def _no_step(node: ast.AugAssign) -> str:
    text = ast.unparse(node)
    empty = ast.Tuple([], ast.Load())
    if not isinstance(node.value, ast.Constant | ast.JoinedStr):
        node.value = ast.fix_missing_locations(
            ast.copy_location(empty, node.value)
        )
    else:
        node.value = ast.copy_location(ast.Constant(0), node.value)
    return f'no {text}'


def _owner(tree: ast.Module, line: int) -> str:
    """The qualified name of the function in which the line is."""
    for node in tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        for each in inside:
            if isinstance(each, ast.FunctionDef) and each.lineno <= line <= (
                each.end_lineno or 0
            ):
                if isinstance(node, ast.ClassDef):
                    return f'{node.name}.{each.name}'
                return each.name
    raise AssertionError(line)


def _function(module: types.ModuleType, name: str) -> Any:
    found: Any = importlib.import_module(module.__name__)
    for part in name.split('.'):
        found = inspect.getattr_static(found, part)
    for wrapped in ('fget', 'func', '__func__'):
        found = getattr(found, wrapped, found)
    return found


def _code(code: types.CodeType, name: str) -> types.CodeType:
    todo = [code]
    while todo:
        each = todo.pop()
        if each.co_qualname == name:
            return each
        todo += [c for c in each.co_consts if isinstance(c, types.CodeType)]
    raise AssertionError(name)
