# SPDX-License-Identifier: Apache-2.0
"""What ``check`` says of the configuration, option by option."""

import shlex

import fixtures

from metal_drivers_tests.unit.doctor import base

IRONIC = 'watcher.metal.drivers.ironic'


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

    def test_a_value_that_is_not_valid(self) -> None:
        """The services are checked all the same."""
        self.config['metal_drivers']['min_dwell'] = 'long'
        rows = self.rows(status=1)
        result, detail = rows['[metal_drivers] min_dwell']
        self.assertEqual('failed', result)
        self.assertIn('not valid', detail)
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
        self.drop_in.write_text('[metal_drivers]\nhooks =\nhooks =\n')
        _, detail = self.rows()['[metal_drivers] hooks']
        self.assertIn(f'more than once in {self.drop_in}', detail)

    def test_under_a_former_name(self) -> None:
        self.write(
            self.drop_ins / '60.conf',
            {
                'maas_client': {'timeout': 5},
                'watcher.metal.drivers.maas': {'timeout': 6},
            },
        )
        self.write(self.drop_ins / '70.conf', {'nova': {'timeout': 6}})
        self.write(self.drop_ins / '80.conf', {'nova': {'timeout': 6}})
        rows = self.rows(f'--config-file={self.main}', status=1)
        self.assertIn('[watcher.metal.drivers.maas] timeout', rows)
        self.assertIn('70.conf and in', rows['[nova] timeout'][1])

    def test_the_command_keeps_what_this_command_takes(self) -> None:
        command = next(
            line for line in self.script() if line.startswith('crudini')
        )
        self.assertEqual(
            ['crudini', '--del', str(self.main), 'metal_drivers', 'min_dwell'],
            shlex.split(command),
        )
