# SPDX-License-Identifier: Apache-2.0
"""All that gets out of a process while something is done."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import traceback
from collections.abc import Iterable, Iterator

from metal_drivers.conformance import audit

#: Where a text came from that was printed.
STDOUT = 'what it printed to stdout'

_FORMAT = logging.Formatter('%(name)s %(message)s')


class Recording:
    """Texts, and where each came from."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []

    def note(self, what: str, *texts: str) -> None:
        self.texts += [(what, text) for text in texts]


@contextlib.contextmanager
def recorded() -> Iterator[Recording]:
    """What is logged, at DEBUG, and printed meanwhile."""
    found = Recording()
    out, err = io.StringIO(), io.StringIO()
    with _logged(found), audit.watched(audit.PROGRAMS) as programs:
        former = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = out, err
        try:
            yield found
        finally:
            sys.stdout, sys.stderr = former
            found.note(STDOUT, out.getvalue())
            found.note('what it printed to stderr', err.getvalue())
            found.note('the command line of a program', *programs)


@contextlib.contextmanager
def _logged(found: Recording) -> Iterator[None]:
    handler = logging.Handler()

    def take(record: logging.LogRecord) -> bool:
        with contextlib.suppress(Exception):  # a message without its values
            found.note(f'the log {record.name}', _FORMAT.format(record))
        found.note(f'the log {record.name}', repr(record.__dict__))
        return True

    handler.handle = take  # type: ignore[method-assign]
    loggers = list(_loggers())
    former = [(each, each.level, list(each.handlers)) for each in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        # Whoever else listens would show what nobody asked for.
        deaf = logger.parent is None or not logger.propagate
        logger.handlers[:] = [handler] if deaf else []
    try:
        yield
    finally:
        for logger, level, handlers in former:
            logger.setLevel(level)
            logger.handlers[:] = handlers


def _loggers() -> Iterable[logging.Logger]:
    yield logging.getLogger()
    for each in list(logging.root.manager.loggerDict.values()):
        if isinstance(each, logging.Logger):
            yield each


def texts_of(exc: BaseException) -> list[str]:
    """What an exception may be shown as, with all that it came from."""
    texts, todo, seen = [], [exc], set()
    while todo:
        each = todo.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        texts += [_shown(each), repr(each)]
        todo += [e for e in (each.__cause__, each.__context__) if e]
    return [*texts, *traceback.format_exception(exc)]


def _shown(exc: BaseException) -> str:
    try:
        return str(exc)
    except Exception:  # it has a text of its own
        return ''
