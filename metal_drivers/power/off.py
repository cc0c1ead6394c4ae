# SPDX-License-Identifier: Apache-2.0
"""Switching a node off."""

from __future__ import annotations

from oslo_log import log

from metal_drivers import exceptions
from metal_drivers.model import (
    Capability,
    OffMode,
    Outcome,
    PowerState,
)
from metal_drivers.power import ownership
from metal_drivers.power.events import Step
from metal_drivers.power.transition import (
    Ended,
    NotBegun,
    Transition,
    ended,
    settled,
)

LOG = log.getLogger(__name__)

_STEPS = {OffMode.SOFT: Step.SOFT_OFF, OffMode.HARD: Step.HARD_OFF}


class PowerOff(Transition):
    """Disable nova-compute, see that the host is empty, switch it off.

    What fails puts nova-compute back as it was, unless the node may still
    go off: servers must not land on such a host.
    """

    target = PowerState.OFF
    #: Whether a request of ours may still switch the node off.
    _pending = False

    def run(self) -> tuple[Outcome, str]:
        node = self.look_when_settled(self.settings.power_off_timeout)
        if node.power_state is PowerState.OFF:
            return Outcome.ALREADY, 'off'
        self.guard()
        self.require(PowerState.ON)
        modes = self._modes()
        self._require_no_servers()
        if self.settings.dry_run:
            return Outcome.PLANNED, self._plan(modes)
        try:
            self._disable()
            self._require_no_servers()
            return self._power_off(modes)
        except BaseException as exc:
            left = self._undo(exc)
            if left and isinstance(exc, Ended | exceptions.MetalError):
                end = ended(exc)
                raise Ended(end.outcome, f'{end.detail}. {left}') from exc
            raise

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
        if self.get_service() is not None:
            steps.insert(0, f'disable nova-compute on {self.host}')
        return 'would ' + ', then '.join(steps)

    def _require_no_servers(self) -> None:
        if self.nova is None or self.member.host is None:
            return
        servers = self.nova.count_servers(self.host)
        if servers:
            raise Ended(
                Outcome.REFUSED,
                f'{servers} server{"s are" if servers > 1 else " is"} on '
                f'{self.host}. Move or delete '
                f'{"them" if servers > 1 else "it"} first',
            )

    def _disable(self) -> None:
        """Keep servers off the host, and mark that it was us."""
        service = self.get_service()
        if service is None or not service.enabled:
            return
        assert self.nova is not None  # noqa: S101, there is a service
        reason = ownership.reason(self.member.node.id, self.clock.now())
        self.nova.disable(service, reason)
        self.tell(Step.DISABLED, f'on {self.host}')

    def _power_off(self, modes: list[OffMode]) -> tuple[Outcome, str]:
        for mode in modes[:-1]:
            try:
                return self._try(mode)
            except exceptions.UnsupportedError as exc:
                self.tell(Step.WAITING, exc.message)
            except NotBegun:
                # Busy for this request is busy for the next one, too.
                raise
            except Ended as end:
                self.tell(Step.WAITING, end.detail)
        return self._try(modes[-1])

    def _try(self, mode: OffMode) -> tuple[Outcome, str]:
        soft = mode is OffMode.SOFT
        seconds = (
            self.settings.soft_off_timeout
            if soft
            else self.settings.power_off_timeout
        )
        limited = Capability.SOFT_OFF_TIMEOUT in self.driver.capabilities
        deadline = self.deadline(seconds)
        before, self._pending = self._pending, True
        self.tell(_STEPS[mode])
        try:
            doubt = self.request(
                deadline, mode, seconds if soft and limited else None
            )
        except (Ended, exceptions.MetalError):
            self._pending = before
            raise
        if not self.settings.wait:
            return Outcome.PLANNED, f'{_STEPS[mode].value} was asked for'
        if self.follow(deadline):
            return Outcome.DONE, f'off, by {_STEPS[mode].value}'
        raise self.end_without(deadline, doubt)

    def _undo(self, exc: BaseException) -> str:
        """Give the host back; what could not be, for the message."""
        try:
            if self._pending and not self._stays_on(exc):
                return (
                    f'nova-compute on {self.host} stays disabled, since the '
                    'node may still go off; run the same command again'
                    if self.host
                    else ''
                )
            if self.enable_if_ours():
                self.tell(Step.GIVEN_BACK, f'nova-compute on {self.host}')
        except exceptions.MetalError as failure:
            LOG.warning('%s: %s', self.member.label, failure)
            return (
                f'nova-compute on {self.host} may be left disabled: '
                f'{failure.message}; `metal-drivers node power on '
                f'{self.host}` enables it again'
            )
        return ''

    def _stays_on(self, exc: BaseException) -> bool:
        """Whether the requests that were sent are known to be over.

        A service that does not tell the end of a change is believed only
        once the deadline is over.
        """
        if not (
            isinstance(exc, Ended)
            or Capability.TELLS_END in self.driver.capabilities
        ):
            return False
        try:
            node = self.look()
        except exceptions.MetalError:
            return False
        return settled(node) and node.power_state is PowerState.ON
