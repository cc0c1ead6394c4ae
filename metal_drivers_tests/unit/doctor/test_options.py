# SPDX-License-Identifier: Apache-2.0
"""What ``check`` says of the configuration, option by option."""

import shlex

import fixtures

from metal_drivers_tests.unit.doctor import base

IRONIC = 'watcher.metal.drivers.ironic'
MAAS = 'watcher.metal.drivers.maas'


class TestOrigins(base.DoctorTestCase):
    def test_each_value_and_where_it_comes_from(self) -> None:
        self.write(
            self.drop_ins / '50.conf', {'metal_drivers': {'min_dwell': 60}}
        )
        rows = self.rows()
        self.assertEqual(
            ('ok', f'1, from {self.main}'),
            rows['[metal_drivers] poll_interval'],
        )
        self.assertEqual(
            ('ok', f'60, from {self.drop_ins}/50.conf'),
            rows['[metal_drivers] min_dwell'],
        )
        # What is not set is not listed.
        self.assertNotIn('[metal_drivers] power_off_mode', rows)
        self.assertEqual(
            f'read in this order: {self.main}, {self.drop_ins}/50.conf; of '
            'two that set the same option, the last one wins',
            rows['configuration'][1],
        )

    def test_those_of_watcher_that_are_read(self) -> None:
        self.config['watcher_clients_auth'] = {
            'auth_type': 'password',
            'auth_url': 'http://127.0.0.1:1',
            'password': 'p4ssword',
            'whatever': 1,
        }
        self.config['nova'] |= {'region_name': 'north', 'whatever': 1}
        rows = {
            name: detail
            for name, (_, detail) in self.rows().items()
            if name.startswith(('[nova]', '[watcher_clients_auth]'))
        }
        self.assertEqual(
            {
                '[nova] auth_type': 'none',
                '[nova] endpoint_override': f'{self.nova.url}/v2.1',
                '[nova] region_name': 'north',
                '[watcher_clients_auth] auth_type': 'password',
                '[watcher_clients_auth] auth_url': 'http://127.0.0.1:1',
                '[watcher_clients_auth] password': '***',
            },
            {
                name: detail.removesuffix(f', from {self.main}')
                for name, detail in rows.items()
            },
        )

    def test_one_of_the_environment(self) -> None:
        self.useFixture(
            fixtures.EnvironmentVariable('OS_METAL_DRIVERS__MIN_DWELL', '60')
        )
        self.config['metal_drivers']['min_dwell'] = 30
        _, detail = self.rows()['[metal_drivers] min_dwell']
        self.assertEqual('60, from OS_METAL_DRIVERS__MIN_DWELL', detail)

    def test_no_file_at_all(self) -> None:
        self.main.touch()
        self.main.unlink()
        done = self.run_command('check', '-f', 'json')
        rows = {row['Check']: row['Detail'] for row in done.json}
        self.assertIn('no configuration file', rows['configuration'])

    def test_a_secret_is_never_shown(self) -> None:
        password = 'S3cret-Passw0rd'
        self.config[IRONIC] |= {'password': password, 'username': password}
        self.write(
            self.drop_ins / '9.conf',
            {
                'watcher_clients_auth': {'password': password},
                'metal_drivers': {'poll_intervall': password},
            },
        )
        for args in (
            ('check', '-f', 'json'),
            ('check', '--fix-hints'),
            ('--debug', 'check'),
        ):
            done = self.check(*args)
            self.assertNotIn(password, done.stdout + done.stderr)
        rows = self.rows()
        self.assertEqual(
            f'***, from {self.main}', rows[f'[{IRONIC}] password'][1]
        )

    def test_a_list(self) -> None:
        self.config['metal_drivers']['protected_hosts'] = 'a*,b*'
        self.assertEqual(
            f'a*, b*, from {self.main}',
            self.rows()['[metal_drivers] protected_hosts'][1],
        )

    def test_a_value_of_the_environment_that_is_not_valid(self) -> None:
        """The file that has the option, too, is not the one to correct."""
        name = 'OS_METAL_DRIVERS__MIN_DWELL'
        self.useFixture(fixtures.EnvironmentVariable(name, '5m'))
        self.config['metal_drivers']['min_dwell'] = 30
        _, detail = self.rows(status=1)['[metal_drivers] min_dwell']
        self.assertIn(f"min_dwell: '5m' in {name} is not valid: ", detail)

    def test_a_value_that_is_not_valid(self) -> None:
        """The services are checked all the same."""
        self.config['metal_drivers']['min_dwell'] = 'long'
        rows = self.rows(status=1)
        result, detail = rows['[metal_drivers] min_dwell']
        self.assertEqual('failed', result)
        self.assertIn(
            f"[metal_drivers] min_dwell: 'long' in {self.main} is not valid: "
            'a whole number is needed. Its meaning: How long a node',
            detail,
        )
        self.assertEqual('ok', rows['nova'][0])
        self.assertNotIn('matching', rows)


