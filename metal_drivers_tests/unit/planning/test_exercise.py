# SPDX-License-Identifier: Apache-2.0
"""Hosts that are off for long are powered on, to see that they come back."""

import datetime
import random

from metal_drivers.fleet import Member
from metal_drivers.planning.decision import Situation, decide
from metal_drivers.planning.reliability import Failures
from metal_drivers.planning.wish import Wish
from metal_drivers.power import PowerSettings
from metal_drivers_tests.unit.planning import base
from metal_drivers_tests.unit.planning.base import NOW, OFF, ON, host

DAY = 24.0

#: Days that a host is off, at most, where it is exercised after 7. No audit
#: exercises more than one, so that some of 20 wait for others: for 4 hours
#: each.
LONGEST = 7 + 20 * 4 / 24


class TestExercise(base.DecisionTestCase):
    def test_never_by_default(self) -> None:
        self.assert_on(self.decide(host(1), host(2, OFF, ours=999 * DAY)))

    def test_one_that_is_off_for_longer(self) -> None:
        members = [host(1), host(2, OFF, ours=6.9 * DAY)]
        self.assert_on(self.decide(*members, exercise_days=7))
        members += [host(n, OFF, ours=(5 + n) * DAY) for n in (3, 4, 5)]
        decision = self.decide(*members, exercise_days=7)
        # One for each audit.
        self.assert_on(decision, 5)
        self.assertIn('comes back: off since', self.reason(decision, 5))

    def test_not_where_one_comes_back_anyway(self) -> None:
        members = [host(n, OFF, ours=(5 + n) * DAY) for n in (3, 4)]
        self.assert_on(self.decide(*members, exercise_days=7), 4)

    def test_beside_a_shortage_that_cannot_be_filled(self) -> None:
        """A host that may not be needed is powered on all the same."""
        members = [
            host(1, OFF, ours=9 * DAY, locked='somebody'),
            host(2, OFF, ours=1 * DAY),
        ]
        self.assert_on(self.decide(*members, exercise_days=7), 2)

    def test_off_by_someone_else(self) -> None:
        """How long it is off is not known, and it is not ours."""
        self.assert_on(self.decide(host(1), host(2, OFF), exercise_days=7))

    def test_adopted_reasons(self) -> None:
        """Of these too, it is not known how long they are off."""
        settings = PowerSettings(adopted_reasons=('Masakari*',))
        off = host(2, OFF, reason='Masakari detected host failed.')
        decision = self.decide(
            host(1), off, settings=settings, exercise_days=7
        )
        self.assert_on(decision)
        # A plan that needs one may choose it.
        needed = self.decide(off, settings=settings, exercise_days=7)
        self.assert_on(needed, 2)

    def test_guards_hold(self) -> None:
        off = host(2, OFF, ours=9 * DAY, maintenance='disk')
        self.assert_on(self.decide(host(1), off, exercise_days=7))

    def test_what_is_missing_goes_before(self) -> None:
        members = [host(1, OFF, ours=1 * DAY), host(2, OFF, ours=9 * DAY)]
        decision = self.decide(
            *members,
            failures={'id-2': Failures(1, NOW - datetime.timedelta(hours=2))},
            exercise_days=7,
            max_actions=1,
        )
        self.assert_on(decision, 1)


