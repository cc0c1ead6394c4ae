# SPDX-License-Identifier: Apache-2.0
"""What an audit may ask for, and what it tells."""

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from oslo_config import cfg
from watcher import objects
from watcher.decision_engine.audit import continuous
from watcher.tests.functional import topology

from metal_drivers.model import PowerState
from metal_drivers_tests.emulators import faults
from metal_drivers_tests.functional_watcher import backends, base


class TestParameters(backends.Fake):
    """Parameters of an audit."""

    START_APPLIER = False

    def refused(self, **parameters: Any) -> str:
        reply = self.admin_api.post(
            '/audits',
            {
                'audit_type': 'ONESHOT',
                'goal': 'saving_energy',
                'strategy': base.STRATEGY,
                'parameters': parameters,
            },
        )
        self.assertEqual(400, reply.status_code, reply.text)
        text: str = reply.text
        return text

    def test_wrong_types_are_refused(self) -> None:
        for name, value in (
            ('free_used_percent', 'ten'),
            ('free_used_percent', -1),
            ('min_free_hosts_num', '1'),
            ('min_free_hosts_num', None),
            ('max_actions', 1.5),
            ('max_actions', 0),
            ('dry_run', 'yes'),
            ('hosts', ['compute-1']),
        ):
            with self.subTest(name=name, value=value):
                self.assertIn(name, self.refused(**{name: value}))

    def test_defaults_are_those_of_the_in_tree_strategy(self) -> None:
        schemas = {
            name: self.get(f'/strategies/{name}')['parameters_spec']
            for name in (base.STRATEGY, 'saving_energy')
        }
        ours, theirs = (s['properties'] for s in schemas.values())
        for name, told in theirs.items():
            self.assertEqual(told['type'], ours[name]['type'])
            self.assertEqual(told['default'], ours[name]['default'])
        self.assertEqual(
            {
                'reserve',
                'idle_minutes',
                'exercise_days',
                'max_actions',
                'dry_run',
            },
            set(ours).difference(theirs),
        )

    def test_no_parameters(self) -> None:
        audit = self.end_of_audit(self.create_audit())
        self.assertEqual(
            {'compute-2': 'off', 'compute-3': 'off'},
            self.planned(self.plan_of(audit)),
        )

    def test_max_actions(self) -> None:
        plan = self.plan_of(self.audit(max_actions=1))
        self.assertEqual({'compute-2': 'off'}, self.planned(plan))

    def test_dry_run_plans_nothing_and_tells(self) -> None:
        audit = self.audit(dry_run=True)
        self.assertEqual(
            'Dry run: power off id-compute-2 (compute-2), '
            'id-compute-3 (compute-3)',
            audit['status_message'],
        )
        plan = self.plan_of(audit)
        self.assertEqual({}, self.planned(plan))
        self.assertEqual('SUCCEEDED', plan['state'])
        self.assertEqual(2, _indicators(plan)['hosts_freed'])

    def test_indicators(self) -> None:
        self.set_power('compute-4', PowerState.OFF)
        plan = self.plan_of(self.audit())
        self.assertEqual(
            {
                'hosts_on': 3,
                'hosts_off': 1,
                'hosts_freed': 1,
                'hosts_unreliable': 0,
            },
            _indicators(plan),
        )
        (share,) = plan['global_efficacy']
        self.assertEqual('freed_hosts_ratio', share['name'])
        self.assertAlmostEqual(100 / 3, share['value'])

    def test_two_audits_agree(self) -> None:
        plans = [self.planned(self.plan_of(self.audit())) for _ in 'ab']
        self.assertEqual(plans[0], plans[1])


class TestLimits(backends.Fake):
    """Hosts that no plan touches."""

    START_APPLIER = False

    def backend(self) -> base.Sections:
        sections = dict(super().backend())
        sections['metal_drivers'] = dict(
            sections['metal_drivers'], protected_hosts='compute-2'
        )
        return sections

    def test_protected(self) -> None:
        """It counts as free and on all the same."""
        plan = self.plan_of(self.audit())
        self.assertEqual(
            {'compute-3': 'off', 'compute-4': 'off'}, self.planned(plan)
        )

    def test_disabled_by_others(self) -> None:
        host = self.nova.hosts['compute-3']
        host.status, host.disabled_reason = 'disabled', 'broken fan'
        plan = self.plan_of(self.audit())
        self.assertEqual({'compute-4': 'off'}, self.planned(plan))


class TestNoMoreMayBeOff(backends.Fake):
    """As many hosts are off as there may be."""

    def backend(self) -> base.Sections:
        sections = dict(super().backend())
        sections['metal_drivers'] = dict(
            sections['metal_drivers'], max_powered_off='0'
        )
        return sections

    def test_left_by_a_run_that_was_killed(self) -> None:
        """It may not go off, so it is given back."""
        self.leave_disabled('compute-2')
        plan, _ = self.audit_and_execute()
        self.assertEqual({'compute-2': 'on'}, self.planned(plan))
        self.assertEqual('SUCCEEDED', plan['state'])
        self.assert_service('compute-2', 'enabled')


