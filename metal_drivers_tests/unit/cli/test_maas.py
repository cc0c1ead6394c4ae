# SPDX-License-Identifier: Apache-2.0
"""The commands that look, on MAAS; what they cost, and their errors."""

from metal_drivers_tests.emulators import faults
from metal_drivers_tests.unit.cli import maas as maas_cli
from metal_drivers_tests.unit.drivers.maas import base as maas_base

GROUP = maas_cli.GROUP


class TestLook(maas_cli.MaasCommandTestCase):
    def test_the_driver_is_chosen(self) -> None:
        rows = {row['Name']: row for row in self.rows('driver', 'list')}
        self.assertEqual('selected', rows['maas']['State'])
        done = self.metal('driver', 'show', 'maas', '-f', 'json')
        self.assertIn('api_key = ***', done.json['Options'])

    def test_check(self) -> None:
        results = {row['Check']: row for row in self.rows('check')}
        for name, result in (
            ('driver', 'ok'),
            ('maas endpoint', 'ok'),
            ('maas tls', 'warning'),
            ('maas credentials', 'ok'),
            ('maas clock', 'ok'),
            ('maas machines', 'ok'),
            ('nova', 'ok'),
            ('matching', 'ok'),
        ):
            self.assertEqual(result, results[name]['Result'], name)
        self.assertIn('4 of 4 nodes', results['matching']['Detail'])
        self.assertEqual(0, self.maas.count('POST'))

    def test_list_matches_by_full_and_by_short_name(self) -> None:
        rows = self.rows('node', 'list')
        self.assertEqual(
            [
                ('compute-01', 'compute-01', 'on', 'up', 0),
                ('compute-02', 'compute-02', 'on', 'up', 1),
                ('compute-03', 'compute-03', 'on', 'up', 0),
                ('compute-04', 'compute-04.lab.example.com', 'on', 'up', 0),
            ],
            [
                (
                    row['Name'],
                    row['Host'],
                    row['Power State'],
                    row['Hypervisor State'],
                    row['Servers'],
                )
                for row in rows
            ],
        )
        self.assertEqual({''}, {row['Note'] for row in rows})
        self.assertEqual(2, len(self.maas.requests))

    def test_live(self) -> None:
        self.maas.machine('compute-03').power = 'off'
        states = {
            row['Name']: row['Power State']
            for row in self.rows('node', 'list', '--live')
        }
        self.assertEqual('off', states['compute-03'])
        self.assertEqual('on', states['compute-01'])

    def test_live_says_why_a_state_is_not_known(self) -> None:
        self.maas.machine('compute-03').unreachable = True
        rows = {r['Name']: r for r in self.rows('node', 'list', '--live')}
        self.assertEqual('unknown', rows['compute-03']['Power State'])
        done = self.metal('node', 'show', 'compute-03', '-f', 'json')
        self.assertIn(done.json['Fault'], rows['compute-03']['Note'])
        self.assertIn('(500', rows['compute-03']['Note'])
        self.assertEqual('', rows['compute-01']['Note'])

    def test_show(self) -> None:
        done = self.metal('node', 'show', 'compute-04', '-f', 'json')
        self.assertEqual('compute-04.lab.example.com', done.json['Host'])
        self.assertEqual('Deployed', done.json['Status Name'])
        self.assertTrue(done.json['Soft Off'])
        self.assertTrue(done.json['Observed At'])

    def test_what_is_not_deployed_tells_its_status(self) -> None:
        """It is in no list; who names it reads why nothing is done."""
        names = [row['Name'] for row in self.rows('node', 'list')]
        self.assertNotIn('compute-05', names)
        system_id = self.maas.machine('compute-05').system_id
        for name in ('compute-05', system_id):
            done = self.metal('node', 'show', name)
            self.assertEqual(0, done.status, done.stderr)
            self.assertIn('not Deployed', done.stdout)
            (row,) = self.off(name, status=1)
            self.assertEqual('refused', row['Result'])
            self.assertIn('not Deployed', row['Detail'])
        self.assertEqual([], self.effects('compute-05'))


