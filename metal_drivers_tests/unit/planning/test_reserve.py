# SPDX-License-Identifier: Apache-2.0
"""Reserves: groups of hosts that a plan keeps free and on."""

import datetime
import itertools
import random

from metal_drivers import exceptions
from metal_drivers.compute import markers
from metal_drivers.fleet import Member
from metal_drivers.model import Aggregate, Node
from metal_drivers.planning import groups
from metal_drivers.planning.decision import (
    Decision,
    Situation,
    free_then,
    in_order,
)
from metal_drivers.planning.levels import Group
from metal_drivers.planning.wish import Rule, Wish
from metal_drivers.power import PowerSettings
from metal_drivers_tests.unit.planning import base
from metal_drivers_tests.unit.planning.base import NOW, OFF, ON, host


def group(
    name: str,
    *hosts: int,
    least: int | None = None,
    percent: float = 0.0,
) -> Group:
    rule = Rule('zone', name, least, percent)
    return Group(rule, frozenset(f'id-{number}' for number in hosts))


class TestReserve(base.DecisionTestCase):
    def test_no_plan_leaves_a_group_with_fewer(self) -> None:
        members = [host(n) for n in range(1, 7)]
        decision = self.decide(
            *members, groups=(group('az1', 1, 2, 3, least=2),)
        )
        self.assert_off(decision, 1, 4, 5, 6)
        # The hosts of the group count for all as well.
        decision = self.decide(
            *members,
            groups=(group('az1', 1, 2, 3, least=2),),
            min_free_hosts_num=4,
        )
        self.assert_off(decision, 1, 4)

    def test_percent_is_of_the_busy_hosts_of_the_group(self) -> None:
        members = [host(n, servers=1) for n in range(1, 21)]
        members += [host(n) for n in range(21, 31)]
        decision = self.decide(
            *members,
            groups=(group('az1', *range(11, 26), percent=30),),
            free_used_percent=0,
            min_free_hosts_num=0,
        )
        # 3 of its 10 busy hosts.
        self.assert_off(decision, 21, 22, 26, 27, 28, 29, 30)

    def test_a_group_that_is_short_comes_back_first(self) -> None:
        members = [host(1, OFF, ours=9), host(2, OFF, ours=8)]
        members += [host(3, OFF, ours=2), host(4, OFF, ours=1), host(5)]
        short = group('az1', 3, 4, least=1)
        # Hosts enough, but not there.
        self.assert_on(self.decide(*members, groups=(short,)), 3)
        decision = self.decide(*members, groups=(short,), min_free_hosts_num=3)
        self.assert_on(decision, 3, 1)
        decision = self.decide(
            *members, groups=(short,), min_free_hosts_num=3, max_actions=1
        )
        self.assert_on(decision, 3)

    def test_a_host_that_counts_for_two_groups_comes_first(self) -> None:
        members = [host(n, OFF, ours=10 - n) for n in (1, 2, 3)]
        decision = self.decide(
            *members,
            groups=(group('az1', 1, 3, least=1), group('gpu', 2, 3, least=1)),
            min_free_hosts_num=0,
        )
        self.assert_on(decision, 3)

    def test_hosts_that_go_off_do_not_count_on_those_that_come(self) -> None:
        """They may not come."""
        members = [host(1), host(2), host(3, OFF, ours=1)]
        decision = self.decide(
            *members,
            groups=(group('az1', 1, 2, 3, least=3),),
            min_free_hosts_num=0,
        )
        self.assert_on(decision, 3)

    def test_what_a_killed_run_left_comes_back_for_its_group(self) -> None:
        """It is waited for, too, while the group is short."""
        members = [host(1, ours=1), host(2), host(3)]
        az1 = group('az1', 1, least=1)
        decision = self.decide(*members, groups=(az1,))
        self.assertEqual([1], base.numbers(decision.on))
        self.assertEqual([2], base.numbers(decision.off))
        down = host(1, ours=1, up=False)
        decision = self.decide(
            down,
            host(2),
            host(4, OFF, ours=1),
            groups=(group('az1', 1, 4, least=1),),
        )
        self.assert_on(decision, 4)

    def test_a_rule_without_hosts_in_scope_asks_for_nothing_else(
        self,
    ) -> None:
        decision = self.decide(
            host(1), host(2, OFF), groups=(group('az1', least=5),)
        )
        self.assert_off(decision)

    def test_levels_are_told(self) -> None:
        decision = self.decide(
            host(1), host(2), groups=(group('az1', 1, least=1),)
        )
        self.assertEqual(
            [
                '2 are free and on, 1 wanted',
                'zone az1: 1 is free and on, 1 wanted',
            ],
            [str(level) for level in decision.levels],
        )

    def test_what_cannot_be_kept_is_told(self) -> None:
        decision = self.decide(
            host(1),
            host(2, servers=1),
            host(3, OFF, ours=1),
            # On, with a server again: it comes, and is not free.
            host(4, servers=1, ours=1),
            host(5, OFF, reason='fan'),
            groups=(
                group('az1', 1, 2, 3, 4, 5, least=4),
                group('az1', 1, 2, 3, 4, 5, least=50),
                group('az1', 1, 2, 3, 4, 5, least=5),
                group('az2', 1, least=1),
                group('empty', least=2),
            ),
        )
        self.assertEqual([4, 3], base.numbers(decision.on))
        self.assertEqual(
            [
                'The reserve of zone az1 cannot be kept: 2 of 50 hosts are '
                'free and on, or will be.',
                'The reserve of zone empty cannot be kept: 0 of 2 hosts are '
                'free and on, or will be.',
            ],
            decision.shortages,
        )

    def test_of_all_hosts_as_well(self) -> None:
        decision = self.decide(host(1), host(2, OFF), min_free_hosts_num=3)
        self.assertEqual([2], base.numbers(decision.on))
        self.assertEqual(
            [
                'The reserve of all hosts cannot be kept: 2 of 3 hosts are '
                'free and on, or will be.'
            ],
            decision.shortages,
        )
        decision = self.decide(host(1), host(2, OFF), min_free_hosts_num=2)
        self.assertEqual([], decision.shortages)

    def test_where_max_actions_keeps_hosts_off(self) -> None:
        members = [host(n, OFF, ours=1) for n in (1, 2)]
        decision = self.decide(*members, min_free_hosts_num=2, max_actions=1)
        self.assertEqual(
            [
                'The reserve of all hosts cannot be kept: 1 of 2 hosts is '
                'free and on, or will be; max_actions allows no more now.'
            ],
            decision.shortages,
        )

    def test_hosts_that_go_off_are_not_there(self) -> None:
        found = in_order(Situation((host(1), host(2)), PowerSettings(), NOW))
        self.assertEqual(
            ['id-2'],
            [each.node.id for each in free_then(found, [], found[:1])],
        )

    def test_hosts_that_others_change_otherwise(self) -> None:
        """They have servers, or go off."""
        for kind, servers in (
            (markers.MarkerKind.POWERING_ON, 1),
            (markers.MarkerKind.POWERING_OFF, 0),
        ):
            reason = markers.reason('id-1', NOW, kind)
            member = host(1, OFF, servers, reason=reason, maintenance=True)
            decision = self.decide(member, min_free_hosts_num=1)
            self.assertEqual(1, len(decision.shortages), kind.value)

    def test_hosts_that_others_power_on_count(self) -> None:
        """Where that began a moment ago."""
        for seconds, short in ((5, 0), (86400, 1)):
            when = NOW - datetime.timedelta(seconds=seconds)
            reason = markers.reason(
                'id-1', when, markers.MarkerKind.POWERING_ON
            )
            # Nothing may be done with it.
            member = host(1, OFF, reason=reason, maintenance=True)
            decision = self.decide(member, min_free_hosts_num=1)
            self.assert_on(decision)
            self.assertEqual(short, len(decision.shortages))

    def test_any_fleet(self) -> None:
        """Whatever the fleet, the reserves that were there are there
        afterwards, and what is missing comes, where it can."""
        chance = random.Random(12)  # noqa: S311
        for _ in range(300):
            members = [_any_host(n, chance) for n in range(20)]
            some = tuple(
                group(
                    f'g{number}',
                    *chance.sample(range(20), chance.randint(1, 12)),
                    least=chance.randint(0, 4),
                )
                for number in range(chance.randint(1, 4))
            )
            wanted = chance.randint(0, 6)
            decision = self.decide(
                *members, groups=some, min_free_hosts_num=wanted
            )
            self.check(members, some, decision, wanted)

    def check(
        self,
        members: list[Member],
        some: tuple[Group, ...],
        decision: Decision,
        wanted: int,
    ) -> None:
        everyone = frozenset(member.node.id for member in members)
        off = {member.node.id for member in decision.off}
        on = {member.node.id for member in decision.on}
        self.assertEqual(set(), off & on)
        spares = {
            member.node.id
            for member in members
            if member.node.power_state is OFF
        }
        needs = [(each.node_ids, each.rule.wanted(0)) for each in some]
        for ids, least in [(everyone, wanted), *needs]:
            ready = {
                member.node.id
                for member in members
                if member.node.id in ids
                and member.node.power_state is ON
                and not member.host.servers  # type: ignore[union-attr]
            }
            self.assertGreaterEqual(len(ready - off), min(least, len(ready)))
            missing = max(0, least - len(ready))
            self.assertGreaterEqual(
                len(on & ids), min(missing, len(spares & ids))
            )