class TestUnknown(base.DoctorTestCase):
    def test_an_option_that_is_misspelt(self) -> None:
        self.config['metal_drivers']['poll_intervall'] = 7
        self.config[IRONIC]['conductor-group'] = 'a'
        rows = self.rows()
        result, detail = rows['[metal_drivers] poll_intervall']
        self.assertEqual('warning', result)
        self.assertIn(f'{self.main} sets an option', detail)
        self.assertIn('the nearest is poll_interval.', detail)
        self.assertIn(
            'the nearest is conductor_group.',
            rows[f'[{IRONIC}] conductor-group'][1],
        )

    def test_an_option_like_no_other(self) -> None:
        self.config['metal_drivers']['xyzzy'] = 7
        result, detail = self.rows()['[metal_drivers] xyzzy']
        self.assertEqual('warning', result)
        self.assertNotIn('nearest', detail)

    def test_a_section_that_is_misspelt(self) -> None:
        self.config['metal_driver'] = {'driver': 'ironic'}
        self.config['watcher.metal.drivers.ironik'] = {'owner': 'me'}
        self.config['watcher.metal.drivers.acme'] = {'url': 'x'}
        self.config['watcher_strategies.saving_energy'] = {'x': 1}
        rows = self.rows()
        self.assertIn('is [metal_drivers]', rows['[metal_driver]'][1])
        self.assertIn(
            f'is [{IRONIC}]', rows['[watcher.metal.drivers.ironik]'][1]
        )
        self.assertIn('install', rows['[watcher.metal.drivers.acme]'][1])
        self.assertNotIn('[watcher_strategies.saving_energy]', rows)

    def test_what_is_watchers_is_left_alone(self) -> None:
        self.config['watcher_decision_engine'] = {'whatever': 1}
        self.config['nova']['whatever'] = 1
        self.assertEqual([], [row for row in self.rows() if 'whatever' in row])

    def test_a_section_of_watcher_that_is_misspelt(self) -> None:
        for name, near in (
            ('watcher_client_auth', 'watcher_clients_auth'),
            ('maas_clients', 'maas_client'),
            ('maas', MAAS),
            ('ironics', 'ironic'),
        ):
            self.config[name] = {'username': 'watcher'}
            result, detail = self.rows()[f'[{name}]']
            self.assertEqual('warning', result)
            self.assertIn(f'the nearest is [{near}].', detail)
            self.main.unlink()

    def test_an_option_of_watcher_that_is_misspelt(self) -> None:
        self.config['watcher_clients_auth'] = {
            'auth_type': 'v3applicationcredential',
            'auth_url': 'http://127.0.0.1:1',
            'aplication_credential_id': 'x',
            # Of another auth_type, and what Watcher may read or not.
            'username': 'watcher',
            'whatever': 1,
        }
        self.config['nova']['regionname'] = 'north'
        rows = self.rows()
        unknown = {
            name: detail
            for name, (result, detail) in rows.items()
            if result == 'warning' and name.startswith('[')
        }
        self.assertEqual(
            {
                '[watcher_clients_auth] aplication_credential_id',
                '[nova] regionname',
            },
            set(unknown),
        )
        self.assertIn(
            'the nearest is region_name.', unknown['[nova] regionname']
        )
        self.main.unlink()
        self.config['watcher_clients_auth'] = {
            'auth_type': 'password',
            'pasword': 'p4ssword',
        }
        self.assertIn(
            'the nearest is password.',
            self.rows()['[watcher_clients_auth] pasword'][1],
        )

    def test_all_options_that_there_are(self) -> None:
        self.config['maas_client'] = {'url': 'http://127.0.0.1:1/MAAS'}
        self.config['watcher_strategies.metal_saving_energy'] = {
            'any_off_host': 'true'
        }
        self.config['metal_drivers']['driver'] = 'ironic'
        self.config[IRONIC] |= {'auth_type': 'none', 'region_name': 'one'}
        unknown = [
            name
            for name, (result, _) in self.rows().items()
            if result != 'ok' and name.startswith('[')
        ]
        self.assertEqual([], unknown)


