# SPDX-License-Identifier: Apache-2.0
"""Hosts that do not come back."""

import datetime

from metal_drivers.compute import markers
from metal_drivers.fleet import Member
from metal_drivers.planning.levels import Group
from metal_drivers.planning.reliability import Failures
from metal_drivers.planning.wish import Rule
from metal_drivers_tests.unit.planning import base
from metal_drivers_tests.unit.planning.base import NOW, OFF, ON, host


def failed(count: int, hours: float) -> Failures:
    return Failures(count, NOW - datetime.timedelta(hours=hours))


class TestFailures(base.DecisionTestCase):
    def test_tried_again(self) -> None:
        """After an hour, doubled with each failure, up to a day."""
        hours = [
            (Failures(count, NOW).retry_at(3600) - NOW).total_seconds() / 3600
            for count in (1, 2, 3, 4, 5, 6, 7, 4000)
        ]
        self.assertEqual([1, 2, 4, 8, 16, 24, 24, 24], hours)
        for interval in (60, 90000):
            first = Failures(1, NOW).retry_at(interval) - NOW
            self.assertEqual(interval, first.total_seconds())

    def test_told(self) -> None:
        self.assertEqual(
            'failed to power on 2 times, last at 2026-11-22 12:00:00 UTC',
            str(Failures(2, NOW)),
        )
        self.assertIn('1 time,', str(Failures(1, NOW)))


class TestUnreliable(base.DecisionTestCase):
    def test_one_dead_host_does_not_keep_good_ones_off(self) -> None:
        """It is off longest, so that it was chosen in each audit."""
        dead = host(1, OFF, ours=99, fault='the BMC does not answer')
        self.assert_on(self.decide(dead, host(2, OFF, ours=1)), 2)
        dead = host(1, OFF, ours=99)
        for failures in (failed(1, 0.5), failed(1, 2), failed(9, 99)):
            decision = self.decide(
                dead, host(2, OFF, ours=1), failures={'id-1': failures}
            )
            self.assert_on(decision, 2)
            self.assertEqual((), decision.relied_on)

    def test_those_that_failed_less_often_come_first(self) -> None:
        members = [host(n, OFF, ours=50 + n) for n in (1, 2, 3)]
        members.append(host(4, OFF, ours=1, fault='fan'))
        decision = self.decide(
            *members,
            failures={
                'id-1': failed(3, 40),
                'id-2': failed(1, 40),
                'id-3': failed(1, 40),
            },
            min_free_hosts_num=9,
        )
        self.assert_on(decision, 4, 3, 2, 1)

    def test_the_only_one(self) -> None:
        """It is relied on, and the plan says so."""
        decision = self.decide(
            host(1, OFF, ours=9), failures={'id-1': failed(1, 2)}
        )
        self.assert_on(decision, 1)
        ((member, trouble),) = decision.relied_on
        self.assertEqual('id-1', member.node.id)
        self.assertIn('failed to power on 1 time', trouble)
        self.assertIn('no better host is left', self.reason(decision, 1))

    def test_not_before_its_time(self) -> None:
        dead = host(1, OFF, ours=99)
        for count, hours in ((1, 0.9), (2, 1.9), (6, 23.9)):
            decision = self.decide(
                dead, failures={'id-1': failed(count, hours)}
            )
            self.assert_on(decision)
            self.assertIn('tried again after', self.reason(decision, 1))
            decision = self.decide(
                dead, failures={'id-1': failed(count, hours + 0.2)}
            )
            self.assert_on(decision, 1)

    def test_not_twice_in_one_plan(self) -> None:
        """Wanted by two rules, and to be exercised."""
        decision = self.decide(
            host(1, OFF, ours=999),
            failures={'id-1': failed(1, 2)},
            min_free_hosts_num=5,
            exercise_days=1,
        )
        self.assert_on(decision, 1)

    def test_counted(self) -> None:
        decision = self.decide(
            host(1, OFF, ours=9),
            host(2, OFF, ours=9, fault='fan'),
            host(3, OFF, ours=9),
            host(4, fault='of yesterday'),
            failures={'id-1': failed(1, 2)},
        )
        self.assertEqual(2, decision.hosts_unreliable)

    def test_a_power_on_that_did_not_end(self) -> None:
        """A host that does not power on keeps that marker."""
        when = NOW - datetime.timedelta(hours=5)
        reason = markers.reason('id-1', when, markers.MarkerKind.POWERING_ON)
        stuck = host(1, OFF, reason=reason)
        self.assert_on(self.decide(stuck, host(2, OFF, ours=1)), 2)
        decision = self.decide(stuck)
        self.assert_on(decision, 1)
        self.assertIn('power on that was begun', decision.relied_on[0][1])
        self.assertEqual(1, decision.hosts_unreliable)

    def test_a_power_on_that_is_under_way(self) -> None:
        kind = markers.MarkerKind.POWERING_ON
        reason = markers.reason('id-1', NOW, kind)
        decision = self.decide(host(1, OFF, reason=reason))
        self.assertEqual(0, decision.hosts_unreliable)


