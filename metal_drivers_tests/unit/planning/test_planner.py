# SPDX-License-Identifier: Apache-2.0
"""A plan, with what it asks a loopback Nova for."""

import datetime
from typing import Any

from metal_drivers import compute, exceptions, services
from metal_drivers.compute import markers
from metal_drivers.fleet import Fleet, Member
from metal_drivers.model import Node, PowerState
from metal_drivers.planning import Decision, Rule, Wish, make_plan, needed
from metal_drivers.power import PowerSettings
from metal_drivers_tests.emulators import faults, messages, nova
from metal_drivers_tests.unit import base

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


class PlannerTestCase(base.TestCase):
    """Five hosts, free and on."""

    HOSTS = 5

    def setUp(self) -> None:
        super().setUp()
        self.now = NOW
        self.nova = self.useFixture(
            nova.NovaEmulator(
                hosts=self.HOSTS, clock=lambda: self.now.timestamp()
            )
        )
        found = services.open_compute(
            self.conf(
                nova={
                    'auth_type': 'none',
                    'endpoint_override': f'{self.nova.url}/v2.1',
                }
            )
        )
        assert found is not None
        self.compute: compute.Compute = found
        self.traits: dict[str, str] = {}
        self.powered_off: set[str] = set()
        self.unmatched: list[Member] = []

    def plan(self, scope: set[str] | None = None, **wish: Any) -> Decision:
        hosts = self.compute.list_hosts()
        self.nova.forget()
        members = tuple(
            Member(
                Node(
                    f'id-{host.name}',
                    f'node-{host.name}',
                    PowerState.OFF
                    if host.name in self.powered_off
                    else PowerState.ON,
                    labels=frozenset({self.traits.get(host.name, 'ANY')}),
                ),
                host,
            )
            for host in hosts
        )
        return make_plan(
            Fleet((*members, *self.unmatched), tuple(hosts)),
            self.compute,
            Wish(**{'min_free_hosts_num': 0} | wish),
            PowerSettings(),
            scope=scope,
            now=self.now,
        )

    def off(self, decision: Decision) -> list[int]:
        """Numbers of the hosts that go off."""
        return [int(m.node.name[-2:]) for m in decision.off]

    def reason(self, decision: Decision, number: int) -> str:
        (found,) = (
            verdict.reason
            for verdict in decision.verdicts
            if verdict.member.node.name.endswith(f'{number:02}')
        )
        return found


