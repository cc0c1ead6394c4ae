# SPDX-License-Identifier: Apache-2.0
"""What others do while we are at work, each between two calls of ours."""

from __future__ import annotations

from collections.abc import Callable

from metal_drivers import exceptions
from metal_drivers.model import PowerState
from metal_drivers.power import shared
from metal_drivers_tests.unit.power import interleaving, simulator

OFF, ON = simulator.OFF, simulator.ON
THEIRS = 'rack 7 is to be moved'
AWAY = exceptions.UnavailableError('away')


class Disturbances:
    """Of the scheduler, of operators, of machines and networks."""

    cloud: simulator.SimCloud
    stepper: interleaving.Stepper
    sims: list[simulator.SimNode]
    hosts: list[simulator.SimHost]
    engines: list[interleaving.SteppedEngine]
    #: Where the servers that are being scheduled will land.
    targets: dict[str, str]
    others_change: Callable[[str, str, str | None], None]

    def engine(self, owner: shared.Shared) -> interleaving.SteppedEngine:
        raise NotImplementedError

    def kill(self, arrives: bool) -> None:
        raise NotImplementedError

    def die(self, which: int) -> None:
        """Our process is killed; what it was about to ask arrives."""
        self.kill(arrives=True)

    def cancel(self, which: int) -> None:
        """One of the last three."""
        if self.engines:
            self.engines[-1 - which % len(self.engines[-3:])].cancel()

    def recover_elsewhere(self, which: int) -> None:
        """Another process clears up, while we may be at work."""
        if len(self.stepper.tasks) < 4:
            self.engine(shared.Shared()).recover(self.cloud.fleet())

    def off_elsewhere(self, which: int) -> None:
        """Another process is asked to switch it off."""
        self._switch_elsewhere(which, OFF)

    def on_elsewhere(self, which: int) -> None:
        self._switch_elsewhere(which, ON)

    def _switch_elsewhere(self, which: int, state: PowerState) -> None:
        if len(self.stepper.tasks) < 4:
            self.engine(shared.Shared()).switch(
                self.cloud.fleet(), [f'id-{which + 1}'], state
            )

    def cancel_one(self, which: int) -> None:
        self.cancel(which % 3)

    def lose_reply(self, which: int) -> None:
        self.stepper.command_fate = interleaving.Fate(AWAY, True)

    def lose_request(self, which: int) -> None:
        self.stepper.command_fate = interleaving.Fate(AWAY, False)

    def land(self, which: int) -> None:
        self.cloud.nova.land(self.hosts[which].name)

    def schedule(self, which: int) -> None:
        """The scheduler has chosen, and Nova does not show it yet."""
        if self.hosts[which].enabled:
            name = f'server-{len(self.targets)}'
            self.targets[name] = self.hosts[which].name
            self.cloud.nova.unplaced.add(name)

    def place(self, which: int) -> None:
        for name in sorted(self.cloud.nova.unplaced):
            self.cloud.nova.hosts[self.targets[name]].servers += 1
        self.cloud.nova.unplaced.clear()

    def migrate(self, which: int) -> None:
        self.cloud.nova.migrate(self.hosts[which].name)

    def arrive(self, which: int) -> None:
        self.cloud.nova.arrive(self.hosts[which].name)

    def leave(self, which: int) -> None:
        self.hosts[which].servers = 0

    def disable(self, which: int) -> None:
        host = self.hosts[which]
        # Nova cannot be asked to change only what is as it was.
        if not self.about_to(host.name, 'able'):
            self.others_change(host.name, 'disabled', THEIRS)

    def enable(self, which: int) -> None:
        """By hand; not while one of ours is at work: then servers land on
        what goes off, and nobody can help it."""
        if self.idle(which):
            self.others_change(self.hosts[which].name, 'enabled', None)

    def switch(self, which: int) -> None:
        sim, host = self.sims[which], self.hosts[which]
        if self.idle(which):
            state = OFF if sim.power is ON and not host.servers else ON
            self.cloud.driver.start(sim, state, 20)

    def maintain(self, which: int) -> None:
        self.sims[which].say(maintenance='repair')

    def repaired(self, which: int) -> None:
        self.sims[which].say(maintenance=None)

    def break_(self, which: int) -> None:
        self.sims[which].ends_in = 'the BMC said no'

    def mend(self, which: int) -> None:
        self.sims[which].ends_in = ''

    def ignore(self, which: int) -> None:
        self.sims[which].ignores_soft = not self.sims[which].ignores_soft

    def hide(self, which: int) -> None:
        self.sims[which].shown = PowerState.UNKNOWN

    def show(self, which: int) -> None:
        self.sims[which].shown = None

    def about_to(self, key: str, call: str) -> bool:
        return any(
            call in task.call[0] and key in task.call[1]
            for task in self.stepper.tasks
        )

    def idle(self, which: int) -> bool:
        """Nobody of ours is at work, or may be."""
        return not self.stepper.tasks and self.sims[which].work is None
