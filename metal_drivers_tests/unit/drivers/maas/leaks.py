# SPDX-License-Identifier: Apache-2.0
"""Everything that gets out while a test runs, searched for secrets."""

import base64
import contextlib
import functools
import io
import logging
import traceback
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping

import fixtures


class Recorder(fixtures.Fixture):
    """Takes down all that is logged or printed, and all that is noted.

    Every logger is at DEBUG, asyncio in its debugging mode.

    :ivar secrets: what must not be in it, in any form
    """

    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()
        self.records: list[logging.LogRecord] = []
        self._texts: list[str] = []
        self._streams: list[io.StringIO] = []

    def _setUp(self) -> None:
        self.useFixture(
            fixtures.EnvironmentVariable('PYTHONASYNCIODEBUG', '1')
        )
        # It keeps where everything was made; to keep whence that was called,
        # too, takes a fifth of all the time.
        self.useFixture(
            fixtures.MonkeyPatch('asyncio.constants.DEBUG_STACK_DEPTH', 1)
        )
        self.useFixture(
            fixtures.MonkeyPatch(
                'traceback.extract_stack',
                functools.partial(traceback.extract_stack, limit=1),
            )
        )
        self._streams = [io.StringIO(), io.StringIO()]
        for name, stream in zip(
            ('stdout', 'stderr'), self._streams, strict=True
        ):
            self.useFixture(fixtures.MonkeyPatch(f'sys.{name}', stream))
        handler = logging.Handler()
        handler.handle = self._take  # type: ignore[method-assign]
        root = logging.getLogger()
        levels = {logger: logger.level for logger in _loggers()}
        root.addHandler(handler)
        self.addCleanup(root.removeHandler, handler)
        _set_levels(dict.fromkeys(levels, logging.DEBUG))
        self.addCleanup(_set_levels, levels)

    def note(self, *things: object) -> None:
        """Results, errors: each is searched however it may be shown."""
        for thing in things:
            self._texts += [str(thing), repr(thing)]
            if isinstance(thing, BaseException):
                self._texts += [repr(link) for link in links(thing)]
                self._texts += traceback.format_exception(thing)

    def complaints(self) -> list[str]:
        """What asyncio and aiohttp say was not closed or awaited."""
        return [
            record.getMessage()
            for record in self.records
            if record.levelno >= logging.ERROR
        ]

    def leaks(self) -> list[str]:
        """The texts that have a secret in them."""
        texts = [
            *self._texts,
            *(stream.getvalue() for stream in self._streams),
            *(text for record in self.records for text in _texts(record)),
        ]
        forms = {form for secret in self.secrets for form in _forms(secret)}
        return [text for text in texts if any(form in text for form in forms)]

    def _take(self, record: logging.LogRecord) -> bool:
        self.records.append(record)
        return True


def links(exc: BaseException) -> Iterator[BaseException]:
    """The error and all that it hangs on to."""
    todo, seen = [exc], set()
    while todo:
        link = todo.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            todo += filter(None, (link.__cause__, link.__context__))


def _loggers() -> Iterable[logging.Logger]:
    found = list(logging.root.manager.loggerDict.values())
    return [
        logging.getLogger(),
        *(each for each in found if isinstance(each, logging.Logger)),
    ]


def _set_levels(levels: Mapping[logging.Logger, int]) -> None:
    # Each call of setLevel goes through all loggers: one is enough.
    for logger, level in levels.items():
        logger.level = level
    logging.root.setLevel(logging.root.level)


def _texts(record: logging.LogRecord) -> Iterable[str]:
    with contextlib.suppress(Exception):  # not a message that can be shown
        yield record.getMessage()
    yield repr(record.__dict__)
    if record.exc_info and record.exc_info[1]:
        yield from traceback.format_exception(record.exc_info[1])
        yield from map(repr, links(record.exc_info[1]))


def _forms(secret: str) -> Iterable[str]:
    return (
        secret,
        urllib.parse.quote(secret, safe=''),
        base64.b64encode(secret.encode()).decode().rstrip('='),
    )