class Fleet:
    """Hosts over time; those that are dead do not come back."""

    def __init__(self, count: int, dead: set[int]) -> None:
        self.now = NOW
        self.on = set(range(1, count + 1))
        self.count, self.dead = count, dead
        self.busy: set[int] = set()
        self.off_at: dict[int, datetime.datetime] = {}
        self.failures: dict[str, Failures] = {}
        #: Days from a power off to the next attempt to power on.
        self.waits: list[float] = []
        self.tried: list[int] = []
        self.most_tried = 0
        self.shortages = 0

    def member(self, number: int) -> Member:
        if number in self.on:
            return host(number, ON, servers=int(number in self.busy))
        off_for = (self.now - self.off_at[number]).total_seconds() / 3600
        # Its marker was written that long ago, and the tests' NOW is fixed.
        return host(number, OFF, ours=off_for)

    def audit(self, wish: Wish) -> None:
        members = tuple(self.member(n) for n in range(1, self.count + 1))
        shift = self.now - NOW
        decision = decide(
            Situation(
                members,
                PowerSettings(),
                NOW,
                failures={
                    node: Failures(each.count, each.when - shift)
                    for node, each in self.failures.items()
                },
            ),
            wish,
        )
        missing = decision.wanted - decision.ready
        self.shortages += missing > 0
        numbers = base.numbers(decision.on)
        self.tried += numbers
        self.most_tried = max(self.most_tried, len(numbers) - max(0, missing))
        for number in numbers:
            waited = (self.now - self.off_at[number]).total_seconds() / 86400
            self.waits.append(waited)
            node = f'id-{number}'
            if number in self.dead:
                known = self.failures.get(node)
                count = known.count + 1 if known else 1
                self.failures[node] = Failures(count, self.now)
                # The marker is written anew.
                self.off_at[number] = self.now
            else:
                self.failures.pop(node, None)
                self.on.add(number)
                del self.off_at[number]
        for number in base.numbers(decision.off):
            self.on.remove(number)
            self.off_at[number] = self.now


class TestNinetyDays(base.DecisionTestCase):
    """An audit every four hours for 90 days, with servers that come and go."""

    def run_days(self, fleet: Fleet, days: int, wish: Wish) -> None:
        chance = random.Random(1)  # noqa: S311
        for _ in range(days * 6):
            fleet.now += datetime.timedelta(hours=4)
            free = sorted(fleet.on - fleet.busy)
            if free and chance.random() < 0.2 and len(fleet.busy) < 6:
                fleet.busy.add(chance.choice(free))
            elif fleet.busy and chance.random() < 0.2:
                fleet.busy.remove(chance.choice(sorted(fleet.busy)))
            fleet.audit(wish)

    def test_each_host_is_known_to_come_back(self) -> None:
        fleet = Fleet(20, dead=set())
        self.run_days(fleet, 90, Wish(exercise_days=7))
        self.assertLess(max(fleet.waits), LONGEST)
        now = fleet.now
        for number, since in fleet.off_at.items():
            self.assertLess(
                (now - since).total_seconds() / 86400, LONGEST, number
            )
        self.assertEqual(1, fleet.most_tried)
        # Off again afterwards, one way or the other.
        self.assertGreater(len(fleet.off_at), 10)

    def test_without_it_some_are_off_for_longer(self) -> None:
        fleet = Fleet(20, dead=set())
        self.run_days(fleet, 90, Wish())
        self.assertGreater(max(fleet.waits), 2 * LONGEST)

    def test_dead_ones_are_found_and_keep_no_other_from_its_turn(
        self,
    ) -> None:
        fleet = Fleet(20, dead={3, 4})
        self.run_days(fleet, 90, Wish(exercise_days=7))
        found = {node for node, each in fleet.failures.items() if each.count}
        self.assertEqual({'id-3', 'id-4'}, found)
        for number, since in fleet.off_at.items():
            self.assertLess(
                (fleet.now - since).total_seconds() / 86400,
                LONGEST,
                number,
            )
        # Not again in each audit.
        for number in fleet.dead:
            self.assertLess(fleet.tried.count(number), 20)


class TestOrder(base.DecisionTestCase):
    """Of the hosts that may go off, the one that is on longest goes."""

    def on_for(self, number: int, days: float) -> Member:
        return host(number, powered_on_at=NOW - datetime.timedelta(days=days))

    def test_on_longest(self) -> None:
        members = [self.on_for(1, 2), self.on_for(2, 9), self.on_for(3, 5)]
        self.assert_off(self.decide(*members), 2, 3)

    def test_not_known(self) -> None:
        """They come after those of which it is, by their names."""
        members = [host(1), self.on_for(2, 1), host(3), host(4)]
        self.assert_off(self.decide(*members), 2, 1, 3)
