# SPDX-License-Identifier: Apache-2.0
"""Waiting for many things with one list for all of them."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from metal_drivers import base, compute, exceptions
from metal_drivers.clock import Clock
from metal_drivers.model import Capability, ComputeService, Node

T = TypeVar('T')

#: To ask for one node costs as much as this many entries of a list:
#: measured on Ironic 39, 17 ms for a node, 1.7 s for a list of 5,000.
_WORTH = 50

#: For so many seconds others wait for a list; then each asks alone.
_PATIENCE = 10.0


@dataclasses.dataclass(frozen=True)
class _News(Generic[T]):
    """What a list has brought, which was asked for at that time."""

    began: float
    entries: Mapping[str, T]
    problem: exceptions.MetalError | None = None


class Poller(Generic[T]):
    """Asks for things that are waited for, one by one or all at once.

    No caller waits here for another one, so a call that hangs holds up
    nobody else.

    :param get: asks for one.
    :param list_all: asks for all, as freshly; None where the service
        cannot.
    """

    def __init__(
        self,
        get: Callable[[str], T],
        list_all: Callable[[], Mapping[str, T]] | None,
    ) -> None:
        self._get = get
        self._list_all = list_all
        self._lock = threading.Lock()
        self._alarms: list[threading.Event] = []
        self._news: _News[T] | None = None
        #: When the list that is under way was asked for.
        self._asked_at: float | None = None
        #: How many entries the list has, as far as it is known.
        self.size = 0

    @contextlib.contextmanager
    def waiting(self, alarm: threading.Event) -> Iterator[None]:
        """Count among those who wait; the alarm is set when there is
        something new."""
        with self._lock:
            self._alarms.append(alarm)
        try:
            yield
        finally:
            with self._lock:
                self._alarms.remove(alarm)
            # It must not end an unrelated wait.
            alarm.clear()

    def look(
        self, key: str, after: float, now: float, due: bool
    ) -> tuple[T, float] | None:
        """One thing as it was later than ``after``, and when that was.

        :param due: whether to ask where others have not.
        :returns: None: there is nothing new, or it is being asked for.
        :raises MetalError: of the service.
        """
        lead = False
        with self._lock:
            news = self._news
            if news is not None and news.began > after:
                if news.problem is not None:
                    raise news.problem
                if key in news.entries:
                    return news.entries[key], news.began
            elif not due:
                return None
            elif self._list_is_worth_it():
                if self._asked_at is None:
                    self._asked_at, lead = now, True
                elif after < self._asked_at > now - _PATIENCE:
                    return None
        if lead:
            entries = self._list(now)
            if key in entries:
                return entries[key], now
        return self._get(key), now

    def _list_is_worth_it(self) -> bool:
        waiting = len(self._alarms)
        return (
            self._list_all is not None
            and waiting > 1
            and waiting * _WORTH >= self.size
        )

    def _list(self, now: float) -> Mapping[str, T]:
        """Ask for the list, and tell all who wait."""
        assert self._list_all is not None  # noqa: S101, the caller looked
        news = _News[T](now, {})
        try:
            news = _News(now, self._list_all())
        except (
            exceptions.UnavailableError,
            exceptions.BusyError,
            exceptions.ProtocolError,
        ) as exc:
            # The others need not find out for themselves.
            news = _News(now, {}, exc)
            raise
        except exceptions.MetalError:
            # Not allowed, perhaps; one by one it may be.
            self._list_all = None
        finally:
            with self._lock:
                self._asked_at = None
                self._news = news
                self.size = len(news.entries) or self.size
                for alarm in self._alarms:
                    alarm.set()
        return news.entries


class Watch(Generic[T]):
    """One waiter's view of a poller: one thing, as it changes.

    :param poll: how long to wait before each question of our own.
    """

    def __init__(
        self,
        poller: Poller[T],
        key: str,
        clock: Clock,
        poll: Callable[[], float],
        at_once: bool,
    ) -> None:
        self.poller, self._key = poller, key
        self._clock, self._poll = clock, poll
        now = clock.monotonic()
        #: What was asked for before this is of no use.
        self._after = now
        self._due = now if at_once else now + poll()

    def look(self, last: bool = False) -> tuple[T, float] | None:
        """What is new of it, and when that was asked for.

        :param last: ask in any case.
        :returns: None: there is nothing new yet.
        :raises MetalError: of the service.
        """
        now = self._clock.monotonic()
        due, after = last or now >= self._due, self._after
        # Should this raise, then what is asked next is to be newer.
        self._after = now
        try:
            seen = self.poller.look(self._key, after, now, due)
        except BaseException:
            self._due = self._clock.monotonic() + self._poll()
            raise
        if due or seen:
            self._due = self._clock.monotonic() + self._poll()
        self._after = seen[1] if seen else after
        return seen

    @property
    def left(self) -> float:
        """Seconds until the next question."""
        return max(0.0, self._due - self._clock.monotonic())


def over_driver(driver: base.MetalDriver) -> Poller[Node]:
    return Poller(
        driver.get_node,
        (lambda: {node.id: node for node in driver.list_nodes()})
        if Capability.LIVE_LIST in driver.capabilities
        else None,
    )


def over_nova(nova: compute.Compute) -> Poller[ComputeService]:
    return Poller(
        nova.get_service,
        # A cell that does not answer is of no concern to the others: who
        # is missing in the list is asked for alone.
        lambda: {
            entry.host: entry for entry in nova.list_services(whole=False)
        },
    )
