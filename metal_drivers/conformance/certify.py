# SPDX-License-Identifier: Apache-2.0
"""All rules on a real service, with one node that may be powered off.

A driver that answers about another node than it was asked for would also
power off another node. So nothing is powered off where a rule about that is
broken, or as soon as another node is seen to go off.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from metal_drivers import base
from metal_drivers.conformance import (
    TOPICS,
    ids,
    listing,
    resources,
    switching,
)
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.configured import Configured
from metal_drivers.conformance.rules import Broken, Rule
from metal_drivers.conformance.runner import Result, Runner, Verdict
from metal_drivers.model import OffMode, PowerState

#: The rules about whom a driver speaks of: what one asks for is what it is
#: answered about.
_GATES = frozenset(
    rule.id
    for topic in (listing.TOPIC, ids.TOPIC, resources.TOPIC)
    for rule in topic.rules
    if topic is not resources.TOPIC
    or rule.check
    in (
        resources.serves_several_threads,
        resources.threads_get_the_node_that_they_ask_for,
    )
)

#: The first rules that power the node off. A soft power off before all
#: others: later, its system may not have started again.
_FIRST = (switching.switches_off_softly, switching.switches_no_other_node)

READING: tuple[Rule, ...] = tuple(
    rule for topic in TOPICS for rule in topic.rules if not rule.changes
)

SWITCHING: tuple[Rule, ...] = tuple(
    sorted(
        (rule for topic in TOPICS for rule in topic.rules if rule.changes),
        key=lambda rule: (
            _FIRST.index(rule.check) if rule.check in _FIRST else len(_FIRST)
        ),
    )
)

ALL = READING + SWITCHING


class Certification:
    """One run.

    :param node_id: the node that may be powered off; ``on`` or ``off``.
    """

    def __init__(
        self, hooks: Configured, driver: base.MetalDriver, node_id: str
    ) -> None:
        self._driver, self._node_id = driver, node_id
        hooks.know(node_id)
        hooks.may_switch(node_id)
        self._runner = Runner(hooks, driver)
        #: Why the node is not as it was; empty where it is.
        self.left = ''
        #: Whether a node that was off was powered on, to begin with.
        self._sent_on = False

    @property
    def cancelled(self) -> bool:
        return self._runner.cancelled

    def cancel(self) -> None:
        """Bring the node back, and end; from any thread."""
        self._runner.cancel()

    def run(
        self, tell: Callable[[Result], object] = lambda result: None
    ) -> list[Result]:
        """A result for each rule."""
        results = self._runner.run(READING, tell)
        was = self._state()
        why = self._forbidding(results)
        if not why and was not in (PowerState.ON, PowerState.OFF):
            why = 'the node is reported neither on nor off'
        if why:
            return results + self._not_tried(SWITCHING, why, tell)
        if was is PowerState.OFF:
            ready = self._runner.attempt(as_rule(self._power_on))
            if ready.verdict is not Verdict.OK:
                why = ready.detail or 'the node could not be powered on'
                results += self._not_tried(SWITCHING, why, tell)
                self._bring_off()
                return results
        results += self._switching(tell)
        self.left = '; '.join(
            problem for each in results for problem in each.left
        )
        if was is PowerState.OFF and not self.left:
            self._bring_off()
        return results

    def _forbidding(self, results: Sequence[Result]) -> str:
        """Why nothing may be powered off; empty where it may."""
        if self.cancelled:
            return 'interrupted'
        if any(each.left for each in results):
            # Rules that were not tried forbid nothing.
            return 'an earlier rule left the service changed'
        for each in results:
            if each.rule.id in _GATES and not each.good:
                return f'nothing is powered off while {each.rule.id} is broken'
        return ''

    def _switching(self, tell: Callable[[Result], object]) -> list[Result]:
        """The first ones one by one, the others if these are kept."""
        results: list[Result] = []
        left = list(SWITCHING)
        for _ in _FIRST:
            results += self._runner.run([left.pop(0)], tell)
            if not results[-1].good:
                why = f'nothing is powered off while {results[-1].rule.id} '
                why += 'is broken'
                return results + self._not_tried(tuple(left), why, tell)
        return results + self._runner.run(left, tell)

    def _state(self) -> PowerState:
        """What the node does now; ``UNKNOWN``: the driver does not say."""
        found = [PowerState.UNKNOWN]

        def ask(bench: Bench) -> None:
            found.append(self._driver.get_node(self._node_id).power_state)

        Runner(self._runner.hooks, self._driver).attempt(as_rule(ask))
        return found[-1]

    def _not_tried(
        self,
        rules: tuple[Rule, ...],
        why: str,
        tell: Callable[[Result], object],
    ) -> list[Result]:
        results = [Result(rule, Verdict.NOT_TRIED, why) for rule in rules]
        for result in results:
            tell(result)
        return results

    def _power_on(self, bench: Bench) -> None:
        self._sent_on = True
        bench.send(self._node_id, PowerState.ON)
        bench.settle(self._node_id, PowerState.ON)

    def _bring_off(self) -> None:
        """The node was off: have it be off again, cancelled or not."""
        ended = Runner(self._runner.hooks, self._driver).attempt(
            as_rule(self._power_off)
        )
        if ended.verdict is not Verdict.OK:
            self.left = ended.detail

    def _power_off(self, bench: Bench) -> None:
        if self.cancelled and self._sent_on:
            # It may not be on yet, and must not be taken for off.
            with contextlib.suppress(Broken):
                bench.settle(self._node_id, PowerState.ON)
        if self._driver.get_node(self._node_id).power_state is PowerState.OFF:
            return
        bench.send(self._node_id, PowerState.OFF, mode=OffMode.HARD)
        bench.settle(self._node_id, PowerState.OFF)


def as_rule(check: Callable[[Bench], None]) -> Rule:
    """Work that has a deadline, and can be given up."""
    return Rule('preparation', '', '', check, changes=True)


def unloadable(why: str, rules: Sequence[Rule]) -> list[Result]:
    """The results where the driver cannot be loaded."""
    first, *others = rules
    return [
        Result(first, Verdict.FAILED, why),
        *(
            Result(rule, Verdict.NOT_TRIED, 'the driver cannot be loaded')
            for rule in others
        ),
    ]