def _any_host(number: int, chance: random.Random) -> Member:
    return chance.choice(
        [
            host(number, OFF, ours=chance.random() * 9),
            host(number),
            host(number, servers=1),
        ]
    )


class TestGroups(base.DecisionTestCase):
    """Which hosts a rule is about."""

    def setUp(self) -> None:
        super().setUp()
        self.members = [host(1, labels=frozenset({'GPU'})), host(2), host(3)]
        unmatched = Node('id-4', 'node-4', ON, labels=frozenset({'FPGA'}))
        self.members.append(Member(unmatched))
        self.aggregates = [
            Aggregate('ssd', frozenset({'host-1', 'host-9'})),
            Aggregate('rack-1', frozenset({'host-2'}), 'az1'),
            Aggregate('rack-2', frozenset({'host-3'}), 'az1'),
        ]
        self.asked = itertools.count()

    def zones(self) -> groups.Names:
        next(self.asked)
        return {'az1': frozenset({'host-2', 'host-3'}), 'default': frozenset()}

    def find(self, kind: str, name: str) -> list[str]:
        (found,) = groups.find(
            [Rule(kind, name, 1)], self.members, self.aggregates, self.zones
        )
        return sorted(found.node_ids)

    def test_found(self) -> None:
        self.assertEqual(['id-1'], self.find('aggregate', 'ssd'))
        self.assertEqual(['id-2', 'id-3'], self.find('zone', 'az1'))
        self.assertEqual(['id-1'], self.find('trait', 'GPU'))
        # Of hosts that no aggregate gives another.
        self.assertEqual(['id-1'], self.find('zone', 'nova'))
        self.assertEqual(0, next(self.asked))

    def test_a_default_zone_with_another_name(self) -> None:
        self.assertEqual([], self.find('zone', 'default'))
        self.assertEqual(1, next(self.asked))

    def test_what_does_not_exist(self) -> None:
        for kind, name, there in (
            ('zone', 'az2', 'az1, default'),
            ('aggregate', 'az1', 'rack-1, rack-2, ssd'),
            ('trait', 'gpu', 'GPU'),
            # Of a node only that matches no host.
            ('trait', 'FPGA', 'GPU'),
        ):
            exc = self.assertRaises(
                exceptions.ConfigurationError, self.find, kind, name
            )
            self.assertIn(f'{kind} {name}', str(exc))
            self.assertIn(f'There are: {there}.', str(exc))
        self.members = []
        exc = self.assertRaises(
            exceptions.ConfigurationError, self.find, 'trait', 'gpu'
        )
        self.assertIn('There are: none.', str(exc))

    def refused(self, name: str, *there: str) -> str:
        self.aggregates = [Aggregate(each, frozenset()) for each in there]
        exc = self.assertRaises(
            exceptions.ConfigurationError, self.find, 'aggregate', name
        )
        # What Watcher keeps, with what to do.
        self.assertLessEqual(len(str(exc)), 200)
        self.assertTrue(str(exc).endswith('. Fix the parameter.'), str(exc))
        return str(exc)

    def test_the_nearest_comes_first(self) -> None:
        many = [f'a-{number:04}' for number in range(3000)]
        told = self.refused('rakc-9', *many, 'rack-9', 'RACK-9', 'zzz')
        self.assertRegex(
            told,
            r'There are: (RACK-9, rack-9|rack-9, RACK-9), a-0000, .* and '
            r'29\d\d more\. Fix',
        )
        self.assertGreater(len(told), 180)

    def test_long_names_leave_room_for_the_cure(self) -> None:
        long, longer = 'x' * 50, 'y' * 255
        told = self.refused(longer, longer + 'y', long)
        self.assertIn(f'There are: {long} and 1 more. Fix', told)
        told = self.refused('z', longer)
        self.assertIn('There are: 1 with longer names.', told)

    def test_a_blank_can_be_seen(self) -> None:
        exc = self.refusal(self.find, 'aggregate', 'ssd ')
        self.assertIn("names aggregate 'ssd ', which", str(exc))
        exc = self.refusal(self.find, 'aggregate', 'hdd')
        self.assertIn('names aggregate hdd, which', str(exc))