class TestScope(backends.Fake):
    """The scope of an audit, which Watcher's own code reads."""

    START_APPLIER = False

    COMPUTE_TOPOLOGY = topology.ComputeTopology(
        aggregates=[
            topology.Aggregate(
                id=1, name='racks', hosts=['compute-1', 'compute-3']
            )
        ]
    ).add_computes(count=4)

    def audit_in(self, *rules: base.Json) -> base.Json:
        """An audit by a template with that scope, at its end."""
        reply = self.admin_api.post(
            '/audit_templates',
            {
                'name': f'template-{len(rules)}-{time.monotonic()}',
                'goal': 'saving_energy',
                'strategy': base.STRATEGY,
                'scope': [{'compute': list(rules)}],
            },
        )
        self.assertEqual(201, reply.status_code, reply.text)
        reply = self.admin_api.post(
            '/audits',
            {
                'audit_type': 'ONESHOT',
                'audit_template_uuid': reply.json()['uuid'],
                'parameters': {'min_free_hosts_num': 0},
            },
        )
        self.assertEqual(201, reply.status_code, reply.text)
        return self.end_of_audit(reply.json())

    def planned_in(self, *rules: base.Json) -> dict[str, str]:
        return self.planned(self.plan_of(self.audit_in(*rules)))

    def test_aggregate(self) -> None:
        self.assertEqual(
            {'compute-3': 'off'},
            self.planned_in({'host_aggregates': [{'name': 'racks'}]}),
        )

    def test_availability_zone(self) -> None:
        everywhere = self.planned_in({'availability_zones': [{'name': '*'}]})
        self.assertEqual(3, len(everywhere))
        self.assertEqual(
            {}, self.planned_in({'availability_zones': [{'name': 'mars'}]})
        )

    def test_excluded_host(self) -> None:
        self.assertEqual(
            {'compute-3': 'off', 'compute-4': 'off'},
            self.planned_in(
                {'exclude': [{'compute_nodes': [{'name': 'compute-2'}]}]}
            ),
        )

    def test_excluded_host_that_there_is_not(self) -> None:
        """Perhaps mistyped: better nothing than the wrong host."""
        rule = {'exclude': [{'compute_nodes': [{'name': 'computer-2'}]}]}
        audit = self.audit_in(rule)
        self.assertEqual('FAILED', audit['state'])
        self.assertIn('computer-2', audit['status_message'])


class TestRequests(backends.Ironic):
    """What an audit asks of the services."""

    START_APPLIER = False
    HOSTS: ClassVar[Mapping[str, int]] = {
        f'compute-{n}': 0 for n in range(1, 31)
    }

    def test_one_list_each(self) -> None:
        self.audit()
        self.ironic.forget()
        self.nova.forget()
        plan = self.plan_of(self.audit())
        self.assertEqual(29, len(self.planned(plan)))
        self.assertEqual(1, len(self.ironic.requests))
        self.assertEqual(1, len(self.nova.requests))


class TestContinuous(backends.Fake):
    """An audit that Watcher repeats."""

    def cycle(self) -> None:
        """What Watcher's scheduler runs at each interval."""
        found = objects.Audit.get_by_uuid(self.context, self.uuid, eager=True)
        continuous.ContinuousAuditHandler.execute_audit(found, self.context)

    def newest_plan(self) -> base.Json:
        plans = self.get(f'/action_plans?audit_uuid={self.uuid}')
        return self.get(f'/action_plans/{plans["action_plans"][-1]["uuid"]}')

    def test_several_cycles(self) -> None:
        audit = self.create_audit(
            audit_type='CONTINUOUS', interval='3600', auto_trigger=True
        )
        self.uuid = audit['uuid']
        found = objects.Audit.get_by_uuid(self.context, self.uuid, eager=True)
        found.hostname = cfg.CONF.host
        found.save()

        self.cycle()
        self.end_of_plan(self.newest_plan())
        self.assertEqual(2, list(self.powers().values()).count('off'))
        self.cycle()  # nothing to do
        self.assertEqual({}, self.planned(self.newest_plan()))
        # Servers arrive: one more host is wanted.
        self.nova.add_server('compute-4')
        self.cycle()
        plan = self.end_of_plan(self.newest_plan())
        self.assertEqual(['on'], list(self.planned(plan).values()))
        self.assertEqual(1, list(self.powers().values()).count('off'))
        self.cycle()
        self.assertEqual({}, self.planned(self.newest_plan()))
        self.assertEqual('ONGOING', self.get(f'/audits/{self.uuid}')['state'])


class TestBrokenConfiguration(backends.Fake):
    """What cannot work says why, where the operator looks."""

    START_APPLIER = False

    def backend(self) -> base.Sections:
        return {'watcher.metal.drivers.maas': {'url': 'http://127.0.0.1:1/'}}

    def setUp(self) -> None:
        super().setUp()
        self.nova.power_probe = None

    def test_half_configured_driver(self) -> None:
        audit = self.end_of_audit(self.create_audit())
        self.assertEqual('FAILED', audit['state'])
        self.assertIn('maas', audit['status_message'])
        self.assertIn('api_key', audit['status_message'])
        self.assertLessEqual(len(audit['status_message']), 255)


class TestNoNova(backends.Fake):
    START_APPLIER = False

    def test_it_is_told(self) -> None:
        self.nova.fail(lambda request: True, faults.status(503), None)
        audit = self.end_of_audit(self.create_audit())
        self.assertEqual('FAILED', audit['state'])
        self.assertIn('Nova', audit['status_message'])


def _indicators(plan: base.Json) -> dict[str, float]:
    return {i['name']: i['value'] for i in plan['efficacy_indicators']}