class TestRepeated(base.DoctorTestCase):
    """All three ways in which the services are started."""

    NAME = '[metal_drivers] min_dwell'

    def setUp(self) -> None:
        super().setUp()
        self.config['metal_drivers']['min_dwell'] = 1
        self.write(self.main, self.config)
        self.drop_in = self.drop_ins / '50.conf'
        self.write(self.drop_in, {'metal_drivers': {'min_dwell': 2}})

    def test_without_arguments(self) -> None:
        result, detail = self.rows()[self.NAME]
        self.assertEqual('warning', result)
        self.assertIn(f'with --config-file take {self.main};', detail)
        self.assertIn(
            f'with --config-dir after --config-file, take {self.drop_in};',
            detail,
        )
        self.assertIn(f'this command takes {self.drop_in}.', detail)

    def test_with_a_file(self) -> None:
        _, detail = self.rows(f'--config-file={self.main}')[self.NAME]
        self.assertIn(f'this command takes {self.main}.', detail)

    def test_what_is_said_is_so(self) -> None:
        value = {'1': self.main, '2': self.drop_in}
        for args in (
            (),
            (f'--config-file={self.main}',),
            (f'--config-file={self.main}', f'--config-dir={self.drop_ins}'),
        ):
            done = self.check(*args, 'check', '-f', 'json')
            details = [
                row['Detail'] for row in done.json if row['Check'] == self.NAME
            ]
            used = next(each for each in details if ', from ' in each)
            path = value[used.partition(',')[0]]
            self.assertTrue(used.endswith(f'from {path}'), used)
            (said,) = set(details) - {used}
            self.assertIn(f'this command takes {path}.', said)

    def test_in_two_drop_ins(self) -> None:
        self.write(
            self.drop_ins / '60.conf', {'metal_drivers': {'max_concurrent': 2}}
        )
        self.write(
            self.drop_ins / '70.conf', {'metal_drivers': {'max_concurrent': 3}}
        )
        _, detail = self.rows()['[metal_drivers] max_concurrent']
        self.assertIn(f'{self.drop_ins}/70.conf wins', detail)

    def test_twice_in_one_file(self) -> None:
        self.drop_in.write_text(
            '[metal_drivers]\nmax_concurrent = 2\nmax_concurrent = 3\n'
        )
        self.assertEqual(
            [
                f'3, from {self.drop_in}',
                f'set more than once in {self.drop_in}; the last one wins. '
                'Set it once',
            ],
            self.details('[metal_drivers] max_concurrent'),
        )

    def test_in_one_file_under_a_former_name(self) -> None:
        """The one of today wins, though it comes first."""
        name = f'[{MAAS}] timeout'
        self.drop_in.write_text(
            f'[{MAAS}]\ntimeout = 6\n[maas_client]\ntimeout = 5\n'
        )
        self.assertEqual(
            [
                f'6, from {self.drop_in}',
                f'set more than once in {self.drop_in}; {name} wins. '
                'Set it once',
            ],
            self.details(name, status=1),
        )

    def details(self, name: str, status: int = 0) -> list[str]:
        done = self.check('check', '-f', 'json', status=status)
        return [row['Detail'] for row in done.json if row['Check'] == name]

    def test_under_a_former_name(self) -> None:
        self.write(
            self.drop_ins / '60.conf',
            {
                'maas_client': {'timeout': 5},
                MAAS: {'timeout': 6},
            },
        )
        self.write(self.drop_ins / '70.conf', {'nova': {'timeout': 6}})
        self.write(self.drop_ins / '80.conf', {'nova': {'timeout': 6}})
        rows = self.rows(f'--config-file={self.main}', status=1)
        self.assertIn(f'[{MAAS}] timeout', rows)
        self.assertIn('70.conf and in', rows['[nova] timeout'][1])

    def test_the_command_keeps_what_this_command_takes(self) -> None:
        command = next(
            line for line in self.script() if line.startswith('crudini')
        )
        self.assertEqual(
            ['crudini', '--del', str(self.main), 'metal_drivers', 'min_dwell'],
            shlex.split(command),
        )
