# SPDX-License-Identifier: Apache-2.0
"""The driver of ``examples/redfish``, installed as the package of a third
party, with BMCs that are right, slow, wrong or gone."""

import pathlib
import shutil
import subprocess
from typing import Any

import fixtures
import yaml

from metal_drivers_tests.emulators import nova as nova_emulator
from metal_drivers_tests.functional import base
from metal_drivers_tests.functional.services import (
    errors,
    process,
    redfish,
    shared,
    venvs,
    workspace,
)

#: Nobody's password.
WRONG = 'n0t-this-0ne'
#: Seconds that a BMC has: for one that answers more than enough.
TIMEOUT = 3
#: Seconds after which a certification counts as hanging.
CERTIFYING = 300


class TestCase(base.TestCase):
    """With an environment that has the driver, and nothing of Ironic's."""

    def setUp(self) -> None:
        super().setUp()
        try:
            venv = venvs.ensure('redfish-driver', print)
        except errors.ServiceUnavailable as error:
            shared.skip_or_fail(self, str(error))
        self.python = str(venv / 'bin' / 'python')


class TestRedfishDriver(TestCase):
    """Four systems at two BMCs, and what is wrong about four others."""

    def setUp(self) -> None:
        super().setUp()
        self.bmc = redfish.RedfishBMC(
            ('first', 'second', 'denied'), 'On', power_delay=0
        )
        self.slow = redfish.RedfishBMC(('slow',), 'On', power_delay=0)
        for bmc in (self.bmc, self.slow):
            self.start_service(bmc)
        first, second, denied = map(self.bmc.url, self.bmc.system_ids)
        gone = f'http://127.0.0.1:{process.free_port()}/redfish/v1/Systems/1'
        self.systems = {
            'first': {'system': first, 'credentials': 'right'},
            'second': {'system': second, 'credentials': 'right'},
            'slow': {'system': self.slow.url(), 'credentials': 'right'},
            'denied': {'system': denied, 'credentials': 'wrong'},
            # It answers, but not with a system.
            'strange': {
                'system': f'{self.bmc.address}/redfish/v1/Systems',
                'credentials': 'right',
            },
            'gone': {'system': gone, 'credentials': 'right'},
        }
        self.nova = self.useFixture(
            nova_emulator.NovaEmulator(list(self.systems))
        )
        self.nova.power_probe = self.is_on
        self.config = self.configure()

    def configure(self) -> str:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        users = {
            'right': {
                'username': redfish.USER,
                'password': redfish.PASSWORD,
            },
            'wrong': {'username': redfish.USER, 'password': WRONG},
        }
        self.inventory = folder / 'inventory.yaml'
        self.inventory.write_text(yaml.safe_dump(self.systems))
        credentials = folder / 'credentials.yaml'
        credentials.touch(0o600)
        credentials.write_text(yaml.safe_dump(users))
        return self.config_of(
            {
                'watcher.metal.drivers.redfish': {
                    'inventory_file': self.inventory,
                    'credentials_file': credentials,
                    'timeout': TIMEOUT,
                },
                'nova': {
                    'auth_type': 'none',
                    'endpoint_override': f'{self.nova.url}/v2.1',
                },
            }
        )

    def is_on(self, host: str) -> bool:
        """nova-compute runs while its machine does."""
        names = ('first', 'second')
        if host not in names:
            return True
        system = self.bmc.system_ids[names.index(host)]
        return self.bmc.power_state(system) == 'On'

    def run_it(self, *words: str) -> base.Run:
        """A command that prints rows, and no password."""
        run = self.listing(self.config, *words)
        self.assert_kept(run, redfish.PASSWORD, WRONG)
        return run

    def power(self, state: str, *words: str) -> dict[str, dict[str, Any]]:
        """The rows by node."""
        run = self.run_it('node', 'power', state, *words)
        return {row['Node']: row for row in run.rows}

    def test_it_is_found_and_selected(self) -> None:
        (row,) = (
            row
            for row in self.run_it('driver', 'list').rows
            if row['Name'] == 'redfish'
        )
        self.assertEqual('selected', row['State'], str(row))
        self.assertIn('metal-drivers-redfish', row['Distribution'])

    def test_each_is_shown_whatever_is_wrong_with_the_others(self) -> None:
        self.slow.pause()
        self.addCleanup(self.slow.resume)
        rows = {row['Name']: row for row in self.run_it('node', 'list').rows}
        self.assertEqual(set(self.systems), set(rows))
        for name, said in (
            ('slow', f'no reply within {TIMEOUT} s'),
            ('denied', '401'),
            ('strange', 'Id is missing'),
            ('gone', 'Connection refused'),
        ):
            self.assertEqual('unknown', rows[name]['Power State'])
            self.assertIn(said, rows[name]['Note'])
        for name in ('first', 'second'):
            self.assertEqual('on', rows[name]['Power State'])
            self.assertEqual(name, rows[name]['Host'])
        failed = {
            row['Check']: row['Result']
            for row in self.run_it('check').rows
            if row['Check'] in self.systems
        }
        wrong = set(self.systems) - {'first', 'second'}
        self.assertEqual(dict.fromkeys(wrong, 'warning'), failed)

    def test_off_and_on_while_others_are_in_trouble(self) -> None:
        """The right machine is powered, and no other BMC is even asked."""
        self.slow.pause()
        self.addCleanup(self.slow.resume)
        row = self.power('off', '--yes', '--hard', 'first')['first']
        self.assertEqual('done', row['Result'], str(row))
        self.assertEqual('Off', self.bmc.power_state())
        host = self.nova.hosts['first']
        self.assertEqual('disabled', host.status)
        row = self.power('on', 'first')['first']
        self.assertEqual('done', row['Result'], str(row))
        self.assertEqual('enabled', host.status)
        row = self.power('off', '--yes', '--soft', 'second')['second']
        self.assertEqual('done', row['Result'], str(row))
        asked = {
            system
            for system in self.bmc.system_ids
            if any(system in each for each in self.bmc.requests())
        }
        self.assertEqual(set(self.bmc.system_ids[:2]), asked)
        states = [self.bmc.power_state(each) for each in self.bmc.system_ids]
        self.assertEqual(['On', 'Off', 'On'], states)

    def test_trouble_is_told_and_leaves_the_host_as_it_was(self) -> None:
        self.slow.pause()
        self.addCleanup(self.slow.resume)
        told = {
            'slow': f'no reply within {TIMEOUT} s',
            'strange': 'Id is missing',
            'gone': 'Connection refused',
        }
        rows = self.power('off', '--yes', '--hard', 'first', *told)
        self.assertEqual('done', rows.pop('first')['Result'])
        self.assertEqual(set(told), set(rows))
        for name, said in told.items():
            self.assertIn(said, rows[name]['Detail'])
            self.assertEqual('enabled', self.nova.hosts[name].status)
        run = self.run_it('node', 'power', 'off', '--yes', '--hard', 'denied')
        self.assertIn('401', run.output)
        self.assertEqual(1, run.status)
        self.assertEqual('enabled', self.nova.hosts['denied'].status)

    def test_it_is_certified(self) -> None:
        """On a real service, on a host that an operator has taken out."""
        for name in set(self.systems) - {'first', 'second'}:
            del self.systems[name]
        self.config = self.configure()
        host = self.nova.hosts['first']
        host.status, host.disabled_reason = 'disabled', 'being tried'
        badge = self.inventory.with_name('badge.svg')
        command = self.start_command(
            self.config,
            *('driver', 'certify', 'redfish', '--node', 'first', '--yes'),
            *('--output', str(badge), '-f', 'json'),
        )
        run = command.wait(CERTIFYING)
        results = {row['Rule']: row['Result'] for row in run.rows}
        self.assert_status(0, run)
        self.assertEqual({'ok', 'not tried'}, set(results.values()), str(run))
        for rule in (
            'switches-off-and-on',
            'switches-off-softly',
            'threads-get-the-node-that-they-ask-for',
        ):
            self.assertEqual('ok', results[rule], str(run))
        self.assertTrue(badge.read_text().startswith('<svg'))
        states = [self.bmc.power_state(each) for each in self.bmc.system_ids]
        self.assertEqual(['On', 'On', 'On'], states)
        self.assertEqual(
            ('disabled', 'being tried'), (host.status, host.disabled_reason)
        )

    def test_file_that_is_wrong_is_a_usage_error(self) -> None:
        self.inventory.write_text('first: {system: 1}')
        run = self.command(self.config, 'node', 'list')
        self.assert_error(run, 2, str(self.inventory), '$.first')


class TestItsOwnTests(TestCase):
    """What the author runs, where the driver is installed."""

    def test_they_pass(self) -> None:
        # Away from the source, which would be imported instead.
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        tests = workspace.CHECKOUT / 'examples' / 'redfish' / 'tests'
        shutil.copytree(tests, folder / 'tests')
        run = subprocess.run(
            [self.python, '-m', 'unittest', 'discover'],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            env=process.clean_environment(),
            check=False,
        )
        self.assertEqual(0, run.returncode, run.stdout + run.stderr)
        self.assertRegex(run.stderr, r'Ran \d\d+ tests')