class TestGroups(PlannerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.nova.add_aggregate('ssd', ['compute-01', 'compute-02'])
        self.nova.add_aggregate('rack', ['compute-03', 'compute-04'], 'az1')
        self.traits['compute-05'] = 'GPU'

    def test_one_request_whatever_the_number_of_rules(self) -> None:
        reserve = (
            Rule('aggregate', 'ssd', 1),
            Rule('aggregate', 'rack', 1),
            Rule('zone', 'az1', 1),
            Rule('zone', 'nova', 1),
            Rule('trait', 'GPU', 1),
        )
        decision = self.plan(reserve=reserve)
        self.assertEqual([1, 3], self.off(decision))
        (request,) = self.nova.requests
        self.assertEqual('/v2.1/os-aggregates', request.path)

    def test_traits_take_no_request(self) -> None:
        decision = self.plan(reserve=(Rule('trait', 'GPU', 1),))
        self.assertEqual([1, 2, 3, 4], self.off(decision))
        self.assertEqual([], self.nova.requests)

    def test_a_default_zone_with_another_name(self) -> None:
        """Aggregates do not tell it; services do."""
        for host in self.nova.hosts.values():
            if host.zone == 'nova':
                host.zone = 'europe'
        decision = self.plan(reserve=(Rule('zone', 'europe', 2),))
        self.assertEqual([1, 3, 4], self.off(decision))
        self.assertEqual(2, len(self.nova.requests))

    def test_what_does_not_exist(self) -> None:
        for rule, there in (
            (Rule('zone', 'az7', 1), 'az1, nova'),
            (Rule('aggregate', 'hdd', 1), 'rack, ssd'),
            (Rule('trait', 'gpu', 1), 'GPU, ANY'),
        ):
            exc = self.refusal(self.plan, reserve=(rule,))
            self.assertIn(f'names {rule.group}', str(exc))
            self.assertIn(there, str(exc))

    def test_a_nova_that_is_not_configured(self) -> None:
        self.assertIn('Nova is not', str(self.refusal(needed, None)))
        self.assertIs(self.compute, needed(self.compute))

    def test_only_what_is_in_scope_counts(self) -> None:
        decision = self.plan(
            scope={'compute-03', 'compute-05'},
            reserve=(Rule('zone', 'az1', 1),),
        )
        self.assertEqual([5], self.off(decision))
        self.assertEqual(2, len(decision.verdicts))

    def test_a_node_without_a_host_is_left_alone(self) -> None:
        self.unmatched.append(Member(Node('id-6', 'node-6', PowerState.ON)))
        for scope in (None, {'compute-03', 'compute-05'}):
            decision = self.plan(scope=scope)
            self.assertNotIn(6, self.off(decision))
            self.assertEqual(len(scope or '12345'), len(decision.verdicts))

    def test_a_nova_that_does_not_answer(self) -> None:
        """A plan without the reserves would be wrong."""
        self.nova.fail(
            messages.matching('GET', '/v2.1/os-aggregates'),
            faults.status(503),
            None,
        )
        self.assertRaises(
            exceptions.UnavailableError,
            self.plan,
            reserve=(Rule('zone', 'az1', 1),),
        )


class TestIdle(PlannerTestCase):
    """``idle_minutes``."""

    def was_on(self, number: int) -> None:
        """A server, which is deleted now."""
        self.nova.remove_server(self.nova.add_server(f'compute-{number:02}'))

    def test_a_host_that_had_a_server_stays(self) -> None:
        self.was_on(2)
        server = self.nova.add_server('compute-05')
        self.nova.add_migration(
            server, 'compute-03', 'compute-05', 'completed'
        )
        self.now += datetime.timedelta(minutes=29)
        decision = self.plan(idle_minutes=30)
        self.assertEqual([1, 4], self.off(decision))
        self.assertRegex(
            self.reason(decision, 2),
            r'a server was on it within 30 min \(idle_minutes\): server .* '
            'was deleted at 2026-11-22 ?T?12:00:00 UTC',
        )
        self.assertIn('moved away', self.reason(decision, 3))
        self.now += datetime.timedelta(minutes=2)
        self.assertEqual([1, 2, 3, 4], self.off(self.plan(idle_minutes=30)))

    def test_another_goes_in_its_place(self) -> None:
        self.was_on(1)
        decision = self.plan(idle_minutes=30, max_actions=1)
        self.assertEqual([2], self.off(decision))

    def test_the_reserve_is_of_those_that_stay(self) -> None:
        """They are free and on as well."""
        self.was_on(1)
        decision = self.plan(idle_minutes=30, min_free_hosts_num=1)
        self.assertEqual([2, 3, 4, 5], self.off(decision))

    def test_not_asked_for_by_default(self) -> None:
        self.was_on(1)
        self.assertEqual([1, 2, 3, 4, 5], self.off(self.plan()))
        self.assertEqual([], self.nova.requests)

    def test_not_asked_where_none_goes_off(self) -> None:
        self.was_on(1)
        decision = self.plan(idle_minutes=30, min_free_hosts_num=5)
        self.assertEqual([], self.off(decision))
        self.assertEqual([], self.nova.requests)

    def test_asked_only_for_hosts_that_are_about_to_go_off(self) -> None:
        self.plan(idle_minutes=30, max_actions=1)
        self.assertEqual(
            ['compute-01'] * 3,
            [
                request.last('host') or request.last('source_compute')
                for request in self.nova.requests
            ],
        )

    def test_many_hosts_take_no_more_requests_than_few(self) -> None:
        self.was_on(4)
        decision = self.plan(idle_minutes=30)
        self.assertEqual([1, 2, 3, 5], self.off(decision))
        self.assertEqual(3, len(self.nova.requests))
        self.nova.forget()
        for number in (1, 2, 3):
            self.was_on(number)
        # The first by itself, then all.
        decision = self.plan(idle_minutes=30, max_actions=1)
        self.assertEqual([5], self.off(decision))
        self.assertLessEqual(len(self.nova.requests), 6)

    def test_what_cannot_be_answered_keeps_hosts_on(self) -> None:
        for actions in (1, None):
            self.nova.heal()
            self.nova.fail(
                messages.matching('GET', '/v2.1/os-migrations'),
                faults.status(503),
                None,
            )
            decision = self.plan(idle_minutes=30, max_actions=actions)
            self.assertEqual([], self.off(decision))
            self.assertLessEqual(len(self.nova.requests), 6)
            self.assertIn(
                'it is not known whether a server was on it',
                self.reason(decision, 1),
            )

    def test_a_cell_that_is_lost_in_between(self) -> None:
        """Nova leaves out what it would have to ask that cell for. It did
        answer when the hosts were listed."""

        def lose(exchange: faults.Exchange) -> None:
            self.nova.hosts['compute-01'].cell_answers = False
            exchange.send(exchange.perform())

        self.was_on(1)
        for actions in (1, None):
            self.nova.hosts['compute-01'].cell_answers = True
            self.nova.fail(
                messages.matching(
                    'GET', '/v2.1/(servers/detail|os-migrations)'
                ),
                lose,
            )
            decision = self.plan(idle_minutes=30, max_actions=actions)
            self.assertEqual([], self.off(decision))
            self.assertRegex(
                self.reason(decision, 1),
                'it is not known whether a server was on it within 30 min '
                r'\(idle_minutes\): .* nova-compute on compute-01: the data',
            )

    def test_more_servers_than_may_be_asked_for(self) -> None:
        self.nova.max_limit = 1
        for _ in range(9):
            self.was_on(1)
        decision = self.plan(idle_minutes=30)
        self.assertEqual([], self.off(decision))
        self.assertIn('more than', self.reason(decision, 2))
        self.assertLessEqual(len(self.nova.requests), 6)


class TestMarkers(PlannerTestCase):
    """Markers tell of hosts that failed to power on."""

    def test_failed(self) -> None:
        for number, kind, times in (
            (1, markers.MarkerKind.FAILED_ON, 2),
            (2, markers.MarkerKind.POWERED_OFF, 0),
        ):
            host = self.nova.hosts[f'compute-{number:02}']
            host.status = 'disabled'
            host.disabled_reason = markers.reason(
                f'id-{host.name}', self.now, kind, times
            )
            self.powered_off.add(host.name)
        self.now += datetime.timedelta(hours=1, minutes=59)
        decision = self.plan(min_free_hosts_num=5)
        self.assertEqual(
            ['node-compute-02'], [m.node.name for m in decision.on]
        )
        self.assertEqual(
            'it failed to power on 2 times, last at 2026-11-22 12:00:00 UTC; '
            'it is tried again after 2026-11-22 14:00:00 UTC',
            self.reason(decision, 1),
        )
        self.assertEqual(1, decision.hosts_unreliable)
        self.now += datetime.timedelta(minutes=2)
        decision = self.plan(min_free_hosts_num=5)
        self.assertEqual(
            ['node-compute-02', 'node-compute-01'],
            [m.node.name for m in decision.on],
        )
        self.assertEqual(
            '3 are free and on, 5 wanted; it is off, and no better host is '
            'left: it failed to power on 2 times, last at 2026-11-22 '
            '12:00:00 UTC',
            self.reason(decision, 1),
        )


class TestRequests(PlannerTestCase):
    """At most ten beyond the lists, two of them for an audit's scope."""

    HOSTS = 40

    def test_all_at_once(self) -> None:
        self.nova.add_aggregate('rack', ['compute-03'], 'az1')
        self.nova.max_limit = 3
        for number in range(1, 12):
            self.nova.remove_server(
                self.nova.add_server(f'compute-{number:02}')
            )
        for host in self.nova.hosts.values():
            if host.zone == 'nova':
                host.zone = 'europe'
        decision = self.plan(
            reserve=(Rule('zone', 'az1', 1), Rule('zone', 'europe', 1)),
            idle_minutes=30,
        )
        self.assertEqual(list(range(12, 41)), self.off(decision))
        self.assertLessEqual(len(self.nova.requests), 8)
