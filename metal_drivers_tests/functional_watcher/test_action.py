# SPDX-License-Identifier: Apache-2.0
"""The action, on its own and in the hands of Watcher's applier."""

import json
import pathlib
import threading
from typing import Any

import fixtures
import jsonschema
from oslo_config import cfg
from watcher import objects
from watcher.applier.actions import factory
from watcher.applier.workflow_engine import default as workflow
from watcher.common import exception

from metal_drivers.model import PowerState
from metal_drivers_tests.functional_watcher import backends, base


class TestAction(backends.Fake):
    """The action by itself, loaded as the applier loads it."""

    START_DECISION_ENGINE = False
    START_APPLIER = False

    def action(self, host: str, state: str, **extra: str) -> Any:
        parameters = {
            'resource_id': self.node_id(host),
            'resource_name': host,
            'state': state,
        } | extra
        record = objects.Action(
            self.context,
            action_type=base.ACTION,
            input_parameters=parameters,
        )
        return factory.ActionFactory().make_action(record)

    def run_action(self, host: str, state: str) -> Any:
        action = self.action(host, state)
        action.pre_condition()
        self.assertTrue(action.execute())
        action.post_condition()
        return action

    def test_parameters_are_validated(self) -> None:
        for wrong in (
            {'state': 'reboot'},
            {'resource_id': ''},
            {'resource_name': ''},
            {'mode': 'hard'},
        ):
            values = {'host': 'compute-2', 'state': 'off'} | wrong
            with self.subTest(wrong=wrong):
                self.assertRaises(
                    jsonschema.ValidationError, self.action, **values
                )

    def test_off_then_on(self) -> None:
        self.run_action('compute-2', 'off')
        self.assertEqual('off', self.power('compute-2'))
        self.assert_service('compute-2', 'disabled', 'metal-drivers/1')
        self.run_action('compute-2', 'on')
        self.assertEqual('on', self.power('compute-2'))
        self.assert_service('compute-2', 'enabled')

    def test_skipped_where_it_is_so(self) -> None:
        self.set_power('compute-2', PowerState.OFF)
        for host, state in (('compute-2', 'off'), ('compute-3', 'on')):
            action = self.action(host, state)
            skipped = self.assertRaises(
                exception.ActionSkipped, action.pre_condition
            )
            self.assertIn(f'already {state}', str(skipped))
            # Who asks for it all the same is right to.
            self.assertTrue(action.execute())

    def test_on_finishes_what_was_left(self) -> None:
        self.leave_disabled('compute-2')
        self.run_action('compute-2', 'on')
        self.assert_service('compute-2', 'enabled')

    def test_on_leaves_the_mark_of_another_node(self) -> None:
        self.leave_disabled('compute-2')
        service = self.nova.hosts['compute-2']
        reason = service.disabled_reason
        assert reason is not None
        service.disabled_reason = reason.replace(
            self.node_id('compute-2'), 'the-one-before'
        )
        action = self.action('compute-2', 'on')
        self.assertRaises(exception.ActionSkipped, action.pre_condition)
        self.assert_service('compute-2', 'disabled', 'the-one-before')

    def test_refused(self) -> None:
        action = self.action('compute-1', 'off')
        action.pre_condition()
        failed = self.assertRaises(exception.WatcherException, action.execute)
        self.assertIn('server is on compute-1', str(failed))
        self.assertEqual('on', self.power('compute-1'))
        self.assert_service('compute-1', 'enabled')

    def test_node_that_there_is_not(self) -> None:
        action = self.action('compute-2', 'off', resource_id='gone')
        failed = self.assertRaises(
            exception.WatcherException, action.pre_condition
        )
        self.assertIn("no node 'gone'", str(failed))

    def test_node_that_runs_another_host(self) -> None:
        action = self.action('compute-2', 'off', resource_name='compute-3')
        failed = self.assertRaises(
            exception.WatcherException, action.pre_condition
        )
        self.assertIn('runs host compute-2, not compute-3', str(failed))

    def test_messages_fit_the_database(self) -> None:
        action = self.action('compute-2', 'off', resource_id='x' * 300)
        failed = self.assertRaises(
            exception.WatcherException, action.pre_condition
        )
        self.assertLessEqual(len(str(failed)), 200)

    def test_revert(self) -> None:
        self.run_action('compute-2', 'off').revert()
        self.assertEqual('on', self.power('compute-2'))
        self.assert_service('compute-2', 'enabled')
        self.set_power('compute-3', PowerState.OFF)
        self.run_action('compute-3', 'on').revert()
        self.assertEqual('off', self.power('compute-3'))

    def test_revert_of_nothing(self) -> None:
        self.leave_disabled('compute-2')
        self.run_action('compute-2', 'on').revert()
        self.assertEqual('on', self.power('compute-2'))

    def test_abort_of_what_is_not_begun(self) -> None:
        self.assertTrue(self.action('compute-2', 'off').abort())
        self.assertEqual('on', self.power('compute-2'))

    def test_abort_of_what_is_done(self) -> None:
        self.assertFalse(self.run_action('compute-2', 'off').abort())


