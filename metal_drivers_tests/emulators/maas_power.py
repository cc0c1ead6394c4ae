# SPDX-License-Identifier: Apache-2.0
"""Power in MAAS: what is asked of a BMC, and what is made of its answer.

3.4 hands an action to the rack and answers at once, whatever comes of it;
3.7 answers when the rack's agent is done with it.
"""

import dataclasses

from metal_drivers_tests.emulators import (
    maas_api,
    maas_clock,
    maas_fleet,
    maas_state,
    maas_views,
    messages,
)

Effect = maas_state.Effect
Machine = maas_state.Machine

_UNREACHABLE = (
    "Failed to query node's BMC - Could not contact node's BMC: Connection "
    'timed out while performing power action.'
)


@dataclasses.dataclass(frozen=True)
class Asked:
    """A power action as it was asked for."""

    op: str
    user: maas_state.User
    comment: str | None = None
    stop_mode: str | None = None

    @property
    def target(self) -> str:
        return self.op.removeprefix('power_')


class Power:
    """Answers to the three calls that reach for a BMC."""

    def __init__(
        self,
        region: maas_state.Region,
        fleet: maas_fleet.Fleet,
        clock: maas_clock.Clock,
    ) -> None:
        self._region = region
        self._fleet = fleet
        self._clock = clock
        self._view = maas_views.View(region.series)
        # Since 3.5 Temporal runs the actions, and the API waits for it.
        self._waits = region.series != '3.4'

    def query(self, machine: Machine) -> messages.Reply:
        """:raises Refusal: nothing was learnt about the machine"""
        if machine.power_type == 'manual':
            return maas_api.answer({'state': 'unknown'})
        self._reach(machine)
        region = self._region
        if region.rack is maas_state.Rack.LOST:
            raise messages.Refusal(
                maas_api.rack_lost(region.series, machine.system_id)
            )
        start = self._clock.now()

        def seconds() -> float:
            return machine.bmc_seconds * (1 + machine.conflicts)

        self._clock.wait(lambda: start + min(seconds(), region.query_timeout))
        if seconds() > region.query_timeout:
            raise messages.Refusal(maas_api.timed_out())
        with self._fleet.lock:
            machine.settle(self._clock.now())
            failing = machine.failing_queries > 0
            machine.failing_queries -= failing
            if not (failing or machine.unreachable):
                machine.heard(machine.power)
            elif self._waits:
                raise messages.Refusal(maas_api.bmc_failed())
            else:
                machine.cached = 'error'
                machine.status_message = _UNREACHABLE
            return maas_api.answer({'state': machine.cached})

    def change(self, machine: Machine, asked: Asked) -> messages.Reply:
        """:raises Refusal: nothing was done, or it is not sure"""
        for _ in range(machine.conflicts):
            self._change(machine, asked)
        return self._change(machine, asked)

    def _change(self, machine: Machine, asked: Asked) -> messages.Reply:
        with self._fleet.lock:
            machine.settle(self._clock.now())
            before = machine.change
            try:
                reply, effect = self._start(machine, asked)
            except messages.Refusal as refusal:
                failed = refusal.reply.status == 500
                self._record(
                    machine, asked, Effect.FAILED if failed else Effect.REFUSED
                )
                raise
            self._record(machine, asked, effect)
            change = machine.change
            # What takes no time has happened, for who looks at the machine.
            machine.settle(self._clock.now())
        if self._waits and change is not None and change is not before:
            self._wait(machine, change)
        return reply

    def settle(self) -> None:
        """Let happen what is due."""
        with self._fleet.lock:
            now = self._clock.now()
            for machine in self._fleet.machines.values():
                machine.settle(now)

    def release(self, machine: Machine) -> None:
        with self._fleet.lock:
            machine.held = False
            if machine.change is not None:
                machine.change = dataclasses.replace(
                    machine.change, done_at=self._clock.now()
                )
                machine.settle(self._clock.now())
        self._clock.wake()

    def _start(
        self, machine: Machine, asked: Asked
    ) -> tuple[messages.Reply, Effect]:
        if machine.locked or not asked.user.sees(machine):
            raise messages.Refusal(maas_api.FORBIDDEN)
        deploys = None
        if asked.target == 'on':
            deploys = self._deploys(machine)
        elif machine.power_type == 'manual':
            return maas_api.NULL, Effect.MANUAL
        manual = machine.power_type == 'manual'
        if not manual:
            self._reach(machine)
        if deploys is not None:
            machine.status = maas_state.Status.DEPLOYING
        reply = messages.Reply(200, self._view.machine(machine), maas_api.JSON)
        if manual:
            return reply, deploys or Effect.MANUAL
        if self._region.rack is maas_state.Rack.LOST:
            return reply, Effect.FAILED
        running = machine.in_progress(self._clock.now())
        if running is not None and not self._waits:
            if running != asked.target:
                raise messages.Refusal(
                    maas_api.busy(asked.target, machine.hostname)
                )
            return reply, Effect.JOINED
        if machine.unreachable:
            if self._waits:
                raise messages.Refusal(maas_api.bmc_failed())
            return reply, Effect.FAILED
        effect = self._command(machine, asked)
        return reply, deploys or effect

    def _deploys(self, machine: Machine) -> Effect | None:
        if machine.owner is None:
            raise messages.Refusal(maas_api.not_allocated())
        if machine.status is maas_state.Status.ALLOCATED:
            if not self._region.images:
                raise messages.Refusal(maas_api.no_image(self._region.series))
            return Effect.DEPLOY
        if machine.ephemeral_deploy and (
            machine.status is maas_state.Status.DEPLOYED
        ):
            return Effect.REDEPLOY
        return None

    def _command(self, machine: Machine, asked: Asked) -> Effect:
        running = machine.in_progress(self._clock.now())
        soft = asked.stop_mode == 'soft' and machine.power_type == 'ipmi'
        if asked.target == 'on':
            on = 'on' in (machine.power, running)
            effect = Effect.CYCLE if on else Effect.ON
            seconds = machine.on_seconds
            if on and seconds:
                machine.power = 'off'
        else:
            effect = Effect.SOFT_OFF if soft else Effect.OFF
            seconds = machine.off_seconds
            if soft:
                seconds = max(seconds, machine.soft_off_seconds)
        acts_at = self._clock.now() + machine.bmc_seconds
        machine.change = maas_state.Change(
            asked.target,
            acts_at,
            maas_state.NEVER if machine.held else acts_at + seconds,
            acts_at + self._region.confirm,
        )
        return effect

    def _wait(self, machine: Machine, change: maas_state.Change) -> None:
        def until() -> float:
            if not machine.confirmed:
                return change.acts_at
            # None once it has happened; another one if it was released.
            current = machine.change
            done_at = current.done_at if current is not None else 0.0
            return min(done_at, change.gives_up_at)

        self._clock.wait(until)
        with self._fleet.lock:
            machine.settle(self._clock.now())
        if machine.confirmed and machine.power != change.target:
            raise messages.Refusal(maas_api.bmc_failed())

    def _reach(self, machine: Machine) -> None:
        if self._region.rack is maas_state.Rack.NONE:
            raise messages.Refusal(maas_api.no_rack(self._region.rack_id))
        if self._region.rack is maas_state.Rack.NO_ACCESS:
            raise messages.Refusal(maas_api.no_access(machine.hostname))
        if machine.driver_missing:
            raise messages.Refusal(maas_api.driver_missing())

    def _record(self, machine: Machine, asked: Asked, effect: Effect) -> None:
        action = maas_state.PowerAction(
            machine.system_id,
            asked.op,
            asked.user.name,
            effect,
            asked.comment,
            asked.stop_mode,
            self._clock.now(),
        )
        self._fleet.record(machine, action)
