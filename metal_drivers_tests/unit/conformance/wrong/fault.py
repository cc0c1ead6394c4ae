# SPDX-License-Identifier: Apache-2.0
"""What a planted fault is."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable
from typing import TypeVar

from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.sample_service import SampleService

D = TypeVar('D', bound=type[SampleDriver])
Prepare = Callable[[SampleService], None]


@dataclasses.dataclass(frozen=True)
class Fault:
    """A driver with one fault, and the rule that is meant to find it."""

    name: str
    rule: str
    driver: type[SampleDriver]
    #: A part of what the rule says of it, so that it is found for the
    #: right reason.
    says: str
    #: Seconds after which it is given up.
    deadline: float = 30
    #: Makes the service one in which the fault shows.
    prepare: Prepare | None = None


FAULTS: list[Fault] = []


def meet(barrier: threading.Barrier) -> None:
    """Wait a moment for other threads, so that what all use is mixed up
    however busy the machine is."""
    with contextlib.suppress(threading.BrokenBarrierError):
        barrier.wait(1)


def fault(
    rule: str,
    says: str,
    deadline: float = 30,
    prepare: Prepare | None = None,
) -> Callable[[D], D]:
    """Have a class be a fault; its docstring says what is wrong."""

    def add(driver: D) -> D:
        words = ''.join(
            f'_{char.lower()}' if char.isupper() else char
            for char in driver.__name__
        )
        name = words.strip('_')
        FAULTS.append(Fault(name, rule, driver, says, deadline, prepare))
        return driver

    return add
