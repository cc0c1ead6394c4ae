# SPDX-License-Identifier: Apache-2.0
"""What switching a node on and switching it off have in common: asking,
waiting, and telling how it ended."""

from __future__ import annotations

import abc
import dataclasses

from oslo_log import log

from metal_drivers import base, compute, exceptions
from metal_drivers.fleet import Member
from metal_drivers.model import (
    Capability,
    ComputeService,
    Node,
    OffMode,
    Outcome,
    PowerState,
)
from metal_drivers.power import events, guards, ownership
from metal_drivers.power.clock import Clock, Deadline
from metal_drivers.power.events import Step
from metal_drivers.power.settings import PowerSettings

LOG = log.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Tools:
    """What a transition works with."""

    driver: base.MetalDriver
    nova: compute.Compute | None
    settings: PowerSettings
    clock: Clock
    watch: events.Watcher


class Ended(Exception):
    """A transition is at its end before it is through."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


class NotBegun(Ended):
    """The service was busy with the node until the deadline."""


def ended(exc: Ended | exceptions.MetalError) -> Ended:
    """The end that an error of a service makes of a transition."""
    match exc:
        case Ended():
            return exc
        case exceptions.RefusedError():
            return Ended(Outcome.REFUSED, str(exc))
        case exceptions.TimedOutError():
            return Ended(Outcome.TIMED_OUT, str(exc))
        case _:
            return Ended(Outcome.FAILED, str(exc))


class Transition(abc.ABC):
    """One node on its way to one state. Used once.

    A request for power is sent once: what a service that did not answer
    has made of it is asked, never guessed. Only a service that says that
    it has not begun is asked again.
    """

    target: PowerState

    def __init__(self, tools: Tools, member: Member) -> None:
        self.driver = tools.driver
        self.nova = tools.nova
        self.settings = tools.settings
        self.clock = tools.clock
        self._watch = tools.watch
        self.member = member

    @abc.abstractmethod
    def run(self) -> tuple[Outcome, str]:
        """Take the node there.

        :raises Ended: it did not get there; nothing is half done but
            what the detail says.
        :raises MetalError: the same, by an error of a service.
        """

    @property
    def host(self) -> str:
        """The compute host's name; empty where the node matches none."""
        return self.member.host.name if self.member.host else ''

    def tell(self, step: Step, detail: str = '') -> None:
        LOG.info('%s: %s %s', self.member.label, step.value, detail)
        self._watch(events.Event(self.member, step, detail))

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(self.clock, seconds)

    def look(self) -> Node:
        """The node as it is now."""
        node = self.driver.get_node(self.member.node.id)
        self.member = dataclasses.replace(self.member, node=node)
        return node

    def look_when_settled(self, seconds: float) -> Node:
        """The node, once nobody else works on it."""
        deadline = self.deadline(seconds)
        while True:
            node = self.look()
            if settled(node):
                return node
            self.tell(Step.WAITING, f'for {_work(node)}')
            if not deadline.pause(self.settings.poll_interval):
                raise Ended(
                    Outcome.TIMED_OUT,
                    f'{_work(node)} has not ended within {seconds:g} s. No '
                    'power request was sent; try again when it has ended',
                )

    def guard(self) -> None:
        """:raises Ended: a guard refuses."""
        reason = guards.refusal(self.member, self.target, self.settings)
        if reason:
            raise Ended(Outcome.REFUSED, reason)

    def require(self, state: PowerState) -> None:
        """:raises Ended: the node is not known to be in that state."""
        node = self.member.node
        if node.power_state is state:
            return
        fault = f' ({node.fault})' if node.fault else ''
        raise Ended(
            Outcome.REFUSED,
            f'its power state is {node.power_state.value}{fault}, not '
            f'{state.value}. Mend what keeps the bare metal service from '
            'telling it',
        )

    def request(
        self,
        deadline: Deadline,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> exceptions.UnavailableError | None:
        """Ask the service for the change, until it is not busy.

        :returns: the error that leaves open whether it was asked.
        :raises NotBegun: it was busy all the time.
        """
        node_id = self.member.node.id
        # Known only to drivers that have a use for it.
        extra = {} if timeout is None else {'timeout': timeout}
        while True:
            try:
                self.driver.set_power_state(
                    node_id, self.target, mode, **extra
                )
                return None
            except exceptions.BusyError as exc:
                self.tell(Step.WAITING, exc.message)
                if not deadline.pause(self.settings.poll_interval):
                    raise NotBegun(
                        Outcome.TIMED_OUT,
                        f'{exc.message}, for {deadline.seconds:g} s. Nothing '
                        'was changed; try again when that has ended',
                    ) from exc
            except exceptions.UnavailableError as exc:
                return exc

    def follow(self, deadline: Deadline) -> bool:
        """Watch the node until it is there, the service has given up, or
        the deadline is over; ``member.node`` is then the last seen.

        :returns: whether it is there.
        :raises MetalError: the service will not tell any more.
        """
        tells = Capability.TELLS_END in self.driver.capabilities
        while True:
            try:
                node = self.look()
            except (
                exceptions.UnavailableError,
                exceptions.BusyError,
                exceptions.ProtocolError,
            ) as exc:
                # It may come back before the deadline. Till then, what
                # the node does is not known.
                node = dataclasses.replace(
                    self.member.node,
                    power_state=PowerState.UNKNOWN,
                    fault=exc.message,
                )
                self.member = dataclasses.replace(self.member, node=node)
            else:
                if settled(node):
                    if node.power_state is self.target:
                        self.tell(Step.STATE, node.power_state.value)
                        return True
                    if tells:
                        return False
            if not deadline.pause(self.settings.poll_interval):
                return False

    def end_without(
        self, deadline: Deadline, doubt: exceptions.UnavailableError | None
    ) -> Ended:
        """Why the node is not there, for :meth:`follow` has said so."""
        node = self.member.node
        if deadline.passed:
            fault = f'; {node.fault}' if node.fault else ''
            return Ended(
                Outcome.TIMED_OUT,
                f'not seen to be {self.target.value} within '
                f'{deadline.seconds:g} s; its power state was last '
                f'{node.power_state.value}{fault}',
            )
        if doubt is not None:
            return Ended(Outcome.FAILED, str(doubt))
        return Ended(
            Outcome.FAILED,
            'the bare metal service gave up: '
            f'{node.fault or "it gives no reason"}. Its power state is '
            f'{node.power_state.value}',
        )

    def get_service(self) -> ComputeService | None:
        """The host's nova-compute; None where it is not to be managed."""
        if not self.settings.manage_compute_service:
            return None
        if self.nova is None or self.member.host is None:
            return None
        return self.nova.get_service(self.host)

    def enable_if_ours(self) -> bool:
        """Enable nova-compute, if it is disabled and that was us."""
        service = self.get_service()
        if service is None or not ownership.disabled_by_us(service):
            return False
        assert self.nova is not None  # noqa: S101, there is a service
        self.nova.enable(service)
        return True


def settled(node: Node) -> bool:
    """Whether nobody works on the node's power."""
    return node.busy is None and node.target is None


def _work(node: Node) -> str:
    if node.target is None:
        return f'the work of {node.busy} on it'
    return f'its change to {node.target.value}'
