# SPDX-License-Identifier: Apache-2.0
"""All rules on a real service, with one node that may be powered off.

A driver that answers about another node than it was asked for would also
power off another node. So nothing is powered off where a rule about that is
broken, or as soon as another node is seen to go off.
"""

from __future__ import annotations

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
from metal_drivers.conformance.rules import Rule
from metal_drivers.conformance.runner import Result, Runner, Verdict
from metal_drivers.model import OffMode, PowerState

#: Topics whose rules are about whom a driver speaks of.
_GATES = frozenset({listing.TOPIC.id, ids.TOPIC.id, resources.TOPIC.id})

#: The first rule that powers a node off.
_FIRST = switching.switches_no_other_node

READING: tuple[Rule, ...] = tuple(
    rule for topic in TOPICS for rule in topic.rules if not rule.changes
)

SWITCHING: tuple[Rule, ...] = tuple(
    sorted(
        (rule for topic in TOPICS for rule in topic.rules if rule.changes),
        key=lambda rule: rule.check is not _FIRST,
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
        broken = [
            each.rule.id
            for each in results
            if each.rule.topic in _GATES and not each.good
        ]
        if broken:
            why = f'nothing is powered off while {broken[0]} is broken'
            return results + self._not_tried(SWITCHING, why, tell)
        was = self._driver.get_node(self._node_id).power_state
        if was is PowerState.OFF:
            ready = self._runner.attempt(_as_rule(self._power_on))
            if ready.verdict is not Verdict.OK:
                why = ready.detail or 'the node could not be powered on'
                results += self._not_tried(SWITCHING, why, tell)
                self._bring_off()
                return results
        first = self._runner.run(SWITCHING[:1], tell)
        results += first
        if first[0].good:
            results += self._runner.run(SWITCHING[1:], tell)
        else:
            why = f'nothing is powered off while {first[0].rule.id} is broken'
            results += self._not_tried(SWITCHING[1:], why, tell)
        self.left = '; '.join(
            problem for each in results for problem in each.left
        )
        if was is PowerState.OFF and not self.left:
            self._bring_off()
        return results

    def _not_tried(
        self,
        rules: tuple[Rule, ...],
        why: str,
        tell: Callable[[Result], object],
    ) -> list[Result]:
        results = [Result(rule, Verdict.NOT_TRIED, why) for rule in rules]
        for each in results:
            tell(each)
        return results

    def _power_on(self, bench: Bench) -> None:
        self._driver.set_power_state(self._node_id, PowerState.ON)
        bench.settle(self._node_id, PowerState.ON)

    def _bring_off(self) -> None:
        """The node was off: have it be off again, cancelled or not."""
        ended = Runner(self._runner.hooks, self._driver).attempt(
            _as_rule(self._power_off)
        )
        if ended.verdict is not Verdict.OK:
            self.left = ended.detail

    def _power_off(self, bench: Bench) -> None:
        if self._driver.get_node(self._node_id).power_state is PowerState.OFF:
            return
        bench.hooks.permit(self._node_id)
        self._driver.set_power_state(
            self._node_id, PowerState.OFF, OffMode.HARD
        )
        bench.settle(self._node_id, PowerState.OFF)


def _as_rule(check: Callable[[Bench], None]) -> Rule:
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
