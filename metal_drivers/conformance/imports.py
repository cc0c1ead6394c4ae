# SPDX-License-Identifier: Apache-2.0
"""What a module imports when it is imported itself, read from its source."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

#: What every process has imported that has loaded a driver.
LIGHT = frozenset(
    {
        'keystoneauth1',
        'metal_drivers',
        'oslo_config',
        'oslo_log',
        'oslo_utils',
        'pbr',
        'requests',
        'stevedore',
        *sys.stdlib_module_names,
    }
)


def heavy(module: str) -> set[str]:
    """The packages that importing this module imports, but for its own
    and for :data:`LIGHT` ones. Other modules of its package are followed.
    """
    own = module.partition('.')[0]
    found: set[str] = set()
    todo, done = [module], set()
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        for imported in _imported(name):
            top = imported.partition('.')[0]
            if top == own:
                todo.append(imported)
            elif top not in LIGHT:
                found.add(top)
    return found


def _imported(module: str) -> Iterator[str]:
    """The dotted names; some may be of what is in a module."""
    source = _source(module)
    if source is None:
        return
    is_package = source.name == '__init__.py'
    for node in _top(ast.parse(source.read_text(encoding='utf-8')).body):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                base = node.module or ''
                if node.level:
                    parts = module.split('.')
                    up = node.level - is_package
                    parents = parts[: len(parts) - up] if up else parts
                    base = '.'.join([*parents, *([base] if base else [])])
                yield base
                yield from (f'{base}.{alias.name}' for alias in node.names)


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported."""
    for node in body:
        match node:
            case ast.If() if 'TYPE_CHECKING' in ast.unparse(node.test):
                yield from _top(node.orelse)
            case ast.If():
                yield from _top([*node.body, *node.orelse])
            case ast.Try():
                handlers = [s for h in node.handlers for s in h.body]
                yield from _top([*node.body, *handlers, *node.orelse])
            case ast.With() | ast.ClassDef():
                yield from _top(node.body)
            case _:
                yield node


def _source(module: str) -> Path | None:
    known = sys.modules.get(module)
    path = getattr(known, '__file__', None)
    if path is None:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):  # it is no module
            return None
        path = spec and spec.origin
    if not path or not str(path).endswith('.py'):
        return None
    return Path(path)
