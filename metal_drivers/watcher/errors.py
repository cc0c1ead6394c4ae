# SPDX-License-Identifier: Apache-2.0
"""Errors, so that Watcher shows their messages.

Of any exception but its own, Watcher keeps no more than the type.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from watcher.common import exception

from metal_drivers import exceptions
from metal_drivers.model import PowerResult, PowerState

#: Watcher's database has 255 characters for a message, and Watcher puts
#: up to 40 of its own before it.
_ROOM = 200
_COLUMN = 255


class MetalFailure(exception.WatcherException):
    """An error whose message an operator is to read."""

    def __init__(self, message: str) -> None:
        super().__init__(shorten(message))


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Have Watcher show the message of a MetalError."""
    try:
        yield
    except exceptions.MetalError as exc:
        raise MetalFailure(str(exc)) from exc


def good(result: PowerResult, state: PowerState) -> bool:
    """Whether the node is so now; if not, raise why.

    :raises MetalFailure: it is not.
    """
    if not result.outcome.good:
        raise MetalFailure(
            f'{result.name} was not powered {state.value} '
            f'({result.outcome.value}): {result.detail}'
        )
    return True


def shorten(message: str, room: int = _ROOM) -> str:
    """A message that fits where Watcher keeps it, ended at a word."""
    message = ' '.join(message.split())
    if len(message) <= room:
        return message
    return message[: room - 2].rsplit(' ', 1)[0] + ' …'


def status_message(message: str) -> str:
    """The same, where Watcher puts nothing before it."""
    return shorten(message, _COLUMN)