class TestAbort(backends.Ironic):
    """The end of an action that is under way."""

    START_DECISION_ENGINE = False
    START_APPLIER = False

    def backend(self) -> base.Sections:
        timeouts = {'soft_off_timeout': 600, 'power_off_timeout': 600}
        return dict(super().backend()) | {'metal_drivers': timeouts}

    def test_abort(self) -> None:
        node = self.node_id('compute-2')
        self.ironic.node(node).reservation = 'somebody'
        record = objects.Action(
            self.context,
            action_type=base.ACTION,
            input_parameters={'resource_id': node, 'state': 'off'},
        )
        action = factory.ActionFactory().make_action(record)
        action.pre_condition()
        ends: list[Exception] = []

        def execute() -> None:
            try:
                action.execute()
            except exception.WatcherException as exc:
                ends.append(exc)

        thread = threading.Thread(target=execute)
        thread.start()
        self.ironic.wait_for(
            lambda request: request.path.endswith(node), times=3
        )
        self.assertTrue(action.abort())
        thread.join(base.PATIENCE)
        self.assertFalse(thread.is_alive())
        (end,) = ends
        self.assertIn('cancelled', str(end))
        self.assertEqual('on', self.power('compute-2'))
        self.assert_service('compute-2', 'enabled')


class TestHistory(backends.Fake):
    """Each power change of a plan is recorded with whose it is."""

    def backend(self) -> base.Sections:
        home = self.use(fixtures.TempDir())
        self.history = pathlib.Path(home.path, 'history.jsonl')
        sections = super().backend()
        own = {**sections['metal_drivers'], 'history_file': self.history}
        return {**sections, 'metal_drivers': own}

    def test_audit_and_action_plan(self) -> None:
        plan, actions = self.audit_and_execute()
        self.assertEqual('SUCCEEDED', plan['state'])
        lines = self.history.read_text(encoding='utf-8').splitlines()
        found = {line['host']: line for line in map(json.loads, lines)}
        self.assertEqual({'compute-2', 'compute-3'}, set(found))
        for action in actions:
            host = action['input_parameters']['resource_name']
            self.assertEqual(
                {
                    'command': 'watcher-applier',
                    'audit': plan['audit_uuid'],
                    'action_plan': plan['uuid'],
                    'action': action['uuid'],
                },
                found[host]['by'],
            )


class TestApplier(backends.Fake):
    """Actions in a plan."""

    def test_skipped(self) -> None:
        plan = self.plan_of(self.audit())
        self.set_power('compute-2', PowerState.OFF)
        plan = self.execute(plan)
        self.assertEqual('SUCCEEDED', plan['state'])
        skipped, done = self.actions_of(plan)
        self.assertEqual('SKIPPED', skipped['state'])
        self.assertIn('already off', skipped['status_message'])
        self.assertEqual('SUCCEEDED', done['state'])

    def test_rollback(self) -> None:
        """Watcher reverts what is done where it loses its database.

        It does so only where a task raises; an action that fails does not.
        """
        cfg.CONF.set_override(
            'rollback_when_actionplan_failed', True, group='watcher_applier'
        )
        self.addCleanup(
            cfg.CONF.clear_override,
            'rollback_when_actionplan_failed',
            group='watcher_applier',
        )

        def lose(container: Any, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError('the database is gone')

        self.patch(workflow.TaskFlowActionContainer, '_fail_action', lose)
        plan = self.plan_of(self.audit())
        self.nova.add_server('compute-3')
        self.start(plan)
        plan = self.end_of_plan(plan)
        self.assertEqual('FAILED', plan['state'])
        self.assertEqual('on', self.power('compute-2'))
        self.assert_service('compute-2', 'enabled')
