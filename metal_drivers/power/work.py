# SPDX-License-Identifier: Apache-2.0
"""What any work on one node takes: tools, waiting, and telling."""

from __future__ import annotations

import abc
import dataclasses
import threading
from collections.abc import Callable

from metal_drivers import base, compute
from metal_drivers.fleet import Member
from metal_drivers.model import ComputeService, Outcome, PowerState
from metal_drivers.power import events
from metal_drivers.power.cancelling import Cancel
from metal_drivers.power.census import Census
from metal_drivers.power.clock import Backoff, Clock, Deadline
from metal_drivers.power.ends import Cancelled, Ended
from metal_drivers.power.events import Step
from metal_drivers.power.process import Process
from metal_drivers.power.settings import PowerSettings


@dataclasses.dataclass(frozen=True, slots=True)
class Tools:
    """What a transition works with."""

    driver: base.MetalDriver
    nova: compute.Compute | None
    settings: PowerSettings
    clock: Clock
    watch: events.Watcher
    process: Process
    cancel: Cancel
    census: Census
    #: The name of the driver.
    backend: str
    #: Numbers from 0 to 1.
    chance: Callable[[], float]


class Work(abc.ABC):
    """Work on one node; used once."""

    #: What the caller wants the node to be.
    asked: PowerState | None = None

    def __init__(self, tools: Tools, member: Member) -> None:
        self.driver = tools.driver
        self.nova = tools.nova
        self.settings = tools.settings
        self.clock = tools.clock
        self.process = tools.process
        self.census = tools.census
        self.member = member
        #: As the node was listed; no answer changes it.
        self.node_id = member.node.id
        #: Set when there is something to wake up for.
        self.alarm = threading.Event()
        self._waiting = ''
        self._tools = tools
        self._began = tools.clock.monotonic()

    @abc.abstractmethod
    def standing(self) -> str:
        """How the node stands, for whoever cancels."""

    @property
    def host(self) -> str:
        """The compute host's name; empty where the node matches none."""
        return self.member.host.name if self.member.host else ''

    def tell(
        self,
        step: Step,
        detail: str = '',
        *,
        outcome: Outcome | None = None,
    ) -> None:
        event = events.Event(
            self.member,
            step,
            detail,
            self.asked,
            self._tools.backend,
            self.clock.monotonic() - self._began,
            outcome,
        )
        events.publish(event, self._tools.watch)

    def tell_waiting(self, detail: str) -> None:
        """Once, however often that is looked at."""
        if detail != self._waiting:
            self._waiting = detail
            self.tell(Step.WAITING, detail)

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(self.clock, seconds)

    def backoff(self) -> Backoff:
        return Backoff(self.settings.poll_interval, self._tools.chance)

    def claim(self) -> None:
        """Have the node for us alone in this process.

        :raises Ended: somebody else has had it for too long.
        """
        self._stop_if_cancelled()
        deadline = self.deadline(
            max(
                self.settings.power_off_timeout,
                self.settings.power_on_timeout,
            )
        )
        poll = self.backoff()
        while other := self.process.claim(
            self.member.node.id, self.asked or PowerState.ON
        ):
            work = f'its change to {other.value} by this process'
            self.tell_waiting(f'for {work}')
            if not self.pause(deadline, poll()):
                raise Ended(
                    Outcome.TIMED_OUT,
                    f'{work} has not ended within {deadline.seconds:g} s; '
                    'try again when it has ended',
                )

    def pause(self, deadline: Deadline, seconds: float) -> bool:
        """Sleep so long, but not past the deadline; False where that is.

        :raises Cancelled: that woke us.
        """
        self._stop_if_cancelled()
        slept = deadline.pause(seconds, self.alarm)
        self._stop_if_cancelled()
        return slept

    def rest(self, seconds: float) -> None:
        """Sleep so long, whatever the deadlines.

        :raises Cancelled: that woke us.
        """
        self._stop_if_cancelled()
        self.clock.wait(self.alarm, seconds)
        self._stop_if_cancelled()

    def _stop_if_cancelled(self) -> None:
        if self._tools.cancel.called:
            raise Cancelled(Outcome.FAILED, self.standing())

    def get_service(self) -> ComputeService | None:
        """The host's nova-compute; None where it is not to be managed."""
        if not self.settings.manage_compute_service:
            return None
        if self.nova is None or self.member.host is None:
            return None
        return self.nova.get_service(self.host)
