# SPDX-License-Identifier: Apache-2.0
"""Reserves, idle hosts, and hosts that may not come back, in Watcher."""

import datetime
import logging
from typing import Any

import fixtures

from metal_drivers.compute import markers
from metal_drivers.model import PowerState
from metal_drivers_tests.functional_watcher import backends, base


class TestParameters(backends.Fake):
    """What is refused when the audit is made."""

    START_APPLIER = False

    def create(self, **parameters: Any) -> Any:
        return self.admin_api.post(
            '/audits',
            {
                'audit_type': 'ONESHOT',
                'goal': 'saving_energy',
                'strategy': base.STRATEGY,
                'parameters': parameters,
            },
        )

    def test_wrong_rules_are_refused(self) -> None:
        wrong: tuple[Any, ...] = (
            {'zone': 'az1', 'min_free_hosts_num': 1},
            'zone=az1',
            ['az1'],
            [{}],
            [{'zone': 'az1'}],
            [{'min_free_hosts_num': 1}],
            [{'zone': 'a', 'aggregate': 'b', 'min_free_hosts_num': 1}],
            [{'zone': 'a', 'min_free_hosts_num': 1, 'free_used_percent': 1}],
            [{'zone': '', 'min_free_hosts_num': 1}],
            [{'zone': 1, 'min_free_hosts_num': 1}],
            [{'zone': 'a', 'min_free_hosts_num': 1.5}],
            [{'zone': 'a', 'min_free_hosts_num': -1}],
            [{'zone': 'a', 'free_used_percent': 'ten'}],
            [{'zone': 'a', 'free_used_percent': 1, 'hosts': []}],
        )
        for reserve in wrong:
            with self.subTest(reserve=reserve):
                reply = self.create(reserve=reserve)
                self.assertEqual(400, reply.status_code, reply.text)

    def test_wrong_numbers_are_refused(self) -> None:
        for name in ('idle_minutes', 'exercise_days'):
            for value in (-1, 'ten', None):
                with self.subTest(name=name, value=value):
                    reply = self.create(**{name: value})
                    self.assertEqual(400, reply.status_code, reply.text)
                    self.assertIn(name, reply.text)

    def test_right_ones_are_not(self) -> None:
        reply = self.create(
            reserve=[
                {'zone': 'nova', 'min_free_hosts_num': 0},
                {'zone': 'nova', 'free_used_percent': 12.5},
            ],
            idle_minutes=0.5,
            exercise_days=30,
        )
        self.assertEqual(201, reply.status_code, reply.text)
        self.end_of_audit(reply.json())


class TestReserve(backends.Fake):
    START_APPLIER = False

    def test_kept_and_brought_back(self) -> None:
        """compute-2 to compute-4 are free and on."""
        self.nova.add_aggregate('racks', ['compute-2', 'compute-3'], 'az1')
        rule = {'zone': 'az1', 'min_free_hosts_num': 1}
        plan = self.plan_of(self.audit(min_free_hosts_num=0, reserve=[rule]))
        self.assertEqual(
            {'compute-2': 'off', 'compute-4': 'off'}, self.planned(plan)
        )
        for host in ('compute-2', 'compute-3'):
            self.set_power(host, PowerState.OFF)
        plan = self.plan_of(self.audit(min_free_hosts_num=0, reserve=[rule]))
        self.assertEqual(
            {'compute-2': 'on', 'compute-4': 'off'}, self.planned(plan)
        )

    def test_what_cannot_be_kept_is_told(self) -> None:
        """And a group without hosts is no error."""
        self.nova.add_aggregate('racks', ['compute-2', 'compute-3'], 'az1')
        self.nova.add_aggregate('empty', [])
        rules = [
            {'zone': 'az1', 'min_free_hosts_num': 50},
            {'aggregate': 'empty', 'min_free_hosts_num': 1},
        ]
        self.set_power('compute-2', PowerState.OFF)
        for dry_run in (False, True):
            audit = self.audit(
                min_free_hosts_num=1, reserve=rules, dry_run=dry_run
            )
            self.assertEqual('SUCCEEDED', audit['state'])
            end = (
                ' Dry run: power on id-compute-2 (compute-2); power off '
                'id-compute-4 (compute-4)'
            )
            self.assertEqual(
                'The reserve of zone az1 cannot be kept: 2 of 50 hosts are '
                'free and on, or will be. The reserve of aggregate empty '
                'cannot be kept: 0 of 1 hosts are free and on, or will be.'
                + (end if dry_run else ''),
                audit['status_message'],
            )

    def test_a_group_that_does_not_exist(self) -> None:
        self.nova.add_aggregate('racks', ['compute-2'], 'az1')
        for number in range(100):
            self.nova.add_aggregate(f'a-{number:02}', [])
        rule = {'aggregate': 'rack', 'min_free_hosts_num': 1}
        audit = self.end_of_audit(
            self.create_audit(parameters={'reserve': [rule]})
        )
        self.assertEqual('FAILED', audit['state'])
        self.assertIn('aggregate rack', audit['status_message'])
        self.assertRegex(
            audit['status_message'],
            r'There are: racks, a-00, .* and \d\d more\. Fix the parameter\.$',
        )

    def test_a_server_was_there(self) -> None:
        server = self.nova.add_server('compute-3')
        self.nova.remove_server(server)
        plan = self.plan_of(self.audit(min_free_hosts_num=0, idle_minutes=5))
        self.assertEqual(
            {'compute-2': 'off', 'compute-4': 'off'}, self.planned(plan)
        )

    def test_each_host_has_its_line(self) -> None:
        """In a dry run, in the log of the decision engine."""
        logger = self.useFixture(
            fixtures.FakeLogger(
                'metal_drivers.watcher.strategy', level=logging.INFO
            )
        )
        self.audit(dry_run=True)
        for line in (
            'id-compute-1 (compute-1): stay: 1 server is on it',
            'id-compute-2 (compute-2): off: no servers are on it; 3 are free',
            'id-compute-4 (compute-4): stay: kept as a reserve; 3 are free',
        ):
            self.assertIn(line, logger.output)


