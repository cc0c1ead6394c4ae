# SPDX-License-Identifier: Apache-2.0
"""Requests to power on that MAAS may still act on.

MAAS 3.5 and newer does not join two of one machine: the second
power-cycles it. The first is over when it is answered. Where no answer
came, MAAS may act on it for five minutes: it makes three attempts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import time
from collections.abc import Callable, Iterator

from metal_drivers import exceptions
from metal_drivers.drivers.maas import native, replies
from metal_drivers.model import Node

#: Seconds for which MAAS may act on a request, from its sending.
ACTS_FOR = 300.0


@dataclasses.dataclass(slots=True)
class _Sent:
    """One request, by the monotonic clock and by that of people."""

    at: float
    when: datetime.datetime
    under_way: bool = True
    answered_at: float | None = None

    @property
    def until(self) -> str:
        return _say(self.when + datetime.timedelta(seconds=ACTS_FOR))

    def since(self) -> float:
        """From when on it is of no more use."""
        return self.at if self.answered_at is None else self.answered_at


class PowerOns:
    """What was sent of late, by the region and the machine.

    It forgets what is older than :data:`ACTS_FOR`.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.now = clock
        self._lock = native.module('threading').Lock()
        self._sent: dict[tuple[str, str], _Sent] = {}

    def __len__(self) -> int:
        return len(self._sent)

    @contextlib.contextmanager
    def sending(self, region: str, node: Node, asked: float) -> Iterator[None]:
        """Send a request to power on within this.

        :param region: its URL.
        :param asked: when the power state was asked for, by :attr:`now`.
        :raises BusyError: it must not be sent; nothing was.
        """
        sent = self._begin((region, node.id), node, asked)
        try:
            yield
        except exceptions.MetalError as exc:
            if _is_answer(exc):
                sent.answered_at = self.now()
            raise
        else:
            sent.answered_at = self.now()
        finally:
            # Whatever else ends it leaves the request in doubt.
            sent.under_way = False

    def _begin(self, key: tuple[str, str], node: Node, asked: float) -> _Sent:
        with self._lock:
            now = self.now()
            self._sent = {
                each: sent
                for each, sent in self._sent.items()
                if sent.under_way or now - sent.since() < ACTS_FOR
            }
            other = self._sent.get(key)
            if other is not None:
                _require_over(other, node, asked)
            if now - asked >= ACTS_FOR:
                # What was sent since, and answered, may be forgotten.
                raise _busy(
                    node,
                    'its power state was queried '
                    f'{now - asked:.0f} s ago, which is too long',
                    'Try again.',
                )
            sent = _Sent(now, datetime.datetime.now(datetime.UTC))
            self._sent[key] = sent
            return sent

    def after_fork(self) -> None:
        """In a child: no answer to what is under way will come here."""
        # The lock may have been held by a thread that is no more.
        self._lock = native.module('threading').Lock()
        for sent in self._sent.values():
            sent.under_way = False


#: Those of this process, whichever driver sent them: Watcher's applier
#: opens a driver for each action, and a machine has only one power button.
PROCESS = PowerOns()

os.register_at_fork(after_in_child=lambda: PROCESS.after_fork())


def _require_over(other: _Sent, node: Node, asked: float) -> None:
    """:raises BusyError: MAAS may act on it, or has while we looked."""
    when = f'a request to power it on, sent at {_say(other.when)},'
    if other.under_way:
        raise _busy(
            node,
            f'{when} is not answered yet',
            f'Try again when it is, at {other.until} at the latest.',
        )
    if other.answered_at is None:
        raise _busy(
            node,
            f'{when} got no answer, so MAAS may still act on it',
            f'Try again after {other.until}.',
        )
    if other.answered_at > asked:
        raise _busy(
            node,
            f'{when} was answered after the power state was queried',
            'Try again now.',
        )


def _busy(node: Node, why: str, cure: str) -> exceptions.BusyError:
    return exceptions.BusyError(
        f'MAAS: machine {node.name} was not powered on: {why}', cure=cure
    )


def _is_answer(exc: exceptions.MetalError) -> bool:
    """Whether MAAS does nothing any more, or never got the request."""
    if replies.concerns_all(exc):
        return True
    in_doubt = exceptions.UnavailableError | exceptions.ProtocolError
    return not isinstance(exc, in_doubt)


def _say(when: datetime.datetime) -> str:
    return f'{when:%H:%M:%S} UTC'
