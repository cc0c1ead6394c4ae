# SPDX-License-Identifier: Apache-2.0
"""A cloud in which everything happens at once, and what must never."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import logging
import random
from typing import Any

from hypothesis import stateful
from hypothesis import strategies as st

from metal_drivers import exceptions
from metal_drivers.compute import markers
from metal_drivers.model import Capability, PowerState
from metal_drivers.power import PowerSettings, shared
from metal_drivers_tests.unit.power import (
    disturbances,
    interleaving,
    simulator,
)

OFF, ON = simulator.OFF, simulator.ON
LONG_AGO = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)

#: What befalls calls.
FATES = (
    *(
        interleaving.Fate(error, arrives)
        for error in (
            disturbances.AWAY,
            exceptions.ProtocolError('a page of HTML'),
            TypeError('a driver of others'),
        )
        for arrives in (False, True)
    ),
    interleaving.Fate(exceptions.BusyError('locked')),
    interleaving.Fate(exceptions.RefusedError('never')),
    interleaving.Fate(exceptions.UnsupportedError('not this one')),
)

#: n5 is protected by its name, n6 by a label; n7 matches no host.
COUNT = 7
FORBIDDEN = frozenset({'id-5', 'id-6', 'id-7'})
SETTINGS = PowerSettings(
    soft_off_timeout=30,
    power_off_timeout=60,
    power_on_timeout=60,
    service_up_timeout=90,
    poll_interval=15,
    scheduling_timeout=20,
    max_concurrent=3,
    protected_hosts=('n5',),
    protected_labels=('KEEP*',),
)
#: More steps than any run may take to its end.
ENDLESS = 5000

#: Most of what happens, happens to a few, so that it meets.
which = st.sampled_from([0] * 6 + [1] * 4 + [2, 2, 3, 4, 5, 6])
#: The node that the call is about.
HERE = -1

#: What befalls one of those at work, or what others do right before its
#: call; mostly nothing.
HAPPENINGS: tuple[interleaving.Fate | str, ...] = (
    *[interleaving.FINE] * 4 * len(FATES),
    *FATES,
    *(
        2
        * (
            'land',
            'schedule',
            'place',
            'migrate',
            'arrive',
            'leave',
            'disable',
            'enable',
            'switch',
            'maintain',
            'repaired',
            'break_',
            'mend',
            'ignore',
            'hide',
            'show',
            'lose_reply',
            'lose_request',
            'cancel_one',
            'die',
            'recover_elsewhere',
            'off_elsewhere',
            'on_elsewhere',
        )
    ),
)
VICTIMS = (*[HERE] * 34, *[0] * 6, *[1] * 4, 2, 2, 3, 4, 5, 6)

#: Turns are many, and drawing each would take most of the time: what is
#: drawn is how many, and a seed for the rest.
turns = st.tuples(st.integers(5, 60), st.integers(0, 2**32))


class Machine(disturbances.Disturbances, stateful.RuleBasedStateMachine):
    """Runs of ours, and everybody else."""

    #: All that goes wrong, where that is to be less than everything.
    focus: tuple[str, ...] | None = None
    #: How many a minute. Where places are rare, one that is lost is missed
    #: soon; unless the process is killed before.
    rate = 2
    mortal = True

    @stateful.initialize(
        tells=st.booleans(), late=st.booleans(), slow=st.booleans()
    )
    def begin(self, tells: bool, late: bool, slow: bool) -> None:
        logging.disable(logging.CRITICAL)
        self.stepper = interleaving.Stepper()
        capabilities = {Capability.SOFT_OFF}
        if tells:
            capabilities |= {Capability.TELLS_END, Capability.LIVE_LIST}
        self.cloud = simulator.SimCloud(
            COUNT,
            capabilities=capabilities,
            calls=self.stepper,
            clock_type=interleaving.SteppedClock,
        )
        self.sims = list(self.cloud.driver.nodes.values())
        self.hosts = list(self.cloud.nova.hosts.values())
        self.sims[5].say(labels=frozenset({'keep-on'}))
        self.sims[6].say(host_names=('elsewhere',))
        for sim in self.sims:
            sim.delay = 10 if late else 1
            # Longer than a soft power off is waited for.
            sim.shutdown = 55 if slow else None
        # Switched off by us, long ago.
        for number in (1, 3):
            self.sims[number].power = OFF
            self.hosts[number].status = 'disabled'
            self.hosts[number].reason = markers.reason(
                f'id-{number + 1}', LONG_AGO
            )
        self.shared = shared.Shared()
        self.sent: dict[PowerState, dict[interleaving.Task, str]] = {
            ON: {},
            OFF: {},
        }
        self.starts: dict[PowerState, list[float]] = {ON: [], OFF: []}
        self.engines = []
        self.targets = {}
        self.recovering = False
        arrived = self.cloud.driver.arrived
        change = self.cloud.nova.change

        def watch_request(sent: simulator.Sent) -> None:
            arrived(sent)
            self.arrived(sent)

        def watch_change(name: str, status: str, reason: str | None) -> None:
            self.changing(self.cloud.nova.hosts[name], status)
            change(name, status, reason)

        self.cloud.driver.arrived = watch_request
        self.others_change = change
        self.cloud.nova.change = watch_change  # type: ignore[method-assign]

    # What is watched.

    def arrived(self, sent: simulator.Sent) -> None:
        if sent.node_id in FORBIDDEN:
            self.cloud.harm.append(f'a request for {sent.node_id}')
        task = self.stepper.current
        if task is None or task.owner is not self.shared:
            return
        first = self.sent[sent.state]
        if first.get(task) == sent.node_id:  # soft, then hard
            return
        first[task] = sent.node_id
        times = self.starts[sent.state]
        times.append(sent.at)
        if sum(sent.at - time < 60 - 1e-6 for time in times) > self.rate:
            self.cloud.harm.append(f'too many {sent.state.value} a minute')

    def changing(self, host: simulator.SimHost, status: str) -> None:
        """A change of ours."""
        if not host.enabled and not markers.parse(host.reason):
            self.cloud.harm.append('changed a service that others disabled')
        if self.recovering and status == 'disabled':
            self.cloud.harm.append('a recovery disabled a service')

    # Runs of ours.

    def engine(self, owner: shared.Shared) -> interleaving.SteppedEngine:
        engine = interleaving.SteppedEngine(
            self.cloud.driver,
            self.cloud.nova,
            dataclasses.replace(
                SETTINGS,
                max_power_on_per_minute=self.rate,
                max_power_off_per_minute=self.rate,
            ),
            clock=self.cloud.clock,
            shared=owner,
            chance=lambda: 0.5,
        )
        engine.stepper, engine.results = self.stepper, []
        self.engines.append(engine)
        return engine

    @stateful.rule(
        refs=st.lists(which, min_size=1, max_size=5),
        state=st.sampled_from([ON, OFF]),
    )
    def batch(self, refs: list[int], state: PowerState) -> None:
        if len(self.stepper.tasks) < 6:
            if self.focus:
                refs = [ref % 2 for ref in refs]
            names = [f'id-{ref + 1}' for ref in refs]
            self.engine(self.shared).switch(self.cloud.fleet(), names, state)

    @stateful.rule(
        refs=st.lists(which, min_size=1, max_size=5),
        state=st.sampled_from([ON, OFF]),
        drawn=turns,
    )
    def batch_and_run(
        self, refs: list[int], state: PowerState, drawn: tuple[int, int]
    ) -> None:
        self.batch(refs, state)
        self.run_some(drawn)

    @stateful.rule(drawn=turns)
    def run_more(self, drawn: tuple[int, int]) -> None:
        self.run_some(drawn)

    @stateful.rule(arrives=st.booleans())
    def kill(self, arrives: bool) -> None:
        if not self.mortal:
            return
        self.stepper.kill(self.shared, arrives)
        self.shared = shared.Shared()
        for times in self.starts.values():
            times.clear()

    @stateful.rule(drawn=turns)
    def run_some(self, drawn: tuple[int, int]) -> None:
        """A few calls of one, then of another, and what happens there."""
        length, seed = drawn
        chance = random.Random(seed)  # noqa: S311, no secret
        for _ in range(length):
            task, victim = chance.randrange(6), chance.choice(VICTIMS)
            happening = chance.choice(HAPPENINGS)
            for _ in range(chance.randrange(8)):
                self.step(task)
            if self.focus is not None:
                happening = self.focused(happening)
            if isinstance(happening, str):
                if victim == HERE:
                    victim = self.concerned(task)
                getattr(self, happening)(victim)
                happening = interleaving.FINE
            self.step(task, happening)

    def focused(self, happening: Any) -> Any:
        if not isinstance(happening, str) or not self.focus:
            return interleaving.FINE
        return self.focus[HAPPENINGS.index(happening) % len(self.focus)]

    def concerned(self, task: int) -> int:
        """The node that the next call of that task is about."""
        ready = self.stepper.ready(self.cloud.clock.time)
        args = ready[task % len(ready)].call[1] if ready else ()
        return int(args[0].strip('id-h')) - 1 if args else 0

    @stateful.rule(seconds=st.sampled_from([5, 40, 130]))
    def pass_time(self, seconds: float) -> None:
        self.cloud.clock.advance(seconds)

    def step(
        self, which: int, fate: interleaving.Fate = interleaving.FINE
    ) -> bool:
        ready = self.stepper.ready(self.cloud.clock.time)
        if ready:
            self.stepper.step(ready[which % len(ready)], fate)
            return True
        wakes = [task.wake for task in self.stepper.tasks if task.wake]
        if wakes:
            assert isinstance(self.cloud.clock, interleaving.SteppedClock)
            self.cloud.clock.until(min(wakes))
        return bool(wakes)

    # What must hold.

    @stateful.invariant()
    def no_harm(self) -> None:
        if hasattr(self, 'cloud'):
            harm = self.cloud.harm + self.stepper.harm
            assert not harm, harm

    def teardown(self) -> None:
        try:
            if hasattr(self, 'cloud'):
                self.finish()
        finally:
            for task in list(self.stepper.tasks):
                task.dead = True
                self.stepper.step(task)
            logging.disable(logging.NOTSET)

    def finish(self) -> None:
        """All come to their end; then one recovery, with nothing in its
        way."""
        self.no_harm()
        self.place(0)
        for sim in self.sims:
            sim.say(maintenance=None)
            sim.shown, sim.ends_in = None, ''
        for count in range(ENDLESS):
            if not self.step(count):
                break
        stuck = [task.call for task in self.stepper.tasks]
        assert not stuck, f'does not come to an end: {stuck}'
        # An ignored soft power off keeps a node busy for this long.
        self.cloud.clock.advance(self.sims[0].soft_limit)
        self.no_harm()
        self.recovering = True
        self.engine(shared.Shared()).recover(self.cloud.fleet())
        for count in range(ENDLESS):
            if not self.step(count):
                break
        self.cloud.clock.advance(1000)
        self.no_harm()
        left = collections.Counter(
            host.name
            for host in self.hosts
            if host.machine.power is ON and markers.parse(host.reason)
        )
        assert not left, f'left disabled: {left}'
