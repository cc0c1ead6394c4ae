# SPDX-License-Identifier: Apache-2.0
"""Configuration, errors and exit status, for every command."""

from importlib import metadata
from unittest import mock

from metal_drivers import fleet
from metal_drivers._openstack import auth
from metal_drivers_tests.emulators import faults
from metal_drivers_tests.unit.cli import base


class TestUsage(base.CommandTestCase):
    def test_no_command_is_usage(self) -> None:
        done = self.metal()
        self.assertEqual(2, done.status)

    def test_unknown_command_is_usage(self) -> None:
        done = self.metal('nodes', 'burn')
        self.assertEqual(2, done.status)

    def test_unknown_option_is_usage(self) -> None:
        self.assertEqual(2, self.metal('node', 'list', '--sudo').status)

    def test_help_is_no_error(self) -> None:
        done = self.metal('node', 'power', 'off', '--help')
        self.assertEqual(0, done.status)
        for option in (
            '--dry-run',
            '--no-wait',
            '--timeout SECONDS',
            '--soft',
            '--hard',
            '--yes',
            '--unmatched',
        ):
            self.assertIn(option, done.stdout)

    def test_a_column_that_is_not_there_is_usage(self) -> None:
        for command in (
            ('driver', 'list'),
            ('driver', 'show', 'ironic'),
            ('node', 'list'),
            ('node', 'show', 'metal-01'),
            ('node', 'power', 'off', 'metal-01', '--yes'),
            ('node', 'recover'),
            ('check',),
            ('plan',),
        ):
            for option in ('-c', '--sort-column'):
                if option == '--sort-column' and command[1:2] == ('show',):
                    continue  # has rows of its own
                done = self.metal(*command, option, 'Wrong')
                self.assertEqual(2, done.status, ' '.join(command))
                self.assertIn("There is no column 'Wrong'", done.stderr)
                self.assertIn('Choose from ', done.stderr)
                self.assertEqual(1, done.stderr.count('\n'), done.stderr)
        self.assertEqual('power on', self.ironic.node('metal-01').power_state)

    def test_columns_are_named_as_cliff_names_them(self) -> None:
        done = self.metal('node', 'list', '-f', 'csv', '-c', 'power_state')
        self.assertEqual('"Power State"', done.stdout.splitlines()[0])

    def test_each_command_has_one_whole_sentence(self) -> None:
        """The list of commands shows the first line of a docstring."""
        for entry in metadata.entry_points(group='metal_drivers.commands'):
            first, _, _ = (entry.load().__doc__ or '').partition('\n')
            self.assertTrue(first.endswith('.'), f'{entry.name}: {first}')


class TestErrors(base.CommandTestCase):
    def test_a_missing_file_is_named(self) -> None:
        done = self.run_command(
            '--config-file=/no/such/file.conf', 'node', 'list'
        )
        self.assertEqual(2, done.status)
        self.assert_one_line(done, '/no/such/file.conf', '--config-file')

    def test_a_file_that_is_no_configuration_is_named(self) -> None:
        path = self.conf_file('this is not = an [ini] file\n]]\n')
        done = self.run_command(f'--config-file={path}', 'node', 'list')
        self.assertEqual(2, done.status)
        self.assert_one_line(done, path)

    def test_a_bad_value_names_section_and_option(self) -> None:
        for option, value in (
            ('poll_interval', 'soon'),
            ('poll_interval', '0'),
            ('max_power_on_per_minute', '6001'),
            ('power_off_mode', 'gently'),
        ):
            self.config['metal_drivers'] = {option: value}
            done = self.metal('node', 'list')
            self.assertEqual(2, done.status, f'{option} = {value}')
            self.assert_one_line(done, f'[metal_drivers] {option}')

    def test_half_a_driver_is_named(self) -> None:
        del self.config['watcher.metal.drivers.ironic']['endpoint_override']
        done = self.metal('node', 'list')
        self.assertEqual(2, done.status)
        self.assert_one_line(
            done, '[watcher.metal.drivers.ironic]', 'endpoint_override'
        )

    def test_no_configuration_at_all_says_what_to_set(self) -> None:
        self.config = {'metal_drivers': {}}
        done = self.metal('node', 'list')
        self.assertEqual(2, done.status)
        self.assert_one_line(done, 'auth_type', '[watcher_clients_auth]')

    def test_a_refused_connection_is_one_line(self) -> None:
        self.config['watcher.metal.drivers.ironic'] |= {
            'endpoint_override': 'http://127.0.0.1:1'
        }
        done = self.metal('node', 'list')
        self.assertEqual(1, done.status)
        self.assert_one_line(
            done, 'Ironic', '127.0.0.1', '[watcher.metal.drivers.ironic]'
        )

    def test_a_nova_that_is_gone_is_one_line(self) -> None:
        self.config['nova'] |= {'endpoint_override': 'http://127.0.0.1:1/v2.1'}
        done = self.metal('node', 'list')
        self.assertEqual(1, done.status)
        self.assert_one_line(done, 'Nova', '[nova]')

    def test_a_hypervisor_list_that_hangs_ends(self) -> None:
        # The option of older releases of keystoneauth is of whole seconds.
        self.patch(auth, 'REQUEST_TIMEOUT', 0.3)
        self.nova.fail(
            lambda request: 'os-hypervisors' in request.path,
            faults.hang(),
            None,
        )
        for command, tried in (
            (('node', 'list'), 'list hypervisors'),
            (('node', 'show', 'metal-01'), 'find hypervisor metal-01'),
            (
                ('node', 'power', 'off', 'metal-01', '--yes'),
                'find hypervisor metal-01',
            ),
        ):
            done = self.metal(*command)
            self.assertEqual(1, done.status)
            self.assert_one_line(done, 'Nova', tried, 'timeout')
        self.assertEqual('power on', self.ironic.node('metal-01').power_state)

    def test_what_should_not_happen_is_one_line_too(self) -> None:
        with mock.patch.object(
            fleet, 'load', side_effect=ZeroDivisionError('a\nb')
        ):
            done = self.metal('node', 'list')
        self.assertEqual(1, done.status)
        self.assert_one_line(done, 'ZeroDivisionError: a b', 'report')


