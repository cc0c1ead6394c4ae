# SPDX-License-Identifier: Apache-2.0
"""Watcher's own functional environment, with our plugins in it.

API, decision engine and applier run in this process, over sqlite and an
in-memory bus. The compute service is an emulated Nova.
"""

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import fixtures
import sqlalchemy
import sqlalchemy.event
from watcher.db.sqlalchemy import api as database
from watcher.tests.functional import base as watcher_base

from metal_drivers.watcher import process
from metal_drivers_tests.emulators import nova

STRATEGY = 'metal_saving_energy'
ACTION = 'metal_power_state'

#: Seconds after which a plan or an audit counts as hanging.
PATIENCE = 60.0

Sections = Mapping[str, Mapping[str, Any]]
Json = dict[str, Any]


class PatientWriters(fixtures.Fixture):
    """Has Watcher take SQLite's lock when it begins to write.

    A transaction that reads first and writes then fails at once where
    somebody has written in between, with "database is locked" and whatever
    time-out there is. One that is to write from the beginning waits.
    """

    def _setUp(self) -> None:
        begun = database._session_for_write
        pending = threading.local()

        @contextlib.contextmanager
        def to_write() -> Iterator[Any]:
            # Only the first transaction: a look inside it must not wait.
            pending.immediate = True
            with begun() as session:
                yield session

        def begin(
            connection: Any, cursor: Any, statement: str, values: Any, *_: Any
        ) -> tuple[str, Any]:
            # oslo.db says when a transaction begins, not the sqlite3 module.
            if statement == 'BEGIN' and getattr(pending, 'immediate', False):
                pending.immediate = False
                statement = 'BEGIN IMMEDIATE'
            return statement, values

        patch = fixtures.MonkeyPatch(
            'watcher.db.sqlalchemy.api._session_for_write', to_write
        )
        self.useFixture(patch)
        event = (sqlalchemy.Engine, 'before_cursor_execute', begin)
        sqlalchemy.event.listen(*event, retval=True)
        self.addCleanup(sqlalchemy.event.remove, *event)


