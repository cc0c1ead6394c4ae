# SPDX-License-Identifier: Apache-2.0
"""The transitions that were asked for: many at once, a result for each,
and no failure of one that stops another."""

from __future__ import annotations

import concurrent.futures
import contextlib
import random
from collections.abc import Callable, Iterable, Iterator, Sequence

from metal_drivers import base, boundary, compute, exceptions
from metal_drivers.fleet import Fleet, Member
from metal_drivers.model import Outcome, PowerResult, PowerState
from metal_drivers.power import events, off, on, recovery, transition
from metal_drivers.power.cancelling import Cancel
from metal_drivers.power.census import Census
from metal_drivers.power.clock import Clock
from metal_drivers.power.events import Step
from metal_drivers.power.process import PROCESS, Process
from metal_drivers.power.settings import PowerSettings
from metal_drivers.power.work import Tools

_KINDS: dict[PowerState, type[transition.Transition]] = {
    PowerState.OFF: off.PowerOff,
    PowerState.ON: on.PowerOn,
}

_LAST = {Outcome.REFUSED: Step.REFUSED}


class PowerEngine:
    """Switches nodes of one bare metal service.

    An engine costs nothing: have one for what is cancelled as a whole.
    What has to be kept over all of them is kept by ``process``.

    :param nova: None where Nova is not configured.
    :param watch: told of each step, in the thread that takes it.
    :param backend: what events call the driver; by default its name.
    :param chance: numbers from 0 to 1, for the jitter.
    """

    def __init__(
        self,
        driver: base.MetalDriver,
        nova: compute.Compute | None,
        settings: PowerSettings,
        *,
        clock: Clock | None = None,
        watch: events.Watcher = lambda event: None,
        backend: str = '',
        process: Process | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.driver = boundary.guard(driver)
        self.nova, self.settings = nova, settings
        self.clock = clock or Clock()
        self.process = process or PROCESS
        self._watch, self._chance = watch, chance
        self._backend = backend or self.driver.name
        self._cancel = Cancel()

    def switch(
        self, fleet: Fleet, refs: Iterable[str], state: PowerState
    ) -> list[PowerResult]:
        """Switch every node that is named; the results in that order.

        A node that is named twice is switched once.

        :param refs: ids, node names or host names.
        """
        census = self._census(fleet)
        return self._named(
            fleet, refs, lambda member: self._switch(member, state, census)
        )

    def switch_one(
        self, member: Member, state: PowerState, fleet: Fleet | None = None
    ) -> PowerResult:
        """Take one node to ``ON`` or ``OFF``; an error is a result.

        :param fleet: what ``max_powered_off`` counts in; by default it is
            listed when it has to be counted.
        """
        return self._switch(member, state, self._census(fleet))

    def recover(
        self, fleet: Fleet, refs: Iterable[str] = ()
    ) -> list[PowerResult]:
        """Finish or undo what runs that were killed have left.

        A host that is on is given back, one that is off is left so.

        :param refs: ids, node names or host names; by default each host
            that bears a mark of ours.
        """
        tools = self._tools(self._census(fleet))

        def work(member: Member) -> PowerResult:
            return self._run(recovery.Recovery(tools, member), None)

        refs = list(refs)
        if refs:
            return self._named(fleet, refs, work)
        found = self._each(fleet, recovery.left_behind(fleet), work)
        return found + recovery.lost(fleet)

    def cancel(self) -> None:
        """End all waiting, now and from now on; from any thread.

        What was not begun is not; what can be undone is. Not to be called
        by a signal handler, but from a thread that it starts: whoever is
        interrupted may hold the lock.
        """
        self._cancel.call()

    def _named(
        self,
        fleet: Fleet,
        refs: Iterable[str],
        work: Callable[[Member], PowerResult],
    ) -> list[PowerResult]:
        """Those that are named, each once; the results in that order."""
        results: dict[str, PowerResult | None] = {}
        found: list[Member] = []
        for ref in dict.fromkeys(refs):
            try:
                member = fleet.find(ref)
            except exceptions.RefusedError as exc:
                results[ref] = PowerResult(ref, ref, Outcome.REFUSED, str(exc))
            except exceptions.NotFoundError as exc:
                results[ref] = PowerResult(ref, ref, Outcome.FAILED, str(exc))
            else:
                if member.node.id not in results:
                    results[member.node.id] = None
                    found.append(member)
        ends = self._each(fleet, found, work)
        results |= {result.node_id: result for result in ends}
        return [result for result in results.values() if result]

    def _each(
        self,
        fleet: Fleet,
        members: Sequence[Member],
        work: Callable[[Member], PowerResult],
    ) -> list[PowerResult]:
        """All of them, so many at a time; no thread is left after that."""
        if fleet.whole:
            self.process.nodes(self.driver).size = len(fleet.members)
        workers = min(self.settings.max_concurrent, len(members))
        if workers <= 1:
            return [work(member) for member in members]
        with concurrent.futures.ThreadPoolExecutor(
            workers, 'metal-power'
        ) as pool:
            futures = [pool.submit(work, member) for member in members]
            try:
                return [future.result() for future in futures]
            except BaseException:
                # An interruption: the others end as they do when they are
                # cancelled.
                self.cancel()
                pool.shutdown(cancel_futures=True)
                raise

    def _census(self, fleet: Fleet | None) -> Census:
        return Census(
            self.driver,
            self.nova,
            self.settings,
            self.process,
            self.clock,
            # Hosts that are off are not counted in a part.
            fleet if fleet and fleet.whole else None,
        )

    def _tools(self, census: Census) -> Tools:
        return Tools(
            self.driver,
            self.nova,
            self.settings,
            self.clock,
            self._watch,
            self.process,
            self._cancel,
            census,
            self._backend,
            self._chance,
        )

    def _switch(
        self, member: Member, state: PowerState, census: Census
    ) -> PowerResult:
        if state not in _KINDS:
            raise ValueError(f'a node cannot be switched {state.value}')
        kind = _KINDS[state]
        return self._run(kind(self._tools(census), member), state)

    def _run(
        self, task: transition.Transition, state: PowerState | None
    ) -> PowerResult:
        """One transition from its first event to its last."""
        task.asked = state
        task.tell(Step.ASKED)
        with self._cancel.waking(task.alarm):
            outcome, detail = self._end_of(task)
        last = Step.DONE if outcome.good else _LAST.get(outcome, Step.FAILED)
        task.tell(last, detail, outcome=outcome)
        member = task.member
        return PowerResult(task.node_id, member.label, outcome, detail)

    def _end_of(self, task: transition.Transition) -> tuple[Outcome, str]:
        try:
            with self._claimed(task):
                return task.run()
        except Exception as exc:
            end = task.ended(exc)
            return end.outcome, end.detail

    @contextlib.contextmanager
    def _claimed(self, task: transition.Transition) -> Iterator[None]:
        """Have the node for us alone in this process."""
        if self.settings.dry_run:
            yield
            return
        task.claim()
        try:
            yield
        finally:
            task.close()
            self.process.release(task.member.node.id)
