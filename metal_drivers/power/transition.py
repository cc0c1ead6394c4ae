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
from metal_drivers.power import events, guards
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


class NotThere(Ended):
    """A request was sent, and the node has not followed it."""


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


@dataclasses.dataclass(slots=True)
class Request:
    """A request for power that may have arrived."""

    deadline: Deadline
    #: Whether the service took it, or was seen at work on it since.
    taken: bool = False
    #: Why it is not known whether it arrived.
    doubt: exceptions.MetalError | None = None


class Transition(abc.ABC):
    """One node on its way to one state. Used once.

    A request for power is sent once: what a service that did not answer
    has made of it is asked, never guessed. Only a service that says that
    it has not begun is asked again.
    """

    target: PowerState
    #: The only state from which a request is sent.
    origin: PowerState
    #: The last request that may have arrived.
    sent: Request | None = None

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

    @property
    def tells_end(self) -> bool:
        return Capability.TELLS_END in self.driver.capabilities

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

    def look_when_free(self, deadline: Deadline) -> Node:
        """The node, once nobody else works on it."""
        while True:
            node = self.look()
            if settled(node) or self._only_ours(node):
                return node
            self.tell(Step.WAITING, f'for {_work(node)}')
            if not deadline.pause(self.settings.poll_interval):
                raise Ended(
                    Outcome.TIMED_OUT,
                    f'{_work(node)} has not ended within '
                    f'{deadline.seconds:g} s; try again when it has ended',
                )

    def check(self) -> None:
        """Look at the guards, and at the state that was last seen.

        :raises Ended: the node must not be switched.
        """
        reason = guards.refusal(self.member, self.target, self.settings)
        if reason:
            raise Ended(Outcome.REFUSED, reason)
        node = self.member.node
        if node.power_state is not self.origin:
            fault = f' ({node.fault})' if node.fault else ''
            raise Ended(
                Outcome.REFUSED,
                f'its power state is {node.power_state.value}{fault}, not '
                f'{self.origin.value}. Mend what keeps the bare metal '
                'service from telling it',
            )

    def may_send(self, deadline: Deadline) -> bool:
        """Whether a request is needed, asked right before each.

        :raises Ended: it is needed, and must not be sent.
        """
        if self._there(self.look_when_free(deadline)):
            return False
        self.check()
        return True

    def request(
        self,
        step: Step,
        seconds: float,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> bool:
        """Ask the service for the change, until it is not busy.

        :returns: whether that was needed: somebody else may have taken
            the node there.
        """
        deadline = self.deadline(seconds)
        while self.may_send(deadline):
            try:
                self._send(step, seconds, mode, timeout)
                return True
            except exceptions.BusyError as exc:
                self.tell(Step.WAITING, exc.message)
                if not deadline.pause(self.settings.poll_interval):
                    raise Ended(
                        Outcome.TIMED_OUT,
                        f'{exc.message}, for {seconds:g} s. The {step.value} '
                        'was not begun; try again when that has ended',
                    ) from exc
        return False

    def _send(
        self, step: Step, seconds: float, mode: OffMode, timeout: float | None
    ) -> None:
        # Known only to drivers that have a use for it.
        extra = {} if timeout is None else {'timeout': timeout}
        self.tell(step)
        # Whatever ends this without an answer leaves the request in doubt.
        before, self.sent = self.sent, Request(self.deadline(seconds))
        try:
            self.driver.set_power_state(
                self.member.node.id, self.target, mode, **extra
            )
        except (exceptions.UnavailableError, exceptions.ProtocolError) as exc:
            if not self.settings.wait:
                raise
            self.sent.doubt = exc
        except exceptions.MetalError:
            self.sent = before
            raise
        else:
            self.sent.taken = True
        self.sent.deadline = self.deadline(seconds)

    def follow(self) -> None:
        """Watch the node until it is there.

        :raises NotThere: the service has given up, or the time is over.
        :raises MetalError: the service will not tell any more.
        """
        assert self.sent is not None  # noqa: S101, the caller has sent it
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
            except exceptions.RefusedError as exc:
                # The question is refused; the change was not.
                raise Ended(Outcome.FAILED, str(exc)) from exc
            else:
                # A request in doubt may yet arrive, unless it was seen to.
                self.sent.taken |= node.target is self.target
                if self._there(node):
                    self.tell(Step.STATE, node.power_state.value)
                    return
                if self.tells_end and self.sent.taken and settled(node):
                    raise NotThere(
                        Outcome.FAILED,
                        'the bare metal service gave up: '
                        f'{node.fault or "it gives no reason"}. Its power '
                        f'state is {node.power_state.value}',
                    )
            if not self.sent.deadline.pause(self.settings.poll_interval):
                raise self._late(self.sent)

    def _late(self, sent: Request) -> NotThere:
        node = self.member.node
        detail = (
            f'not seen to be {self.target.value} within '
            f'{sent.deadline.seconds:g} s; its power state was last '
            f'{node.power_state.value}'
        )
        if node.fault:
            detail += f'; {node.fault}'
        if sent.doubt and not sent.taken:
            detail += f'. {sent.doubt.message}'
        return NotThere(Outcome.TIMED_OUT, detail)

    def _only_ours(self, node: Node) -> bool:
        """Whether the work on the node is our own, without effect yet."""
        return (
            self.sent is not None
            and node.target is self.target
            and node.power_state is self.origin
        )

    def _there(self, node: Node) -> bool:
        return settled(node) and node.power_state is self.target

    def get_service(self) -> ComputeService | None:
        """The host's nova-compute; None where it is not to be managed."""
        if not self.settings.manage_compute_service:
            return None
        if self.nova is None or self.member.host is None:
            return None
        return self.nova.get_service(self.host)


def settled(node: Node) -> bool:
    """Whether nobody works on the node's power."""
    return node.busy is None and node.target is None


def _work(node: Node) -> str:
    if node.target is None:
        return f'the work of {node.busy} on it'
    return f'its change to {node.target.value}'