class TestCase(watcher_base.WatcherFunctionalTestCase):
    """A test with a Watcher, a Nova, and what :meth:`backend` adds."""

    #: Compute hosts by name, and how many servers each has.
    HOSTS: ClassVar[Mapping[str, int]] = {
        'compute-1': 1,
        'compute-2': 0,
        'compute-3': 0,
        'compute-4': 0,
    }

    def setUp(self) -> None:
        self.useFixture(PatientWriters())
        self.nova = self.emulated_nova()
        self.nova.setUp()
        for name, servers in self.HOSTS.items():
            self.nova.add_host(name, servers=servers)
        self._configure(self.backend())
        super().setUp()
        self.addCleanup(self.nova.cleanUp)
        # Before the services that it uses are gone.
        self.addCleanup(process.close)
        # Watcher shows why something failed from this version on.
        headers = {'OpenStack-API-Version': 'infra-optim latest'}
        self.useFixture(
            fixtures.MonkeyPatch(
                'watcher.tests.functional.api.client.WatcherTestClient'
                '._headers',
                _with(type(self.admin_api)._headers, headers),
            )
        )

    def emulated_nova(self) -> nova.NovaEmulator:
        """A Nova without hosts, not started."""
        return nova.NovaEmulator()

    def backend(self) -> Sections:
        """Start a bare metal service; the configuration that leads there."""
        raise NotImplementedError

    def _configure(self, sections: Sections) -> None:
        """Have Watcher read a configuration file with these."""
        values: dict[str, dict[str, Any]] = {
            'metal_drivers': {
                'poll_interval': 1,
                'soft_off_timeout': 2,
                'power_off_timeout': 2,
            },
        }
        if 'watcher_clients_auth' not in sections:
            values['nova'] = {
                'auth_type': 'none',
                'endpoint_override': f'{self.nova.url}/v2.1',
            }
        for group, options in sections.items():
            values.setdefault(group, {}).update(options)
        lines = []
        for group, options in values.items():
            lines += [f'[{group}]']
            lines += [f'{name} = {value}' for name, value in options.items()]
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.config_file = os.path.join(folder.name, 'watcher.conf')
        with open(self.config_file, 'w', encoding='utf-8') as file:
            file.write('\n'.join([*lines, '']))
        patch = fixtures.MonkeyPatch(
            'oslo_config.cfg.find_config_files',
            lambda *args, **kwargs: [self.config_file],
        )
        patch.setUp()
        self.addCleanup(patch.cleanUp)

    # What a user of Watcher does.

    def create_audit(self, **fields: Any) -> Json:
        """Create an audit of our strategy; as it was accepted."""
        reply = self.admin_api.post(
            '/audits',
            {
                'audit_type': 'ONESHOT',
                'goal': 'saving_energy',
                'strategy': STRATEGY,
            }
            | fields,
        )
        self.assertEqual(201, reply.status_code, reply.text)
        found: Json = reply.json()
        return found

    def audit(self, **parameters: Any) -> Json:
        """Run an audit to its end; it succeeds."""
        audit = self.end_of_audit(self.create_audit(parameters=parameters))
        self.assertEqual('SUCCEEDED', audit['state'], audit)
        return audit

    def end_of_audit(self, audit: Json) -> Json:
        """An audit that has ended, as it is then."""
        return self._until(f'/audits/{audit["uuid"]}', 'SUCCEEDED', 'FAILED')

    def plan_of(self, audit: Json) -> Json:
        """The one action plan of an audit."""
        reply = self.admin_api.get(f'/action_plans?audit_uuid={audit["uuid"]}')
        (plan,) = reply.json()['action_plans']
        return self.get(f'/action_plans/{plan["uuid"]}')

    def actions_of(self, plan: Json) -> list[Json]:
        """Its actions, by the host that they are about."""
        reply = self.admin_api.get(
            f'/actions/detail?action_plan_uuid={plan["uuid"]}'
        )
        found: list[Json] = reply.json()['actions']
        found.sort(key=lambda action: names([action]))
        return found

    def planned(self, plan: Json) -> dict[str, str]:
        """What the plan wants: a state for each host."""
        found = {}
        for action in self.actions_of(plan):
            self.assertEqual(ACTION, action['action_type'])
            values = action['input_parameters']
            found[values['resource_name']] = values['state']
        return found

    def start(self, plan: Json) -> None:
        reply = self.admin_api.post(f'/action_plans/{plan["uuid"]}/start', {})
        self.assertEqual(200, reply.status_code, reply.text)

    def execute(self, plan: Json) -> Json:
        """Start a plan, and see it to its end."""
        self.start(plan)
        return self.end_of_plan(plan)

    def end_of_plan(self, plan: Json) -> Json:
        return self._until(
            f'/action_plans/{plan["uuid"]}', 'SUCCEEDED', 'FAILED', 'CANCELLED'
        )

    def audit_and_execute(self, **parameters: Any) -> tuple[Json, list[Json]]:
        """The plan and its actions, once both are at their end."""
        plan = self.execute(self.plan_of(self.audit(**parameters)))
        return plan, self.actions_of(plan)

    def get(self, path: str) -> Json:
        reply = self.admin_api.get(path)
        self.assertEqual(200, reply.status_code, reply.text)
        found: Json = reply.json()
        return found

    def _until(self, path: str, *states: str) -> Json:
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.get(path)
            if found['state'] in states:
                return found
            if time.monotonic() > deadline:
                self.fail(f'{path} did not end: {found}')
            time.sleep(0.1)

    # What Nova has then.

    def assert_service(self, host: str, status: str, reason: str = '') -> None:
        """Nova has the service of this host so, with such a reason."""
        found = self.nova.hosts[host]
        self.assertEqual(status, found.status, found)
        self.assertIn(reason, found.disabled_reason or '')


def names(actions: list[Json]) -> list[str]:
    """The hosts that they are about."""
    return [a['input_parameters']['resource_name'] for a in actions]


def _with(method: Any, headers: Mapping[str, str]) -> Any:
    def extended(client: Any) -> dict[str, str]:
        found: dict[str, str] = method(client) | headers
        return found

    return extended
