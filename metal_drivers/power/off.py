# SPDX-License-Identifier: Apache-2.0
"""Switching a node off."""

from __future__ import annotations

from collections.abc import Collection

from oslo_log import log

from metal_drivers import exceptions
from metal_drivers.fleet import Member
from metal_drivers.model import Capability, OffMode, Outcome, PowerState
from metal_drivers.power import ownership
from metal_drivers.power.clock import Deadline
from metal_drivers.power.ends import Ended, NotThere
from metal_drivers.power.events import Step
from metal_drivers.power.hold import Hold
from metal_drivers.power.transition import Transition, settled
from metal_drivers.power.work import Tools

LOG = log.getLogger(__name__)

_STEPS = {OffMode.SOFT: Step.SOFT_OFF, OffMode.HARD: Step.HARD_OFF}


class PowerOff(Transition):
    """Disable nova-compute, see that the host is empty, switch it off.

    What fails puts nova-compute back as it was, unless the node may still
    go off: servers must not land on such a host.
    """

    target = PowerState.OFF
    origin = PowerState.ON
    #: Whether no server can land any more that was being scheduled when
    #: nova-compute was disabled.
    _scheduled = False

    def __init__(self, tools: Tools, member: Member) -> None:
        super().__init__(tools, member)
        self._hold = Hold(self)

    def run(self) -> tuple[Outcome, str]:
        node = self.look_when_free(
            self.deadline(self.settings.power_off_timeout)
        )
        if node.power_state is PowerState.OFF:
            return Outcome.ALREADY, f'off{self.age}'
        self.check()
        modes = self._modes()
        if modes[0] is OffMode.SOFT and not self.tells_end:
            self._hold.kind = ownership.MarkKind.SHUTTING_DOWN
        if self.settings.dry_run:
            self._require_no_servers()
            return Outcome.PLANNED, self._plan(modes)
        try:
            # Before anything is changed, and again once it is.
            self._require_no_servers()
            outcome, detail = self._power_off(modes)
        except Exception as exc:
            raise self._give_up(exc) from exc
        except BaseException:
            left = self._undo()
            if left:
                LOG.warning('%s: %s', self.member.label, left)
            raise
        if outcome is Outcome.DONE and (left := self._hold.done()):
            detail = f'{detail}. {left}'
        return outcome, detail

    def may_send(self, deadline: Deadline) -> bool:
        while super().may_send(deadline):
            if self._hold.take(
                deadline, sent=self.sent is not None
            ) or self._await_scheduler(deadline):
                # What was seen of the node is stale by now.
                continue
            self._require_no_servers(held=True)
            if self._hold.keeps():
                return True
            if deadline.passed:
                raise Ended(
                    Outcome.TIMED_OUT,
                    f'the questions that come before took {deadline.seconds:g}'
                    ' s; nothing was sent. Try again when Nova is quicker',
                )
        return False

    def _modes(self) -> list[OffMode]:
        """What to try, in order."""
        can_soft = (
            Capability.SOFT_OFF in self.driver.capabilities
            and self.member.node.soft_off
        )
        modes = [
            mode
            for mode in self.settings.off_modes
            if can_soft or mode is OffMode.HARD
        ]
        if not modes:
            raise Ended(
                Outcome.REFUSED,
                'it cannot be asked to shut down, and power_off_mode is '
                '"soft". Allow a hard power off',
            )
        return modes

    def _plan(self, modes: list[OffMode]) -> str:
        steps = [_STEPS[mode].value for mode in modes]
        service = self.get_service()
        if service is not None and service.enabled:
            steps.insert(0, f'disable nova-compute on {self.host}')
        return 'would ' + ', then '.join(steps)

    def _require_no_servers(self, *, held: bool = False) -> None:
        """:param held: whether no others can come any more."""
        if self.member.host is None:
            return
        if self.nova is None:
            raise Ended(
                Outcome.REFUSED,
                f'whether servers are on {self.host} cannot be asked: Nova '
                'is not configured. Configure [nova]',
            )
        if held or self.settings.dry_run:
            moving = self.nova.list_moving(self.host)
            if moving:
                raise Ended(
                    Outcome.REFUSED,
                    f'on the way to or from {self.host}, or resized and not '
                    f'confirmed: {_some(moving)}. Wait for that first',
                )
        # After that: what has come meanwhile counts here.
        servers = self.nova.count_servers(self.host)
        if servers:
            raise Ended(
                Outcome.REFUSED,
                f'{servers} server{"s are" if servers > 1 else " is"} on '
                f'{self.host}. Move or delete '
                f'{"them" if servers > 1 else "it"} first',
            )

    def _await_scheduler(self, deadline: Deadline) -> bool:
        """Wait for servers that the scheduler may have sent here before
        nova-compute was disabled. Until they are placed, Nova counts them
        on no host.

        :returns: whether that took any time.
        """
        if (
            self._scheduled
            or self.nova is None
            or self.member.host is None
            or not self.settings.manage_compute_service
        ):
            return False
        unplaced = self.nova.list_unplaced()
        limit, poll = self.deadline(self.settings.scheduling_timeout), None
        while unplaced:
            if poll is None:
                poll = self.backoff()
                self.give_back_place()
                self.tell(Step.SCHEDULING, f'of {len(unplaced)} servers')
            if not self.pause(limit, poll()):
                raise Ended(
                    Outcome.REFUSED,
                    f'still being scheduled after {limit.seconds:g} s, and '
                    f'possibly to {self.host}: {_some(unplaced)}. Try again '
                    'when such servers have got a host or are deleted',
                )
            # Those that came later cannot land here.
            unplaced &= self.nova.list_unplaced()
        self._scheduled = True
        deadline.extend(limit.seconds - limit.left)
        return poll is not None

    def _power_off(self, modes: list[OffMode]) -> tuple[Outcome, str]:
        for mode in modes[:-1]:
            try:
                return self._try(mode)
            except exceptions.UnsupportedError as exc:
                self.tell_waiting(exc.message)
            except NotThere as end:
                self.tell_waiting(end.detail)
        return self._try(modes[-1])

    def _try(self, mode: OffMode) -> tuple[Outcome, str]:
        step = _STEPS[mode]
        seconds = self.settings.power_off_timeout
        limit = None
        if mode is OffMode.SOFT:
            seconds = self.settings.soft_off_timeout
            if Capability.SOFT_OFF_TIMEOUT in self.driver.capabilities:
                limit = seconds
        soft = self.sent
        if not self.request(step, seconds, mode, limit):
            return Outcome.DONE, 'off, after soft power off' if soft else 'off'
        # As it was right before the request.
        both = soft and not (
            self.tells_end and soft.taken and settled(self.member.node)
        )
        if not self.settings.wait:
            return Outcome.PLANNED, f'{step.value} was asked for'
        self.follow()
        if both:
            late = (
                ''
                if self.tells_end
                else ', and the hard one may still be on its way'
            )
            return Outcome.DONE, (
                'off, after a soft and then a hard power off: which of them '
                f'did it is not known{late}'
            )
        return Outcome.DONE, f'off, by {step.value}'

    def _give_up(self, exc: Exception) -> Ended:
        end, left = self.ended(exc), self._undo()
        outcome, detail = end.outcome, end.detail
        if outcome is Outcome.REFUSED and (left or self.sent):
            # To be refused is to have changed nothing.
            outcome = Outcome.FAILED
        if left:
            detail = f'{detail.rstrip(".")}. {left}'
        return Ended(outcome, detail)

    def _undo(self) -> str:
        """Give the host back; what could not be, for the message."""
        return self._hold.give_back(self._stays_on())

    def _stays_on(self) -> bool:
        """Whether nothing can switch the node off any more.

        A service that does not tell the end of a change, or that may not
        have got the request yet, is believed once the deadline is over;
        but an operating system may take longer than that to shut down.
        """
        sent = self.sent
        if sent and not (
            sent.deadline.passed or (self.tells_end and sent.taken)
        ):
            return False
        if sent and sent.mode is OffMode.SOFT and not self.tells_end:
            return False
        try:
            node = self.look()
        except Exception:
            # Where nothing was sent, there is nothing to be afraid of.
            return sent is None
        if sent is None:
            return node.target in (None, PowerState.ON)
        return settled(node) and node.power_state is PowerState.ON


def _some(servers: Collection[str]) -> str:
    """Their ids, or those of the first and how many more there are."""
    named, more = sorted(servers)[:3], len(servers) - 3
    return ', '.join(named) + (f' and {more} more' if more > 0 else '')