class TestRule(base.DecisionTestCase):
    def test_read(self) -> None:
        self.assertEqual(
            Rule('zone', 'az1', min_free_hosts_num=2),
            Rule.read({'zone': 'az1', 'min_free_hosts_num': 2}),
        )
        self.assertEqual(
            Rule('trait', 'GPU', free_used_percent=12.5),
            Rule.read({'trait': 'GPU', 'free_used_percent': 12.5}),
        )

    def test_a_percentage_without_a_sense(self) -> None:
        huge = Rule('zone', 'az1', free_used_percent=1e308).wanted(500)
        self.assertEqual(huge, Wish(free_used_percent=1e308).wanted(500))
        self.assertGreater(huge, 10**9)

    def test_refused(self) -> None:
        for given, part in (
            ('az1', 'not an object'),
            ({'min_free_hosts_num': 1}, 'none of zone'),
            ({'zone': 'a', 'trait': 'b', 'min_free_hosts_num': 1}, 'more'),
            ({'zone': 'a'}, 'none of min_free_hosts_num'),
            (
                {
                    'zone': 'a',
                    'min_free_hosts_num': 1,
                    'free_used_percent': 1,
                },
                'more than one',
            ),
            ({'zone': '', 'min_free_hosts_num': 1}, 'not a name'),
            ({'zone': 1, 'min_free_hosts_num': 1}, 'not a name'),
            ({'zone': 'a', 'min_free_hosts_num': 1.5}, 'whole number'),
            ({'zone': 'a', 'min_free_hosts_num': True}, 'whole number'),
            ({'zone': 'a', 'min_free_hosts_num': -1}, 'from 0'),
            ({'zone': 'a', 'free_used_percent': 'ten'}, 'number'),
            ({'zone': 'a', 'free_used_percent': float('nan')}, 'number'),
            ({'zone': 'a', 'free_used_percent': 1, 'hosts': 2}, 'has hosts'),
        ):
            with self.subTest(given=given):
                exc = self.refusal(Rule.read, given)
                self.assertIn(part, str(exc))
