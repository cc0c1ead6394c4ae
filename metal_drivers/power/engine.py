# SPDX-License-Identifier: Apache-2.0
"""The requested power changes: many at once, a result for each; a failure
of one does not stop the others."""

from __future__ import annotations

import concurrent.futures
import random
from collections.abc import Callable, Iterable, Sequence

from metal_drivers import base, boundary, compute, events, exceptions
from metal_drivers import fleet as fleets
from metal_drivers.clock import Cancel, Clock
from metal_drivers.compute import markers
from metal_drivers.fleet import Fleet, Member
from metal_drivers.hooks.in_use import Hooks
from metal_drivers.model import Outcome, PowerResult, PowerState
from metal_drivers.power import back, off, on, rules
from metal_drivers.power.runner import Runner, Tools
from metal_drivers.power.shared import OffSlots, Shared
from metal_drivers.settings import PowerSettings

_TABLES = {PowerState.OFF: off.OFF, PowerState.ON: on.ON}


class PowerEngine:
    """Powers nodes of one bare metal service on and off.

    An engine costs nothing: have one for what is cancelled as a whole.

    :param nova: None where Nova is not configured.
    :param watch: told of each step, in the thread that takes it.
    :param backend: what events call the driver; by default its name.
    :param shared: what all engines over these services share: the rates,
        for one. By default this engine shares nothing.
    :param hooks: who else is told; by default nobody.
    :param chance: numbers from 0 to 1, for the jitter.
    :param load: lists the fleet where hosts that are off are counted; by
        default with a list of each service.
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
        shared: Shared | None = None,
        hooks: Hooks | None = None,
        chance: Callable[[], float] = random.random,
        load: Callable[[], Fleet] | None = None,
    ) -> None:
        self.driver = boundary.guard(driver)
        self.nova, self.settings = nova, settings
        self.clock = clock or Clock()
        self.shared = shared or Shared()
        self.hooks = Hooks() if hooks is None else hooks
        self._watch, self._chance = watch, chance
        self._backend = backend or self.driver.name
        self._load = load or (lambda: fleets.load(self.driver, self.nova))
        self._cancel = Cancel()

    def switch(
        self, fleet: Fleet, refs: Iterable[str], state: PowerState
    ) -> list[PowerResult]:
        """Power the given nodes on or off; the results in that order.

        A node that is given twice is powered on or off once.

        :param refs: ids, node names or host names.
        """
        table, tools = self._table(state), self._tools(fleet)
        return self._named(
            fleet,
            refs,
            lambda member: self._run(tools, table, member, state),
        )

    def switch_one(
        self, member: Member, state: PowerState, fleet: Fleet | None = None
    ) -> PowerResult:
        """Take one node to ``ON`` or ``OFF``; an error is a result.

        :param fleet: what ``max_powered_off`` counts in; by default it is
            listed when it has to be counted.
        """
        table = self._table(state)
        return self._run(self._tools(fleet), table, member, state)

    def recover(
        self, fleet: Fleet, refs: Iterable[str] = ()
    ) -> list[PowerResult]:
        """Finish or undo hosts left half-done by a process that was killed.

        On a host that is on, nova-compute is enabled; one that is off
        remains off.

        :param refs: ids, node names or host names; by default those of
            :meth:`left_behind`.
        :raises ConfigurationError: Nova is not configured.
        """
        if self.nova is None:
            raise exceptions.ConfigurationError(
                'Nova is not configured, and only Nova knows which hosts '
                'were left half-done',
                cure='Configure [nova] or [watcher_clients_auth].',
            )
        tools = self._tools(fleet)

        def work(member: Member) -> PowerResult:
            return self._run(tools, back.RECOVER, member, None)

        refs = list(refs)
        if refs:
            return self._named(fleet, refs, work)
        found = self._each(fleet, self.left_behind(fleet), work)
        return found + lost(fleet)

    def left_behind(self, fleet: Fleet) -> list[Member]:
        """The hosts that a recovery concerns: those whose nova-compute bears
        a marker of ours, or a reason that counts as one while the host is
        off; and those of which hooks have something left.
        """
        left = self.hooks.left_of(fleet.members)
        return [
            member
            for member in fleet.members
            if markers.of(member.host) is not None
            or self._adopted(member)
            or self.shared.owes(member.node.id)
            or member.node.id in left
        ]

    def _adopted(self, member: Member) -> bool:
        off = member.node.power_state is PowerState.OFF
        patterns = self.settings.adopted_reasons
        return off and markers.adopted(member.host, patterns)

    def cancel(self) -> None:
        """End all waiting, now and from now on; from any thread.

        Nothing more is started; what can be undone is undone. A signal
        handler must not call this, but start a thread that does: the
        interrupted code may hold the lock.
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
            self.shared.nodes(self.driver).size = len(fleet.members)
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

    def _table(self, state: PowerState) -> rules.Table:
        if state not in _TABLES:
            raise ValueError(f'a node cannot be powered {state.value}')
        return _TABLES[state]

    def _tools(self, fleet: Fleet | None) -> Tools:
        """What the transitions of one batch work with."""
        off_slots = OffSlots(
            self.shared,
            self.settings.most_off,
            self.clock.monotonic(),
            self._load,
            # Hosts that are off are not counted in a part.
            fleet if fleet and fleet.whole else None,
            self.settings.dry_run,
        )
        return Tools(
            self.driver,
            self.nova,
            self.settings,
            self.clock,
            self._watch,
            self.shared,
            self._cancel,
            self.hooks,
            off_slots,
            self._backend,
            self._chance,
        )

    def _run(
        self,
        tools: Tools,
        table: rules.Table,
        member: Member,
        state: PowerState | None,
    ) -> PowerResult:
        runner = Runner(tools, table, member, state)
        outcome, detail = runner.run()
        label = runner.facts.member.label
        return PowerResult(member.node.id, label, outcome, detail)


def lost(fleet: Fleet) -> list[PowerResult]:
    """A result for each host that bears our marker, and of which it
    is not known which node it runs on."""
    known = {member.host.id for member in fleet.members if member.host}
    return [
        PowerResult(
            host.name,
            host.name,
            Outcome.REFUSED,
            'nova-compute was disabled by metal-drivers for node '
            f'{marker.node_id}, and no node matches the host now; see '
            '`metal-drivers node list`. Fix that, or enable it by hand',
        )
        for host in fleet.hosts
        if host.id not in known and (marker := markers.of(host))
    ]