class TestUnreliable(backends.Ironic):
    START_APPLIER = False

    def off(self, host: str, hours: float) -> None:
        """Powered off by us so many hours ago."""
        when = datetime.datetime.now(datetime.UTC) - datetime.timedelta(
            hours=hours
        )
        self.ironic.node(self.node_id(host)).power_state = 'power off'
        seen = self.nova.hosts[host]
        seen.status = 'disabled'
        seen.disabled_reason = markers.reason(self.node_id(host), when)

    def indicators(self, plan: base.Json) -> dict[str, float]:
        return {i['name']: i['value'] for i in plan['efficacy_indicators']}

    def test_good_ones_come_first(self) -> None:
        self.off('compute-2', 9)
        self.off('compute-3', 1)
        node = self.ironic.node(self.node_id('compute-2'))
        node.last_error = 'no answer from the BMC'
        audit = self.audit(min_free_hosts_num=2)
        plan = self.plan_of(audit)
        self.assertEqual({'compute-3': 'on'}, self.planned(plan))
        self.assertEqual(1, self.indicators(plan)['hosts_unreliable'])
        self.assertIsNone(audit['status_message'])
        # No other is left.
        audit = self.audit(min_free_hosts_num=3)
        self.assertEqual(
            {'compute-2': 'on', 'compute-3': 'on'},
            self.planned(self.plan_of(audit)),
        )
        self.assertIn(
            'relies on hosts that may not come back: rack-compute-2 '
            '(compute-2) has a fault: no answer from the BMC',
            audit['status_message'],
        )

    def test_exercise(self) -> None:
        self.off('compute-2', 24 * 8)
        self.off('compute-3', 24 * 9)
        plan = self.plan_of(self.audit(exercise_days=7))
        self.assertEqual({'compute-3': 'on'}, self.planned(plan))


class TestDead(backends.Ironic):
    """compute-2 and compute-3 are off, and the one chosen first is dead."""

    def setUp(self) -> None:
        super().setUp()
        self.audit_and_execute()
        self.assertEqual('off', self.power('compute-2'))
        self.assertEqual('off', self.power('compute-3'))

    def test_it_is_not_chosen_again_while_a_good_one_is_off(self) -> None:
        plan = self.plan_of(self.audit(min_free_hosts_num=2))
        (dead,) = self.planned(plan)
        (good,) = {'compute-2', 'compute-3'} - {dead}
        node = self.ironic.node(self.node_id(dead))
        node.power_error = 'no answer from the BMC'
        self.assertEqual('FAILED', self.execute(plan)['state'])
        self.assert_service(dead, 'disabled', 'failed to power on, 1 time, ')
        # Ironic may forget why; the marker does not.
        node.last_error = None
        plan, _ = self.audit_and_execute(min_free_hosts_num=2)
        self.assertEqual('SUCCEEDED', plan['state'])
        self.assertEqual('on', self.power(good))
        self.assert_service(good, 'enabled')
        # Nor is it tried again before it is due.
        plan = self.plan_of(self.audit(min_free_hosts_num=3))
        self.assertEqual({}, self.planned(plan))
        found = {i['name']: i['value'] for i in plan['efficacy_indicators']}
        self.assertEqual(1, found['hosts_unreliable'])


class TestRequests(backends.Ironic):
    """At most ten beyond the lists."""

    START_APPLIER = False

    def test_with_all_that_asks_for_more(self) -> None:
        self.nova.add_aggregate('racks', ['compute-2', 'compute-3'], 'az1')
        for host in self.nova.hosts.values():
            if host.zone == 'nova':
                host.zone = 'europe'
        self.nova.remove_server(self.nova.add_server('compute-3'))
        self.audit()
        self.ironic.forget()
        self.nova.forget()
        self.audit(
            reserve=[
                {'zone': 'az1', 'min_free_hosts_num': 1},
                {'zone': 'europe', 'min_free_hosts_num': 1},
                {'aggregate': 'racks', 'min_free_hosts_num': 1},
            ],
            idle_minutes=60,
            exercise_days=7,
        )
        self.assertEqual(1, len(self.ironic.requests))
        # Two more are for a scope that names aggregates and zones.
        self.assertLessEqual(len(self.nova.requests), 1 + 8)
