# SPDX-License-Identifier: Apache-2.0
"""Switching a node on."""

from __future__ import annotations

from metal_drivers import exceptions
from metal_drivers.model import ComputeService, Outcome, PowerState
from metal_drivers.power import guards, ownership
from metal_drivers.power.events import Step
from metal_drivers.power.transition import Ended, Transition, ended


class PowerOn(Transition):
    """Switch the node on, wait for nova-compute, enable it if it was us
    who disabled it.

    A host that does not come back keeps our reason, so that the next run
    knows that it is ours to enable.
    """

    target = PowerState.ON
    origin = PowerState.OFF

    def run(self) -> tuple[Outcome, str]:
        seconds = self.settings.power_on_timeout
        node = self.look_when_free(self.deadline(seconds))
        service = self.get_service()
        if node.power_state is PowerState.ON:
            return Outcome.ALREADY, self._already_on(service)
        self.check()
        if self.settings.dry_run:
            return Outcome.PLANNED, self._plan(service)
        sent = self.request(Step.POWER_ON, seconds)
        if not self.settings.wait:
            rest = (
                '; run the same command again to have nova-compute enabled'
                if ownership.ours(service)
                else ''
            )
            if not sent:
                return Outcome.DONE, f'on{rest}'
            return Outcome.PLANNED, f'power on was asked for{rest}'
        if sent:
            self.follow()
        if service is None:
            return Outcome.DONE, 'on'
        return Outcome.DONE, self._bring_back(service)

    def _already_on(self, service: ComputeService | None) -> str:
        """Finish what an earlier run may have begun."""
        if service is None or not ownership.ours(service):
            return 'on'
        reason = guards.refusal(self.member, self.target, self.settings)
        if reason:
            return f'on; nova-compute stays disabled: {reason}'
        if self.settings.dry_run:
            return 'on; would enable nova-compute'
        if not self.settings.wait and not service.up:
            return 'on; nova-compute is not up yet, and stays disabled'
        return self._bring_back(None)

    def _plan(self, service: ComputeService | None) -> str:
        if ownership.ours(service):
            return f'would power on, then enable nova-compute on {self.host}'
        return 'would power on'

    def _bring_back(self, before: ComputeService | None) -> str:
        """Wait for nova-compute to be back, and enable it if it is ours.

        For a while after its host went off Nova still says that it is up.
        So it has to be seen down first, or to have reported since.

        :param before: the service before the node was switched on; None
            where it was on all the time.
        """
        seconds = self.settings.service_up_timeout
        deadline = self.deadline(seconds)
        seen_down = before is None or not before.up
        self.tell(Step.SERVICE, f'on {self.host}')
        while True:
            problem = ''
            try:
                service = self.get_service()
                if service is None:
                    return 'on'
                reported = before and service.updated_at != before.updated_at
                if service.up and (seen_down or reported):
                    return f'on; {self._enable(service)}'
                seen_down = seen_down or not service.up
            except exceptions.UnavailableError as exc:
                # Nova may answer again before the deadline.
                problem = f' ({exc.message})'
            except exceptions.MetalError as exc:
                raise Ended(
                    Outcome.FAILED, f'on, but {ended(exc).detail}'
                ) from exc
            if not deadline.pause(self.settings.poll_interval):
                raise Ended(
                    Outcome.TIMED_OUT,
                    f'on, but nova-compute on {self.host} was not seen to be '
                    f'back within {seconds:g} s{problem}. Run the same '
                    'command again once it is',
                )

    def _enable(self, service: ComputeService) -> str:
        """Enable what is up, if it is ours."""
        if service.enabled:
            return 'nova-compute is up'
        if ownership.ours(service):
            assert self.nova is not None  # noqa: S101, there is a service
            self.nova.enable(service)
            self.tell(Step.ENABLED, f'on {self.host}')
            return 'nova-compute is up and enabled'
        return (
            'nova-compute is up, and stays disabled by others: '
            f'{service.disabled_reason or "no reason was given"}'
        )
