# SPDX-License-Identifier: Apache-2.0
"""Many transitions at once in virtual time, interleaved as a test says.

Each runs in a thread of its own, but only while it has the baton, which
it hands back before every call of a service and at every wait. So a run
is the same each time, and everything can happen at every call.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from metal_drivers import exceptions, fleet
from metal_drivers.model import PowerResult
from metal_drivers.power import PowerEngine
from metal_drivers_tests.unit.power import simulator

T = TypeVar('T')


class Killed(KeyboardInterrupt):
    """The process is no more: nothing that it still does has an effect."""


@dataclasses.dataclass(frozen=True)
class Fate:
    """What befalls a call.

    :ivar error: None: it ends well.
    :ivar arrives: whether it is carried out all the same.
    """

    error: BaseException | None = None
    arrives: bool = False


FINE = Fate()


class Task:
    """A thread that runs while it has the baton."""

    def __init__(self, work: Callable[[], object], owner: object) -> None:
        self.owner = owner
        self.done = self.dead = False
        self.error: BaseException | None = None
        #: The call that it is about to make, and with what.
        self.call: tuple[str, tuple[Any, ...]] = ('', ())
        self.wake: float | None = None
        self.alarm: threading.Event | None = None
        self.fate = FINE
        # Each is released by the one thread and taken by the other: a
        # lock does, and costs half of what a semaphore does.
        self.go, self.back = threading.Lock(), threading.Lock()
        self.go.acquire()
        self.back.acquire()
        self._work = work
        threading.Thread(target=self._main, daemon=True).start()

    def step(self) -> None:
        """Let it make its call, and come to the next one."""
        self.go.release()
        self.back.acquire()

    def park(self) -> None:
        self.back.release()
        self.go.acquire()
        if self.dead:
            raise Killed

    def _main(self) -> None:
        self.go.acquire()
        try:
            if not self.dead:
                self._work()
        except Killed:
            pass
        except BaseException as exc:
            self.error = exc
        self.done = True
        self.back.release()


class Stepper(simulator.Calls):
    """Who has the baton; every call asks here."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[Task] = []
        self.current: Task | None = None
        self.harm: list[str] = []
        #: What befalls the next request for power.
        self.command_fate = FINE
        self._commands: collections.Counter[Any] = collections.Counter()

    def spawn(self, work: Callable[[], object], owner: object) -> None:
        self.tasks.append(Task(work, owner))

    def step(self, task: Task, fate: Fate = FINE) -> None:
        self.current, task.fate = task, fate
        task.step()
        self.current = None
        if task.done:
            self.tasks.remove(task)
            if task.error:
                self.harm.append(f'a transition raised {task.error!r}')

    def kill(self, owner: object, arrives: bool) -> None:
        """End all that belongs to that process, at their calls.

        :param arrives: whether these are carried out all the same.
        """
        for task in [task for task in self.tasks if task.owner is owner]:
            if arrives and task.call[0] not in ('', 'wait'):
                self.step(task, Fate(Killed(), arrives=True))
            if not task.done:
                task.dead = True
                self.step(task)

    def make(self, name: str, act: Callable[[], T], *args: Any) -> T:
        task = self.current
        if task is None:
            return act()
        if task.dead:
            raise Killed
        node = (task.owner, args[0]) if name == 'set_power_state' else None
        if node:
            self._commands[node] += 1
            if self._commands[node] > 1:
                self.harm.append(f'two commands in flight for {args[0]}')
        try:
            task.call = name, args
            task.park()
            fate, task.fate = task.fate, FINE
            if node and fate is FINE:
                fate, self.command_fate = self.command_fate, FINE
            if fate.error is None:
                return act()
            if fate.arrives:
                with contextlib.suppress(exceptions.MetalError):
                    act()
            task.dead |= isinstance(fate.error, Killed)
            raise fate.error
        finally:
            if node:
                self._commands[node] -= 1

    def wait(
        self, clock: simulator.SimClock, alarm: threading.Event, end: float
    ) -> None:
        task = self.current
        if task is None:
            clock.advance(end - clock.time)
            return
        if task.dead:
            raise Killed
        task.wake, task.alarm, task.call = end, alarm, ('wait', ())
        task.park()
        task.wake = task.alarm = None

    def ready(self, now: float) -> list[Task]:
        return [
            task
            for task in self.tasks
            if task.wake is None
            or task.wake <= now
            or (task.alarm is not None and task.alarm.is_set())
        ]


class SteppedClock(simulator.SimClock):
    """Time that passes when nobody has anything else to do."""

    def __init__(self, calls: simulator.Calls) -> None:
        super().__init__(calls)
        self._owners: list[object] = []

    def now(self) -> datetime.datetime:
        """No two processes do anything in the same millisecond."""
        assert isinstance(self._calls, Stepper)
        task = self._calls.current
        if task is None:
            return super().now()
        if task.owner not in self._owners:
            self._owners.append(task.owner)
        number = self._owners.index(task.owner)
        return super().now() + datetime.timedelta(milliseconds=number)

    def wait(self, alarm: threading.Event, seconds: float) -> None:
        assert isinstance(self._calls, Stepper)
        if not alarm.is_set():
            # Times are floats: a rest of next to nothing would not end.
            end = self.time + max(seconds, 1e-6)
            self._calls.wait(self, alarm, end)

    def until(self, end: float) -> None:
        self.advance(max(0.0, end - self.time))
        self.time = max(self.time, end)


class SteppedEngine(PowerEngine):
    """Has its transitions taken by tasks; does not wait for them."""

    stepper: Stepper
    results: list[PowerResult]

    def _each(
        self,
        found: fleet.Fleet,
        members: Sequence[fleet.Member],
        work: Callable[[fleet.Member], PowerResult],
    ) -> list[PowerResult]:
        left = list(members)

        def some() -> None:
            while left:
                self.results.append(work(left.pop(0)))

        for _ in range(min(len(left), self.settings.max_concurrent)):
            self.stepper.spawn(some, self.shared)
        return []