class TestOneMore(base.DecisionTestCase):
    """While a host has failed lately, one more than is missing."""

    def setUp(self) -> None:
        super().setUp()
        self.spares = [host(n, OFF, ours=99 - n) for n in (1, 2, 3, 4)]

    def test_says_why(self) -> None:
        decision = self.decide(*self.spares, failures={'id-1': failed(1, 0.5)})
        self.assert_on(decision, 2, 3)
        self.assertIn('one more than is missing', self.reason(decision, 3))
        self.assertIn('failed to power on 1 time', self.reason(decision, 3))

    def test_only_after_the_first_failure_and_for_a_while(self) -> None:
        for failures in (failed(2, 0.5), failed(1, 1.5)):
            decision = self.decide(*self.spares, failures={'id-1': failures})
            self.assert_on(decision, 2)

    def test_only_where_one_is_missing(self) -> None:
        decision = self.decide(
            host(5), *self.spares, failures={'id-1': failed(1, 0.5)}
        )
        self.assert_on(decision)

    def test_one_of_the_group_that_is_short(self) -> None:
        rule = Rule('zone', 'az1', min_free_hosts_num=1)
        decision = self.decide(
            host(5),
            *self.spares,
            groups=(Group(rule, frozenset({'id-1', 'id-3', 'id-4'})),),
            failures={'id-1': failed(1, 0.5)},
        )
        self.assert_on(decision, 3, 4)

    def test_not_one_that_may_not_come_back(self) -> None:
        decision = self.decide(
            *self.spares[:2],
            host(3, OFF, ours=1, fault='fan'),
            failures={'id-1': failed(1, 0.5)},
        )
        self.assert_on(decision, 2)

    def test_not_beyond_max_actions(self) -> None:
        decision = self.decide(
            *self.spares, failures={'id-1': failed(1, 0.5)}, max_actions=1
        )
        self.assert_on(decision, 2)


class TestShortage(base.DecisionTestCase):
    """2 of 100 spare hosts are dead, and a shortage is to be filled."""

    DEAD = frozenset({1, 2})

    def setUp(self) -> None:
        super().setUp()
        self.states = dict.fromkeys(range(1, 101), OFF)
        self.failures: dict[str, Failures] = {}

    def audit(self, shortage: int) -> int:
        """How many hosts are free and on once its plan has ended."""
        decision = self.decide(
            *map(self.member, self.states),
            failures=self.failures,
            min_free_hosts_num=shortage,
        )
        for number in base.numbers(decision.on):
            if number in self.DEAD:
                self.failures[f'id-{number}'] = Failures(1, NOW)
            else:
                self.states[number] = ON
        return sum(state is ON for state in self.states.values())

    def member(self, number: int) -> Member:
        if self.states[number] is OFF:
            # Those that are dead are off longest: they are tried first.
            return host(number, OFF, ours=200.0 - number)
        return host(number)

    def test_in_the_same_audit_where_it_is_known(self) -> None:
        for shortage in (1, 2, 10, 98):
            self.states = dict.fromkeys(range(1, 101), OFF)
            self.failures = {'id-1': failed(2, 0.2), 'id-2': failed(3, 99)}
            self.assertEqual(shortage, self.audit(shortage))

    def test_in_the_next_one_where_it_was_found_out(self) -> None:
        for shortage in (2, 3, 10, 98):
            self.states = dict.fromkeys(range(1, 101), OFF)
            self.failures = {}
            self.assertEqual(shortage - 2, self.audit(shortage))
            # One more than is missing, unless none is left.
            self.assertEqual(min(98, shortage + 1), self.audit(shortage))

    def test_in_the_next_one_where_the_first_tried_but_one(self) -> None:
        """The next host that it tries is dead, too."""
        self.assertEqual([0, 1], [self.audit(1) for _ in range(2)])
