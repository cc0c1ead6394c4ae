# SPDX-License-Identifier: Apache-2.0
"""One of Watcher's own consolidation strategies beside ours."""

import argparse
import json
import pathlib
import shlex
from typing import Any, ClassVar

import fixtures
from oslo_config import cfg
from watcher import objects
from watcher.decision_engine.audit import continuous
from watcher.tests.functional import topology

from metal_drivers_tests.emulators import faults, messages, nova
from metal_drivers_tests.functional_watcher import backends, base, moving

_PAGE = pathlib.Path(__file__).parents[2] / 'doc/source/consolidation.rst'

OURS = 'metal-drivers/1 powered off to save energy'
#: With which Watcher's strategy disables a host for a while.
THEIRS = 'Watcher node resource consolidation strategy'


def commands() -> list[base.Json]:
    """The audits that the page has a deployer create."""
    text = _PAGE.read_text(encoding='utf-8').replace('\\\n', ' ')
    found = []
    for line in map(str.strip, text.splitlines()):
        words = shlex.split(line) if line.startswith('openstack ') else []
        if words[:4] == ['openstack', 'optimize', 'audit', 'create']:
            found.append(_fields(words[4:]))
    return found


def _fields(words: list[str]) -> base.Json:
    """What ``openstack optimize audit create`` makes of its arguments."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument('--name')
    parser.add_argument('--audit_type')
    parser.add_argument('--interval')
    parser.add_argument('--goal')
    parser.add_argument('--strategy')
    parser.add_argument('--auto-trigger', action='store_true')
    parser.add_argument('--parameter', action='append', default=[])
    given = vars(parser.parse_args(words))
    parameters = dict(each.split('=', 1) for each in given.pop('parameter'))
    return given | {
        'parameters': {key: _value(v) for key, v in parameters.items()}
    }


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class _Abstract:
    """Hides it from whoever collects tests."""

    class Cluster(backends.Ironic):
        """One cluster, on which both strategies act."""

        COMPUTE_TOPOLOGY = topology.ComputeTopology()
        #: What the audits have beside what the page says.
        MORE: ClassVar[base.Json] = {}

        def backend(self) -> base.Sections:
            return dict(super().backend()) | {
                # The test says when it is time for an audit.
                'watcher_decision_engine': {'continuous_audit_interval': 3600},
                # An applier has one plan under way at a time, by default.
                'watcher_applier': {'workers': 2},
            }

        def emulated_nova(self) -> nova.NovaEmulator:
            self.moving = moving.MovingNova()
            return self.moving

        def setUp(self) -> None:
            super().setUp()
            self.model_is_stale()
            fixture = self.env.nova_fixture
            self.useFixture(
                fixtures.MockPatch(
                    'watcher.common.clients.get_sdk_connection',
                    return_value=moving.sdk_connection(
                        self.nova.url, fixture.placement_url
                    ),
                )
            )
            self.env.flags(group='nova', migration_max_retries=600)
            #: Each power request: the host, and what was asked for.
            self.requests: list[tuple[str, str]] = []
            #: Those of them that found the host in use.
            self.harm: list[str] = []
            self.ironic.fail(self.record, faults.status(500), None)
            self.theirs, self.ours = (
                self.start_audit(each | self.MORE) for each in commands()
            )

        def model_is_stale(self) -> None:
            """Have Watcher read the cluster again for the next audit, as it
            does every hour, or is told by Nova's notifications."""
            self.load_topology(
                topology.ComputeTopology(
                    compute_nodes=[
                        topology.ComputeNode(name, host.hypervisor_id)
                        for name, host in self.nova.hosts.items()
                    ]
                )
            )

        def start_audit(self, fields: base.Json) -> str:
            """Create a continuous audit; returns its uuid."""
            audit = self.create_audit(**fields)
            found = objects.Audit.get_by_uuid(
                self.context, audit['uuid'], eager=True
            )
            found.hostname = cfg.CONF.host
            found.save()
            uuid: str = found.uuid
            return uuid

        def record(self, request: messages.Request) -> bool:
            """Record a power request as it arrives."""
            if not request.path.endswith('/states/power'):
                return False
            (host,) = (
                name
                for name in self.HOSTS
                if f'/{self.node_id(name)}/' in request.path
            )
            self.requests.append((host, request.json()['target'].split()[-1]))
            if self.moving.in_use(host):
                self.harm.append(host)
            return False  # it does not fail

        def cycle(self, uuid: str) -> None:
            """What Watcher's scheduler runs at each interval."""
            found = objects.Audit.get_by_uuid(self.context, uuid, eager=True)
            continuous.ContinuousAuditHandler.execute_audit(
                found, self.context
            )

        def plans(self, uuid: str) -> list[base.Json]:
            reply = self.get(f'/action_plans?audit_uuid={uuid}')
            found: list[base.Json] = reply['action_plans']
            return found

        def end(self, uuid: str) -> base.Json:
            """The newest plan of an audit, once it has ended."""
            return self.end_of_plan(self.plans(uuid)[-1])

        def run_audit(self, uuid: str) -> base.Json:
            """One cycle, and its plan to the end."""
            self.model_is_stale()
            self.cycle(uuid)
            return self.end(uuid)

        def actions(self, plan: base.Json) -> list[tuple[str, str]]:
            """Type and state of each action."""
            reply = self.get(f'/actions?action_plan_uuid={plan["uuid"]}')
            return [(a['action_type'], a['state']) for a in reply['actions']]

        def assert_quiet(self) -> None:
            """However often the audits run, they have nothing to do."""
            before = list(self.requests)
            for _ in range(3):
                for uuid in (self.theirs, self.ours):
                    self.assertEqual([], self.actions(self.run_audit(uuid)))
            self.assertEqual(before, self.requests)

        def assert_servers(self, **counts: int) -> None:
            """So many servers on each host, and none elsewhere."""
            found: dict[str, int] = {}
            for server in self.moving.cloud.servers.values():
                assert server.host is not None
                name = server.host.name.replace('-', '_')
                found[name] = found.get(name, 0) + 1
            self.assertEqual(counts, found)


