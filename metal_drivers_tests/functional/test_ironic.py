# SPDX-License-Identifier: Apache-2.0
"""The command, with a real Ironic that stands alone."""

import uuid
from typing import Any

from metal_drivers import exceptions
from metal_drivers.drivers import ironic as driver
from metal_drivers.model import PowerState
from metal_drivers_tests.emulators import nova as nova_emulator
from metal_drivers_tests.functional import base
from metal_drivers_tests.functional.services import (
    process,
    shared,
    waiting,
)


class IronicTestCase(base.TestCase):
    """Has the configuration for an Ironic without authentication."""

    def config_for(
        self,
        url: str,
        nova: nova_emulator.NovaEmulator | None = None,
        **options: Any,
    ) -> str:
        sections = {
            base.IRONIC: {
                'auth_type': 'none',
                'endpoint_override': url,
                **options,
            }
        }
        if nova is not None:
            sections['nova'] = {
                'auth_type': 'none',
                'endpoint_override': f'{nova.url}/v2.1',
            }
        return self.config_of(sections)


class TestIronic(IronicTestCase):
    """With the Ironic that is shared, and left as it was."""

    def setUp(self) -> None:
        super().setUp()
        self.ironic = shared.ironic_for(self)
        self.config = self.config_for(self.ironic.url)

    def node(self, **fields: Any) -> tuple[str, str]:
        """The uuid and the name of a node that is on."""
        name = self.unique('node')
        return self.enroll(self.ironic, name, **fields), name

    def power_off(self, node: str, *words: str) -> base.Run:
        return self.listing(
            self.config, 'node', 'power', 'off', '--yes', node, *words
        )

    def power_on(self, node: str, *words: str) -> base.Run:
        return self.listing(self.config, 'node', 'power', 'on', node, *words)

    def assert_power(self, node: str, state: str) -> None:
        """Ironic's own word."""
        self.assertEqual(
            f'power {state}', self.ironic.node(node)['power_state']
        )

    # Looking.

    def test_check_is_well(self) -> None:
        self.node()
        run = self.listing(self.config, 'check')
        self.assert_status(0, run)
        results = {row['Check']: row for row in run.rows}
        self.assertEqual('ok', results['ironic endpoint']['Result'])
        self.assertIn(self.ironic.url, results['ironic endpoint']['Detail'])
        # Nova is not configured.
        self.assertEqual('warning', results['nova']['Result'])

    def test_list_has_every_node_and_its_state(self) -> None:
        on, off = self.node()[0], self.node(power='off')[0]
        unknown = self.node(power=None)[0]
        run = self.listing(self.config, 'node', 'list')
        self.assert_status(0, run)
        states = {row['ID']: row['Power State'] for row in run.rows}
        self.assertEqual('on', states[on])
        self.assertEqual('off', states[off])
        self.assertEqual('unknown', states[unknown])

    def test_live_list_has_what_the_list_has(self) -> None:
        self.node()
        self.node(power='off')
        cached = self.listing(self.config, 'node', 'list')
        live = self.listing(self.config, 'node', 'list', '--live')
        self.assert_status(0, live)
        self.assertEqual(cached.rows, live.rows)

    def test_show_tells_all_of_a_node(self) -> None:
        node, name = self.node(resource_class='baremetal')
        self.ironic.set_maintenance(node, 'new fan')
        run = self.listing(self.config, 'node', 'show', name)
        self.assert_status(0, run)
        self.assertEqual(node, run.shown['ID'])
        self.assertEqual('on', run.shown['Power State'])
        self.assertEqual('new fan', run.shown['Maintenance'])
        self.assertEqual('baremetal', run.shown['Resource Class'])
        self.assertEqual('enroll', run.shown['Provision State'])

    def test_show_of_an_unknown_node_is_one_line(self) -> None:
        self.node()
        run = self.listing(self.config, 'node', 'show', 'nobody')
        self.assert_error(run, 1, "'nobody'", 'node list')

    # Switching.

    def test_hard_off_and_on(self) -> None:
        node, name = self.node()
        run = self.power_off(name, '--unmatched', '--hard')
        self.assert_row(run, 'done', 'hard power off')
        self.assert_power(node, 'off')
        run = self.power_off(name, '--unmatched', '--hard')
        self.assert_row(run, 'already')
        run = self.power_on(name, '--unmatched')
        self.assert_row(run, 'done', 'on')
        self.assert_power(node, 'on')
        run = self.power_on(name, '--unmatched')
        self.assert_row(run, 'already')

    def test_soft_off(self) -> None:
        node, _ = self.node()
        run = self.power_off(node, '--unmatched', '--soft')
        self.assert_row(run, 'done', 'soft power off')
        self.assert_power(node, 'off')

    def test_no_wait_returns_with_the_request(self) -> None:
        node, _ = self.node()
        run = self.power_off(node, '--unmatched', '--no-wait')
        self.assert_row(run, 'planned', 'requested')
        self.ironic.wait_settled(node)
        self.assert_power(node, 'off')

    def test_dry_run_changes_nothing(self) -> None:
        node, _ = self.node()
        run = self.listing(
            self.config,
            *('node', 'power', 'off', node, '--unmatched', '--dry-run'),
        )
        self.assert_row(run, 'planned', 'would')
        self.assert_power(node, 'on')

    def test_several_nodes_are_told_apart(self) -> None:
        good, bad = self.node()[0], self.node()[0]
        self.ironic.set_maintenance(bad)
        run = self.power_off(bad, 'nobody', good, '--unmatched')
        self.assert_status(1, run)
        self.assertEqual(
            ['refused', 'failed', 'done'], [row['Result'] for row in run.rows]
        )
        self.assert_power(good, 'off')
        self.assert_power(bad, 'on')

    # Not switching.

    def test_unmatched_is_refused(self) -> None:
        node, _ = self.node()
        self.assert_row(self.power_off(node), 'refused', '--unmatched')
        self.assert_power(node, 'on')

    def test_maintenance_is_refused_though_ironic_would(self) -> None:
        node, _ = self.node()
        self.ironic.set_maintenance(node, 'new fan')
        run = self.power_off(node, '--unmatched')
        self.assert_row(run, 'refused', 'maintenance', 'new fan')
        self.assert_power(node, 'on')
        # Ironic itself would have.
        self.ironic.set_power(node, 'off')
        self.ironic.wait_settled(node)
        self.assert_power(node, 'off')
        self.assert_row(self.power_on(node, '--unmatched'), 'refused')
        self.assert_power(node, 'off')

    def test_disable_power_off_is_refused_at_once(self) -> None:
        node, _ = self.node()
        self.ironic.forbid_power_off(node)
        run = self.power_off(node, '--unmatched')
        self.assert_row(run, 'refused', 'disable_power_off')
        self.assert_power(node, 'on')

    def test_driver_tells_disable_power_off_from_a_lock(self) -> None:
        """Ironic answers 409 to both."""
        node, _ = self.node()
        with driver.IronicDriver(
            {'auth_type': 'none', 'endpoint_override': self.ironic.url}
        ) as metal:
            self.ironic.forbid_power_off(node)
            exc = self.assertRaises(
                exceptions.RefusedError,
                metal.set_power_state,
                node,
                PowerState.OFF,
            )
            self.assertIn('disable_power_off', str(exc))
            self.ironic.forbid_power_off(node, False)
            self.ironic.lock(node)
            self.addCleanup(self.ironic.unlock, node)
            self.assertRaises(
                exceptions.BusyError,
                metal.set_power_state,
                node,
                PowerState.OFF,
            )
        self.assert_power(node, 'on')

    def test_lock_that_outlasts_the_deadline(self) -> None:
        node, _ = self.node()
        self.ironic.lock(node, 'some-conductor')
        self.addCleanup(self.ironic.unlock, node)
        for run in (
            self.power_off(node, '--unmatched', '--timeout', '3'),
            self.power_off(node, '--unmatched', '--timeout', '3', '--hard'),
        ):
            self.assert_row(run, 'timed out', 'some-conductor', '3 s')
            self.assertLess(run.seconds, base.BOUND)
        found = self.ironic.node(node)
        self.assertEqual('some-conductor', found['reservation'])
        self.assertEqual('power on', found['power_state'])
        self.assertIsNone(found['target_power_state'])

    def test_lock_that_ends_in_time(self) -> None:
        node, _ = self.node()
        self.ironic.lock(node)
        self.addCleanup(self.ironic.unlock, node)
        command = self.start_command(
            self.config,
            *('node', 'power', 'off', '--yes', node, '--unmatched'),
            *('-f', 'json'),
        )
        # Its list of nodes, and its first look at this one.
        self.wait_logged(f'GET /v1/nodes/{node}?')
        self.assertTrue(command.running)
        self.ironic.unlock(node)
        self.assert_row(command.wait(), 'done')
        self.assert_power(node, 'off')

    def wait_logged(self, text: str) -> None:
        """Wait until Ironic has logged something."""
        waiting.wait_until(
            lambda: text in self.ironic.log.read_text(), f'the log of {text}'
        )

    def test_unknown_node_is_a_failure(self) -> None:
        self.node()
        unknown = str(uuid.uuid4())
        names = (unknown, 'nobody', '../nodes', 'a b', '')
        run = self.listing(
            self.config, *('node', 'power', 'off', *names, '--yes')
        )
        self.assert_status(1, run)
        self.assertEqual(list(names), [row['Node'] for row in run.rows])
        for name, row in zip(names, run.rows, strict=True):
            self.assertEqual('failed', row['Result'])
            self.assertIn(repr(name), row['Detail'])
            self.assertIn('node list', row['Detail'])

    def test_name_of_two_is_refused(self) -> None:
        """A node that is called as another node's host is."""
        host = self.unique('compute')
        nova = self.useFixture(nova_emulator.NovaEmulator([host]))
        matched, _ = self.node(
            extra={'compute_node_id': nova.hosts[host].hypervisor_id}
        )
        namesake = self.enroll(self.ironic, host)
        self.config = self.config_for(self.ironic.url, nova)
        run = self.power_off(host, '--unmatched')
        self.assert_row(run, 'refused', matched, namesake)
        self.assert_error(
            self.listing(self.config, 'node', 'show', host),
            1,
            matched,
            namesake,
        )
        self.assert_power(matched, 'on')
        self.assert_power(namesake, 'on')
        # By its id it is clear.
        self.assert_row(self.power_off(namesake, '--unmatched'), 'done')
        self.assert_power(matched, 'on')
        self.assertEqual('enabled', nova.hosts[host].status)

    def test_unknown_power_state_is_refused(self) -> None:
        node, _ = self.node(power=None)
        for run in (
            self.power_off(node, '--unmatched'),
            self.power_on(node, '--unmatched'),
        ):
            self.assert_row(run, 'refused', 'power state is unknown')
        self.assertIsNone(self.ironic.node(node)['power_state'])

    def test_state_of_error_is_refused(self) -> None:
        node, _ = self.node()
        self.ironic.alter(node, power_state='error', last_error='BMC gone')
        for run in (
            self.power_off(node, '--unmatched'),
            self.power_on(node, '--unmatched'),
        ):
            self.assert_row(run, 'refused', 'state is error', 'BMC gone')
        self.assertEqual('error', self.ironic.node(node)['power_state'])

    # Configuration that leads astray.

    def test_nobody_at_the_port(self) -> None:
        port = process.free_port()
        run = self.listing(
            self.config_for(f'http://127.0.0.1:{port}'), 'node', 'list'
        )
        self.assert_error(
            run, 1, 'Ironic', str(port), f'[{base.IRONIC}]', 'is up'
        )
        self.assertLess(run.seconds, base.BOUND)

    def test_url_of_something_else(self) -> None:
        nova = self.useFixture(nova_emulator.NovaEmulator())
        for url, told in (
            (nova.url, 'API 2.'),
            (f'{nova.url}/v2.1', 'API 2.'),
            (f'{self.ironic.url}/v1/drivers', '400'),
            (f'{self.ironic.url}/nothing', '404'),
        ):
            run = self.listing(self.config_for(url), 'node', 'list')
            self.assert_error(
                run, 1, 'Ironic', told, f'[{base.IRONIC}]', 'Check that'
            )

    def test_no_auth_type(self) -> None:
        config = self.config_of(
            {base.IRONIC: {'endpoint_override': self.ironic.url}}
        )
        for words in (['node', 'list'], ['node', 'power', 'on', 'a']):
            self.assert_error(
                self.listing(config, *words),
                2,
                f'[{base.IRONIC}]',
                'auth_type',
                '"none"',
            )
