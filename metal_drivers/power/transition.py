# SPDX-License-Identifier: Apache-2.0
"""What switching a node on and switching it off have in common: asking,
waiting, and telling how it ended."""

from __future__ import annotations

import abc
import dataclasses

from metal_drivers import ages, exceptions
from metal_drivers.model import (
    Node,
    OffMode,
    Outcome,
    PowerState,
)
from metal_drivers.power import guards
from metal_drivers.power.clock import Deadline
from metal_drivers.power.ends import Ended, NotThere, ended
from metal_drivers.power.events import Step
from metal_drivers.power.lookout import Watch
from metal_drivers.power.shared import Shared


@dataclasses.dataclass(slots=True)
class Request:
    """A request for power that may have arrived."""

    step: Step
    deadline: Deadline
    mode: OffMode
    #: Whether the service took it, or was seen at work on it since.
    taken: bool = False
    #: Why it is not known whether it arrived.
    doubt: exceptions.MetalError | None = None


class Transition(Shared):
    """One node on its way to one state. Used once.

    A request for power is sent once: what a service that did not answer
    has made of it is asked, never guessed. Only a service that says that
    it has not begun is asked again.
    """

    #: The only state from which a request is sent.
    origin: PowerState
    #: The last request that may have arrived.
    sent: Request | None = None

    @abc.abstractmethod
    def run(self) -> tuple[Outcome, str]:
        """Take the node there.

        :raises Ended: it did not get there; nothing is half done but
            what the detail says.
        :raises MetalError: the same, by an error of a service.
        """

    def standing(self) -> str:
        state = self.member.node.power_state.value
        if self.sent is None:
            return (
                'cancelled before anything was asked of it; its power state '
                f'was last {state}'
            )
        return (
            f'cancelled after power {self.target.value} was asked for; its '
            f'power state was last {state}'
        )

    def ended(self, exc: Exception) -> Ended:
        """The end that an exception makes of it; tells of a request that
        was sent, whose end is not seen now."""
        end, sent = ended(exc), self.sent
        if sent is None or isinstance(exc, Ended):
            return end
        return Ended(
            # To be refused is to have changed nothing.
            Outcome.FAILED if end.outcome is Outcome.REFUSED else end.outcome,
            f'{sent.step.value} {"was" if sent.taken else "may have been"} '
            'sent, and what became of it is not known; its power state was '
            f'last {self.member.node.power_state.value}: {end.detail}',
        )

    def close(self) -> None:
        """Give back what is not needed any more."""
        self.give_back_place()
        if self.sent and settled(self.member.node):
            self.process.seen(
                self.member.node.id,
                self.member.node.power_state,
                self.clock.monotonic(),
            )

    def look(self) -> Node:
        """The node as it is now."""
        node = self.driver.get_node(self.node_id)
        self.member = dataclasses.replace(self.member, node=node)
        return node

    def look_when_free(self, deadline: Deadline, paced: bool = False) -> Node:
        """The node, once nobody else works on it.

        :param paced: with a place in the pace, taken before the look, so
            that no look is stale for waiting; given back while it is busy.
        """
        poll = self.backoff()
        while True:
            # The place of a request that is known to have arrived is that
            # of the node; one that may be lost has taken it along.
            if paced and not (self.sent and self.sent.taken):
                self.take_place(deadline)
            node = self.look()
            if settled(node) or self._only_ours(node):
                return node
            self.give_back_place()
            self.tell_waiting(f'for {_work(node)}')
            if not self.pause(deadline, poll()):
                raise Ended(
                    Outcome.TIMED_OUT,
                    f'{_work(node)} has not ended within '
                    f'{deadline.seconds:g} s; try again when it has ended',
                )

    def check(self) -> None:
        """Look at the guards, and at the state that was last seen.

        :raises Ended: the node must not be switched.
        """
        wish = guards.Wish(self.member, self.target, self.settings)
        if self.sent is None:
            wish = dataclasses.replace(
                wish,
                dwelt=self.dwelt(),
                take_room=lambda: self.census.take_room(self.member.node.id),
            )
        node = self.member.node
        # Of a node that cannot be switched nothing is to be taken.
        if node.power_state is not self.origin:
            wish = dataclasses.replace(wish, take_room=lambda: None)
        reason = guards.refusal(wish)
        if reason:
            raise Ended(Outcome.REFUSED, reason)
        if node.power_state is not self.origin:
            fault = f' ({node.fault})' if node.fault else ''
            raise Ended(
                Outcome.REFUSED,
                f'its power state is {node.power_state.value}{fault}, not '
                f'{self.origin.value}. Mend what keeps the bare metal '
                'service from telling it',
            )

    @property
    def age(self) -> str:
        """How old the state of the node is, unless it was asked live."""
        seen = ages.as_seen(
            self.member.node, self.driver.capabilities, self.clock.now()
        )
        return f', {seen}' if seen else ''

    def dwelt(self) -> float | None:
        """Seconds since the node was switched, as far as is known."""
        when = self.process.last_sent(self.member.node.id)
        return None if when is None else self.clock.monotonic() - when

    def may_send(self, deadline: Deadline) -> bool:
        """Whether a request is needed, asked right before each.

        :raises Ended: it is needed, and must not be sent.
        """
        if self._there(self.look_when_free(deadline, paced=True)):
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
        poll = self.backoff()
        while self.may_send(deadline):
            try:
                self._send(step, seconds, mode, timeout)
                return True
            except exceptions.BusyError as exc:
                self.give_back_place()
                self.tell_waiting(exc.message)
                if not self.pause(deadline, poll()):
                    raise Ended(
                        Outcome.TIMED_OUT,
                        f'{exc.message}, for {seconds:g} s. The {step.value} '
                        'was not begun; try again when that has ended',
                    ) from exc
        return False

    def follow(self) -> None:
        """Watch the node until it is there.

        :raises NotThere: the service has given up, or the time is over.
        :raises MetalError: the service will not tell any more.
        """
        assert self.sent is not None  # noqa: S101, the caller has sent it
        lookout = self.process.nodes(self.driver)
        watch = Watch(lookout, self.member.node.id, self.clock, self.backoff())
        with lookout.waiting(self.alarm):
            while True:
                self.alarm.clear()
                try:
                    node = watch.look()
                    if node and self._arrived(node, self.sent):
                        return
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
                    self._saw(node)
                if not self.pause(self.sent.deadline, watch.left):
                    raise self._late(self.sent)

    def _send(
        self, step: Step, seconds: float, mode: OffMode, timeout: float | None
    ) -> None:
        # Known only to drivers that have a use for it.
        extra = {} if timeout is None else {'timeout': timeout}
        self.tell(step)
        # Whatever ends this without an answer leaves the request in doubt.
        before = self.sent
        self.sent = Request(step, self.deadline(seconds), mode)
        try:
            self.driver.set_power_state(
                self.node_id, self.target, mode, **extra
            )
        except exceptions.DriverError:
            # A driver that is broken is not asked for more.
            self._started()
            raise
        except (exceptions.UnavailableError, exceptions.ProtocolError) as exc:
            self._started()
            if not self.settings.wait:
                raise
            self.sent.doubt = exc
        except exceptions.MetalError:
            self.sent = before
            raise
        except BaseException:
            self._started()
            raise
        else:
            self._started()
            self.sent.taken = True
        self.sent.deadline = self.deadline(seconds)

    def _started(self) -> None:
        """The request may have arrived, at any time until now."""
        now = self.clock.monotonic()
        self.process.sent(self.member.node.id, self.target, now)
        self.start_place(now)

    def _saw(self, node: Node) -> None:
        """Take it for what the node is now, and tell what has changed."""
        before = self.member.node.power_state
        self.member = dataclasses.replace(self.member, node=node)
        if node.power_state is not before:
            self.tell(Step.STATE, node.power_state.value)

    def _arrived(self, node: Node, sent: Request) -> bool:
        """:raises NotThere: it will not."""
        self._saw(node)
        # A request in doubt may yet arrive, unless it was seen to.
        sent.taken |= node.target is self.target
        if self._there(node):
            return True
        if self.tells_end and sent.taken and settled(node):
            raise NotThere(
                Outcome.FAILED,
                'the bare metal service gave up: '
                f'{node.fault or "it gives no reason"}. Its power '
                f'state is {node.power_state.value}',
            )
        return False

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


def settled(node: Node) -> bool:
    """Whether nobody works on the node's power."""
    return node.busy is None and node.target is None


def _work(node: Node) -> str:
    if node.target is None:
        return f'the work of {node.busy} on it'
    return f'its change to {node.target.value}'
