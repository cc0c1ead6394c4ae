# SPDX-License-Identifier: Apache-2.0
"""Switching a node on."""

from __future__ import annotations

from metal_drivers import exceptions
from metal_drivers.model import ComputeService, Outcome, PowerState
from metal_drivers.power import guards, ownership
from metal_drivers.power.events import Step
from metal_drivers.power.transition import Ended, Transition


class PowerOn(Transition):
    """Switch the node on, wait for nova-compute, enable it if it was us
    who disabled it.

    A host that does not come back keeps our reason, so that the next run
    knows that it is ours to enable.
    """

    target = PowerState.ON

    def run(self) -> tuple[Outcome, str]:
        node = self.look_when_settled(self.settings.power_on_timeout)
        service = self.get_service()
        if node.power_state is PowerState.ON:
            return Outcome.ALREADY, self._already_on(service)
        self.guard()
        self.require(PowerState.OFF)
        if self.settings.dry_run:
            return Outcome.PLANNED, self._plan(service)
        self._power_on()
        if not self.settings.wait:
            return Outcome.PLANNED, 'power on was asked for' + (
                '; run the same command again to have nova-compute enabled'
                if _ours(service)
                else ''
            )
        if service is None:
            return Outcome.DONE, 'on'
        self._wait_for_service(service)
        return Outcome.DONE, f'on; {self._finish()}'

    def _already_on(self, service: ComputeService | None) -> str:
        """Finish what an earlier run may have begun."""
        if not _ours(service):
            return 'on'
        reason = guards.refusal(self.member, self.target, self.settings)
        if reason:
            return f'on; nova-compute stays disabled: {reason}'
        if self.settings.dry_run:
            return 'on; would enable nova-compute'
        self._wait_for_service(None)
        return f'on; {self._finish()}'

    def _plan(self, service: ComputeService | None) -> str:
        if _ours(service):
            return f'would power on, then enable nova-compute on {self.host}'
        return 'would power on'

    def _power_on(self) -> None:
        deadline = self.deadline(self.settings.power_on_timeout)
        self.tell(Step.POWER_ON)
        doubt = self.request(deadline)
        if self.settings.wait and not self.follow(deadline):
            raise self.end_without(deadline, doubt)

    def _wait_for_service(self, before: ComputeService | None) -> None:
        """Until nova-compute is back.

        For a while after its host went off Nova still says that it is up.
        So it has to be seen down first, or to have reported since.

        :param before: the service before the node was switched on; None
            where it was on all the time.
        """
        seconds = self.settings.service_up_timeout
        deadline = self.deadline(seconds)
        seen_down = before is None
        self.tell(Step.SERVICE, f'on {self.host}')
        while True:
            problem = ''
            try:
                service = self.get_service()
            except exceptions.UnavailableError as exc:
                # Nova may answer again before the deadline.
                problem = f' ({exc.message})'
            else:
                if service is None:
                    return
                reported = before and service.updated_at != before.updated_at
                if service.up and (seen_down or reported):
                    return
                seen_down = seen_down or not service.up
            if not deadline.pause(self.settings.poll_interval):
                raise Ended(
                    Outcome.TIMED_OUT,
                    f'on, but nova-compute on {self.host} was not seen to be '
                    f'back within {seconds:g} s{problem}. Run the same '
                    'command again once it is',
                )

    def _finish(self) -> str:
        if self.enable_if_ours():
            self.tell(Step.ENABLED, f'on {self.host}')
            return 'nova-compute is up and enabled'
        service = self.get_service()
        if service is None or service.enabled:
            return 'nova-compute is up'
        return (
            'nova-compute is up, and stays disabled by others: '
            f'{service.disabled_reason or "no reason was given"}'
        )


def _ours(service: ComputeService | None) -> bool:
    return service is not None and ownership.disabled_by_us(service)
