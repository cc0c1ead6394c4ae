# SPDX-License-Identifier: Apache-2.0
"""Asks each service for its lists. A service that does not answer is a
result, not an error."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from typing import TypeVar

from metal_drivers import base, boundary, compute, exceptions, fleet, meanwhile
from metal_drivers.clock import Clock
from metal_drivers.model import Aggregate, ComputeHost
from metal_drivers.overview.status import Lists
from metal_drivers.planning import groups
from metal_drivers.planning.wish import Rule

#: What the compute service is called.
NOVA = 'nova'

T = TypeVar('T')


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """How one service answered."""

    #: ``nova``, or the name of the driver.
    service: str
    #: When it was asked.
    at: datetime.datetime
    #: How long it took, in seconds.
    seconds: float
    #: Why it did not answer.
    error: exceptions.MetalError | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Answers:
    """How all services answered."""

    asked: tuple[Asked, ...]
    #: None: not all of them did.
    lists: Lists | None

    def needed(self) -> Lists:
        """The lists.

        :raises MetalError: a service did not answer.
        """
        for each in self.asked:
            if each.error is not None:
                raise each.error
        assert self.lists is not None  # noqa: S101, nothing failed
        return self.lists


@dataclasses.dataclass(frozen=True, slots=True)
class _OfNova:
    hosts: Sequence[ComputeHost]
    zones: dict[str, str | None]
    aggregates: Sequence[Aggregate]


def ask(
    driver: base.MetalDriver,
    name: str,
    nova: compute.Compute | None,
    rules: Sequence[Rule],
    clock: Clock,
) -> Answers:
    """Ask both services at the same time.

    One request for each page of 1,000 nodes and of 1,000 hypervisors, one
    for the services of Nova, and one for its aggregates if a rule needs
    them.

    :param name: the driver's.
    :param nova: None where Nova is not configured: nothing matches then.
    """
    driver = boundary.guard(driver)
    of_nova = None
    if nova is not None:
        of_nova = meanwhile.ask(
            lambda: _timed(NOVA, clock, lambda: _ask_nova(nova, rules)),
            'metal-nova-list',
        )
    asked, nodes = _timed(name, clock, driver.list_nodes)
    if of_nova is None:
        lists = None if nodes is None else Lists(fleet.join(nodes, None))
        return Answers((asked,), lists)
    asked_nova, found = of_nova.result()
    lists = None
    if nodes is not None and found is not None:
        lists = Lists(
            fleet.join(nodes, found.hosts), found.zones, found.aggregates
        )
    return Answers((asked, asked_nova), lists)


def _ask_nova(nova: compute.Compute, rules: Sequence[Rule]) -> _OfNova:
    return _OfNova(
        nova.list_hosts(),
        {each.host: each.zone for each in nova.list_services()},
        nova.list_aggregates() if groups.in_nova(rules) else (),
    )


def _timed(
    service: str, clock: Clock, call: Callable[[], T]
) -> tuple[Asked, T | None]:
    at, began = clock.now(), clock.monotonic()
    found, error = None, None
    try:
        found = call()
    except exceptions.MetalError as exc:
        error = exc
    return Asked(service, at, clock.monotonic() - began, error), found