class TestSecrets(base.CommandTestCase):
    """A password is nowhere, whatever goes wrong."""

    def setUp(self) -> None:
        super().setUp()
        self.keystone = self.add_keystone()
        self.credentials = self.config['watcher_clients_auth']
        self.config['watcher.metal.drivers.ironic'] = {
            'region_name': 'RegionOne'
        }

    def check_everywhere(self, status: int, *parts: str) -> None:
        for option in ((), ('--debug',)):
            for command in (('node', 'list'), ('node', 'show', 'metal-01')):
                done = self.metal(*option, *command)
                self.assertEqual(status, done.status)
                self.assertNotIn(base.PASSWORD, done.stdout + done.stderr)
                for part in parts:
                    self.assertIn(part, done.stderr)
                if option:
                    continue
                self.assertNotIn('Traceback', done.stderr)

    def test_with_keystone_all_is_well(self) -> None:
        done = self.metal('node', 'list', '-f', 'json')
        self.assertEqual(0, done.status)
        self.assertEqual('', done.stderr)
        self.assertEqual('compute-01', done.json[0]['Host'])

    def test_wrong_password(self) -> None:
        self.keystone.users['watcher'] = 'changed'
        self.check_everywhere(1, 'did not accept the credentials')

    def test_debug_shows_the_traceback(self) -> None:
        self.keystone.users['watcher'] = 'changed'
        done = self.metal('--debug', 'node', 'list')
        self.assertIn('Traceback', done.stderr)

    def test_wrong_region(self) -> None:
        self.config['watcher.metal.drivers.ironic']['region_name'] = 'Mars'
        self.check_everywhere(2, 'Mars', 'region_name')

    def test_wrong_keystone(self) -> None:
        self.credentials['auth_url'] = 'http://127.0.0.1:1/v3'
        self.check_everywhere(1, '127.0.0.1')

    def test_a_plugin_that_does_not_exist(self) -> None:
        self.credentials['auth_type'] = 'telepathy'
        self.check_everywhere(2, 'telepathy', 'password')

    def test_expired_token_is_renewed(self) -> None:
        self.metal('node', 'list')
        self.keystone.expire_tokens()
        self.assertEqual(0, self.metal('node', 'list').status)

    def test_token_refused_for_good(self) -> None:
        self.ironic.valid_token = lambda token: False
        self.check_everywhere(1, 'not accepted')

    def test_show_masks_the_password(self) -> None:
        self.config['watcher.metal.drivers.ironic'] = self.credentials
        done = self.metal('driver', 'show', 'ironic')
        self.assertEqual(0, done.status)
        self.assertIn('password = ***', done.stdout)
        self.assertNotIn(base.PASSWORD, done.stdout)