class TestCost(maas_cli.MaasCommandTestCase):
    """Never a list to find one machine: a MAAS takes 0.1 s for each."""

    def fill(self) -> None:
        for _ in range(1000):
            self.maas.add_machine()

    def lists(self) -> tuple[int, int]:
        """How many lists were asked for, of MAAS and of Nova."""
        machines = [
            request
            for request in filter(maas_base.LIST, self.maas.requests)
            if not {'id', 'hostname'} & set(request.query)
        ]
        hosts = [
            request
            for request in self.nova.requests
            if request.path.endswith('/os-hypervisors/detail')
            and 'hypervisor_hostname_pattern' not in request.query
        ]
        return len(machines), len(hosts)

    def test_of_one_machine(self) -> None:
        self.fill()
        name = 'compute-04.lab.example.com'
        system_id = self.maas.machine('compute-04').system_id
        for ref in (name, 'compute-04', system_id):
            done = self.metal('node', 'show', ref, '-f', 'json')
            self.assertEqual(name, done.json['Host'])
        self.assertEqual('done', self.off(name)[0]['Result'])
        self.assertEqual('done', self.on('compute-04')[0]['Result'])
        (row,) = self.rows('node', 'recover', system_id)
        self.assertEqual('already', row['Result'])
        self.assertEqual((0, 0), self.lists())
        # Without the list there is nothing that takes long.
        self.maas.forget()
        self.metal('node', 'show', 'compute-04')
        self.assertLessEqual(len(self.maas.requests), 4)

    def test_of_a_name_that_is_wrong(self) -> None:
        self.fill()
        done = self.metal('node', 'show', 'nonsense')
        self.assert_one_line(done, "no node or host 'nonsense'")
        self.assertEqual((0, 0), self.lists())

    def test_an_ambiguous_name_is_still_no_match(self) -> None:
        self.fill()
        other = self.maas.add_machine(hostname='compute-01', domain='other')
        for ref in ('compute-01.lab.example.com', other.system_id):
            done = self.metal('node', 'show', ref, '-f', 'json')
            if done.status == 0:
                self.assertIn('2 nodes claim host', done.json['Note'])
        done = self.metal('node', 'show', 'compute-01')
        self.assert_one_line(done, 'matches 2 nodes')
        for ref in ('compute-01', other.system_id):
            self.assertEqual('refused', self.off(ref, status=1)[0]['Result'])
        self.assertEqual([], self.effects('compute-01'))
        self.assertEqual((0, 0), self.lists())

    def test_all_are_listed_once_where_those_that_are_off_are_counted(
        self,
    ) -> None:
        self.config['metal_drivers']['max_powered_off'] = '2'
        results = [
            row['Result']
            for row in self.off(
                'compute-01', 'compute-03', 'compute-04', status=1
            )
        ]
        self.assertEqual(2, results.count('done'))
        self.assertEqual(1, results.count('refused'))
        self.assertEqual((1, 1), self.lists())


class TestErrors(maas_cli.MaasCommandTestCase):
    """One line, with the cure; and no key, with --debug neither."""

    def check_commands(self, status: int, *told: str) -> None:
        for command in (
            ('node', 'list'),
            ('node', 'show', 'compute-01'),
            ('node', 'power', 'off', 'compute-01', '--yes'),
            ('node', 'power', 'on', 'compute-01'),
        ):
            done = self.metal(*command)
            self.assertEqual(status, done.status)
            self.assert_one_line(done, *told)
            done = self.metal('--debug', *command)
            self.assertEqual(status, done.status)
            self.assertIn('Traceback', done.stderr)
        done = self.metal('--debug', 'check', '-f', 'json')
        self.assertEqual(1, done.status)
        self.assertIn('failed', [row['Result'] for row in done.json])
        self.assertEqual([], self.maas.actions)

    def test_wrong_keys(self) -> None:
        right = self.maas.apikey.split(':')
        for number in range(3):
            wrong = list(right)
            wrong[number] = f'wr0ng{number}'
            self.secrets |= set(wrong)
            self.config[GROUP]['api_key'] = ':'.join(wrong)
            self.check_commands(1, 'API key', f'[{GROUP}] api_key')

    def test_a_malformed_key(self) -> None:
        self.secrets.add('wr0ngkey')
        self.config[GROUP]['api_key'] = 'wr0ngkey:x'
        self.check_commands(2, 'malformed', f'[{GROUP}] api_key')

    def test_half_a_section(self) -> None:
        del self.config[GROUP]['url']
        self.check_commands(2, f'[{GROUP}]', 'url')

    def test_nobody_there(self) -> None:
        self.config[GROUP]['url'] = 'http://127.0.0.1:1/MAAS'
        self.check_commands(1, 'MAAS', '127.0.0.1', f'[{GROUP}] url')

    def test_somebody_else_there(self) -> None:
        self.config[GROUP]['url'] = f'{self.nova.url}/MAAS'
        self.check_commands(1, 'MAAS', f'[{GROUP}] url')

    def test_a_list_that_breaks_off(self) -> None:
        self.maas.fail(maas_base.LIST, faults.truncated(), None)
        self.check_commands(1, ' machine', 'incomplete reply')

    def test_an_unknown_tag(self) -> None:
        self.config[GROUP]['tags'] = 'nonsense'
        self.check_commands(2, 'nonsense', 'tags')

    def test_a_tag_that_keeps_nothing_out(self) -> None:
        self.config[GROUP]['not_tags'] = 'nosuch'
        done = self.metal('check', '-f', 'json')
        self.assertEqual(1, done.status)
        (found,) = [e for e in done.json if e['Check'] == 'maas filters']
        self.assertEqual('failed', found['Result'])
        self.assertIn('no tag named nosuch', found['Detail'])

    def test_a_clock_that_is_behind(self) -> None:
        self.maas.region.clock_skew = 400
        self.check_commands(1, 'clock')