class TestBothUnderWay(_Abstract.Cluster):
    """Actions of both at the same time, whatever Watcher does against it:
    with ``force``, an audit runs while a plan of another one does."""

    HOSTS: ClassVar = {
        'compute-1': 3,
        'compute-2': 1,
        'compute-3': 0,
        'compute-4': 0,
    }
    MORE: ClassVar = {'force': True}

    def test_host_that_is_being_emptied(self) -> None:
        """It goes off once it is empty."""
        self.moving.hold = True
        self.cycle(self.theirs)
        self.moving.wait_for_migration()
        plan = self.run_audit(self.ours)
        self.assertEqual('SUCCEEDED', plan['state'])
        self.assertEqual([('compute-3', 'off')], self.requests)
        self.assertEqual('ONGOING', self.plans(self.theirs)[-1]['state'])
        # Another one, while the server is still on its way.
        self.assertEqual([], self.actions(self.run_audit(self.ours)))

        self.moving.land()
        self.assertEqual('SUCCEEDED', self.end(self.theirs)['state'])
        self.assert_servers(compute_1=4)
        self.run_audit(self.ours)
        self.assert_quiet()
        self.assertEqual(
            [('compute-3', 'off'), ('compute-2', 'off')], self.requests
        )
        self.assertEqual([], self.harm)

    def test_more_servers_than_one_host_takes(self) -> None:
        """A host comes back once, and then serves."""
        self.run_audit(self.theirs)
        self.run_audit(self.ours)
        self.assertEqual(2, len(self.requests))
        # The spare host, compute-4, is taken into use.
        for _ in range(3):
            self.nova.add_server('compute-4')
        self.run_audit(self.ours)
        self.assertEqual(3, len(self.requests))
        back, state = self.requests[-1]
        self.assertEqual('on', state)
        self.assert_service(back, 'enabled')
        self.run_audit(self.theirs)
        self.run_audit(self.ours)
        self.assert_quiet()


class TestModelOfAnHourAgo(_Abstract.Cluster):
    """Watcher moves servers to a host that has become empty since."""

    HOSTS: ClassVar = {
        'compute-1': 2,
        'compute-2': 1,
        'compute-3': 3,
        'compute-4': 0,
    }
    MORE: ClassVar = {'force': True, 'auto_trigger': False}

    def plan_to_fill(self) -> base.Json:
        """Have Watcher plan to move a server to compute-3, which then
        loses those that it had."""
        self.cycle(self.theirs)
        (plan,) = self.plans(self.theirs)
        self.assertEqual([('migrate', 'PENDING')], self.actions(plan))
        for server in list(self.moving.cloud.servers.values()):
            if server.host is self.nova.hosts['compute-3']:
                self.nova.remove_server(server)
        return plan

    def test_host_that_is_being_filled(self) -> None:
        """It stays on, although Nova counts no server on it yet."""
        theirs = self.plan_to_fill()
        self.moving.hold = True
        self.start(theirs)
        self.moving.wait_for_migration()
        self.cycle(self.ours)
        ours = self.plans(self.ours)[-1]
        self.assertEqual({'compute-3': 'off'}, self.planned(ours))
        self.execute(ours)
        (action,) = self.actions_of(ours)
        self.assertEqual('FAILED', action['state'])
        self.assertIn('migrating', action['status_message'])
        self.assertEqual([], self.requests)
        self.assert_service('compute-3', 'enabled')

        self.moving.land()
        self.assertEqual('SUCCEEDED', self.end_of_plan(theirs)['state'])
        self.assert_servers(compute_1=2, compute_3=1)
        self.cycle(self.ours)
        self.execute(self.plans(self.ours)[-1])
        self.assertEqual([('compute-2', 'off')], self.requests)
        self.assertEqual([], self.harm)

    def test_host_that_is_off_by_then(self) -> None:
        """Nothing is moved to it, and it stays off."""
        theirs = self.plan_to_fill()
        self.cycle(self.ours)
        self.execute(self.plans(self.ours)[-1])
        self.assertEqual([('compute-3', 'off')], self.requests)
        self.assertEqual('FAILED', self.execute(theirs)['state'])
        self.assert_servers(compute_1=2, compute_2=1)
        self.assertEqual('off', self.power('compute-3'))
        self.assert_service('compute-3', 'disabled', OURS)


