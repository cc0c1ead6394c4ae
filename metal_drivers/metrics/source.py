# SPDX-License-Identifier: Apache-2.0
"""Where the metrics come from."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from metal_drivers import overview
from metal_drivers.clock import Clock
from metal_drivers.metrics import families

LOG = logging.getLogger(__name__)


class Source(Collector):
    """Has the last answers, and makes metrics of them. May be used by
    several threads at once.

    :param driver: its name.
    :param ask: asks all services.
    :param look: what the lists tell.
    """

    def __init__(
        self,
        driver: str,
        ask: Callable[[], overview.Answers],
        look: Callable[[overview.Lists], overview.Overview],
        clock: Clock,
    ) -> None:
        self._driver, self._ask, self._look = driver, ask, look
        self._clock = clock
        self._there = threading.Event()
        self._state: tuple[overview.Answers, overview.Overview | None]
        #: The services that did not answer the last time.
        self._silent: frozenset[str] = frozenset()

    def refresh(self) -> None:
        """Ask the services once."""
        answers = self._ask()
        lists = answers.lists
        found = None if lists is None else self._look(lists)
        self._warn(answers)
        self._state = answers, found
        self._there.set()

    def collect(self) -> Iterator[Metric]:
        """The metrics, as of the last answers; waits for the first ones."""
        self._there.wait()
        answers, found = self._state
        yield from families.collect(
            self._driver, answers, found, self._clock.now()
        )

    def describe(self) -> Iterable[Metric]:
        """Nothing: that would need an answer."""
        return ()

    def _warn(self, answers: overview.Answers) -> None:
        """One line for each service that stops to answer."""
        errors = {
            each.service: each.error
            for each in answers.asked
            if each.error is not None
        }
        for service, error in errors.items():
            if service not in self._silent:
                LOG.warning('No metrics of hosts for now: %s', error)
        self._silent = frozenset(errors)