class TestNoPlanBesideAnother(_Abstract.Cluster):
    """What Watcher does if nobody tells it to do otherwise."""

    HOSTS: ClassVar = {
        'compute-1': 3,
        'compute-2': 1,
        'compute-3': 0,
        'compute-4': 0,
    }

    def test_no_audit_while_a_plan_is_under_way(self) -> None:
        self.moving.hold = True
        self.cycle(self.theirs)
        self.moving.wait_for_migration()
        self.cycle(self.ours)
        self.assertEqual([], self.plans(self.ours))
        # The audit has its turn the next time.
        self.assertEqual('PENDING', self.get(f'/audits/{self.ours}')['state'])
        self.moving.land()
        self.end(self.theirs)
        self.run_audit(self.ours)
        self.assert_quiet()
        self.assertEqual(
            {('compute-2', 'off'), ('compute-3', 'off')}, {*self.requests}
        )
        self.assertEqual(2, len(self.requests))
        self.assertEqual([], self.harm)


class TestHostsThatWatcherDisables(_Abstract.Cluster):
    """Nova chooses where a server goes, and Watcher disables for as long
    all hosts that are to be empty: ``host_choice`` as it is by default."""

    HOSTS: ClassVar = TestNoPlanBesideAnother.HOSTS
    MORE: ClassVar = {
        'force': True,
        'auto_trigger': False,
        'parameters': {},
    }

    def both_plans(self) -> tuple[base.Json, base.Json]:
        """Watcher's and ours, made before either was started."""
        self.cycle(self.theirs)
        self.cycle(self.ours)
        (theirs,), (ours,) = self.plans(self.theirs), self.plans(self.ours)
        self.assertEqual({'compute-3': 'off'}, self.planned(ours))
        return theirs, ours

    def test_off_while_theirs_is_under_way(self) -> None:
        """Their reason is kept, and Watcher enables the host at the end."""
        theirs, ours = self.both_plans()
        self.moving.hold = True
        self.start(theirs)
        self.moving.wait_for_migration()
        self.execute(ours)
        self.assert_service('compute-3', 'disabled', THEIRS)
        self.moving.land()
        self.assertEqual('SUCCEEDED', self.end_of_plan(theirs)['state'])
        self.assert_off_until_needed()

    def test_off_before_theirs_begins(self) -> None:
        """Watcher finds it disabled, and enables it at the end."""
        theirs, ours = self.both_plans()
        self.execute(ours)
        self.assert_service('compute-3', 'disabled', OURS)
        self.assertEqual('SUCCEEDED', self.execute(theirs)['state'])
        self.assert_off_until_needed()

    def test_audit_that_is_forced_in_between(self) -> None:
        """It finds too few free hosts, as the page says, and brings back
        one; with the next audit, one more than is wanted goes off."""
        theirs, ours = self.both_plans()
        self.execute(ours)
        self.moving.hold = True
        self.start(theirs)
        self.moving.wait_for_migration()
        self.cycle(self.ours)
        plan = self.plans(self.ours)[-1]
        self.assertEqual({'compute-3': 'on'}, self.planned(plan))
        self.execute(plan)
        self.assert_service('compute-3', 'enabled')
        self.moving.land()
        self.end_of_plan(theirs)
        self.assertEqual(
            [('compute-3', 'off'), ('compute-3', 'on')], self.requests
        )

    def assert_off_until_needed(self) -> None:
        """The host stays off, although Watcher has enabled it, and comes
        back when it is needed: no host is power cycled."""
        self.assertEqual([('compute-3', 'off')], self.requests)
        self.assertEqual('off', self.power('compute-3'))
        self.assert_service('compute-3', 'enabled')
        self.assert_servers(compute_1=4)
        for _ in range(2):
            self.cycle(self.ours)
            plan = self.plans(self.ours)[-1]
            if plan['state'] == 'RECOMMENDED':
                self.execute(plan)
        self.assertEqual(
            [('compute-3', 'off'), ('compute-2', 'off')], self.requests
        )
        self.nova.add_server('compute-4')
        self.cycle(self.ours)
        self.execute(self.plans(self.ours)[-1])
        back, state = self.requests[-1]
        self.assertEqual('on', state)
        self.assert_service(back, 'enabled')
        self.assertEqual([], self.harm)
