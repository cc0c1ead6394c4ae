# SPDX-License-Identifier: Apache-2.0
"""``driver list`` and ``driver show``."""

from metal_drivers_tests.unit import bad_plugins, distributions
from metal_drivers_tests.unit.cli import base


class TestDriver(base.CommandTestCase):
    def test_list_says_which_is_selected_and_why(self) -> None:
        done = self.metal('driver', 'list', '-f', 'json')
        self.assertEqual((0, ''), (done.status, done.stderr))
        rows = {row['Name']: row for row in done.json}
        self.assertEqual(
            {
                'Name': 'ironic',
                'State': 'selected',
                'Detail': 'configured',
                'Distribution': 'watcher-metal-drivers',
            },
            rows['ironic'],
        )
        self.assertEqual('absent', rows['fake']['State'])

    def test_list_shows_what_stands_in_the_way(self) -> None:
        del self.config['watcher.metal.drivers.ironic']['endpoint_override']
        done = self.metal('driver', 'list', '-f', 'json')
        self.assertEqual(0, done.status)
        rows = {row['Name']: row for row in done.json}
        self.assertEqual('incomplete', rows['ironic']['State'])
        self.assertIn('endpoint_override', rows['ironic']['Detail'])
        self.assertIn('No driver is selected', done.stderr)

    def test_show_tells_where_each_value_comes_from(self) -> None:
        self.config['ironic_client'] = {'region_name': 'RegionOne'}
        done = self.metal('driver', 'show', 'ironic', '-f', 'json')
        self.assertEqual(0, done.status)
        self.assertEqual('selected', done.json['State'])
        self.assertEqual(0, done.json['Priority'])
        self.assertEqual('1.0', done.json['Contract'])
        self.assertIn('soft-off', done.json['Capabilities'])
        options = done.json['Options'].splitlines()
        self.assertIn('owner =  (default)', options)
        for line in options:
            if line.startswith(('auth_type', 'region_name')):
                self.assertIn('metal.conf)', line)

    def test_show_names_the_file_that_sets_it(self) -> None:
        """Not another one that has the section, too."""
        name = 'watcher.metal.drivers.ironic'
        first = self.conf_file('', **{name: {'owner': 'me'}})
        last = self.conf_file('', **{name: {'conductor_group': 'rack'}})
        done = self.run_command(
            f'--config-file={first}',
            f'--config-file={last}',
            *('driver', 'show', 'ironic', '-f', 'json'),
        )
        options = done.json['Options'].splitlines()
        self.assertIn(f'owner = me ({first})', options)
        self.assertIn(f'conductor_group = rack ({last})', options)

    def test_show_of_a_section_that_cannot_be_read_says_so(self) -> None:
        self.config['watcher.metal.drivers.ironic']['password'] = 'pa$s'
        done = self.metal('driver', 'show', 'ironic', '-f', 'json')
        self.assertEqual(0, done.status)
        self.assertEqual('failed', done.json['State'])
        self.assertIn('Write $$', done.json['Detail'])
        self.assertNotIn('pa$s', done.stdout + done.stderr)

    def test_show_masks_what_is_in_a_url(self) -> None:
        for url in (
            'http://ann:s3cret4711@maas.example:5240/MAAS',
            'http://ann:s3/cret4711@maas.example:5240/MAAS',
            'http://s3cret4711@maas.example:5240/MAAS',
        ):
            self.config['watcher.metal.drivers.maas'] = {
                'url': url,
                'tags': f'a, {url}',
            }
            done = self.metal('driver', 'show', 'maas', '-f', 'json')
            self.assertEqual(0, done.status)
            self.assertIn(
                'url = http://***@maas.example:5240/MAAS (',
                done.json['Options'],
            )
            self.assertNotIn('cret4711', done.stdout + done.stderr)

    def test_show_of_an_unknown_driver_names_those_there_are(self) -> None:
        done = self.metal('driver', 'show', 'maas2')
        self.assertEqual(2, done.status)
        self.assert_one_line(done, "'maas2'", 'fake, ironic, maas')


class TestBadPlugins(base.CommandTestCase):
    """Every kind of bad plugin is installed, and some that print."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())
        self.broken = bad_plugins.BROKEN | bad_plugins.UNDECIDED
        for name, kind in self.broken.items():
            self.site.install_driver(name, kind.source)
        for name, source in bad_plugins.GREEDY.items():
            self.site.install_driver(name, source)
        noise = 'print("noise")\n'
        self.site.install_driver('at-import', noise + bad_plugins.driver())
        self.site.install_driver(
            'at-options', bad_plugins.options(noise + 'return []\n')
        )
        self.site.install_driver(
            'at-state', bad_plugins.judging(noise + 'return None\n')
        )

    def test_list_has_a_line_for_each(self) -> None:
        done = self.metal('driver', 'list', '-f', 'json')
        self.assertEqual(0, done.status, done.stderr)
        rows = {row['Name']: row for row in done.json}
        self.assertEqual('selected', rows['ironic']['State'])
        for name, kind in self.broken.items():
            self.assertEqual('failed', rows[name]['State'], name)
            self.assertIn(kind.said, rows[name]['Detail'])
            self.assertEqual(f'acme-{name}', rows[name]['Distribution'])
        self.assertEqual('noise\n' * 3, done.stderr)

    def test_each_can_be_shown(self) -> None:
        for name in ('library', 'options-twice', 'state-wild', 'elsewhere'):
            done = self.metal('driver', 'show', name, '-f', 'json')
            self.assertEqual((0, name), (done.status, done.json['Name']))

    def test_check_goes_on(self) -> None:
        done = self.metal('check', '-f', 'json')
        self.assertEqual(0, done.status, done.stderr)
        rows = {row['Check']: row['Result'] for row in done.json}
        self.assertEqual('ok', rows['driver'])
        self.assertEqual('ok', rows['nova'])

    def test_nodes_are_listed(self) -> None:
        done = self.metal('node', 'list', '-f', 'json')
        self.assertEqual(0, done.status, done.stderr)
        self.assertEqual(4, len(done.json))

    def test_a_pin_keeps_them_out(self) -> None:
        self.config['metal_drivers'] = {'driver': 'ironic'}
        done = self.metal('node', 'list', '-f', 'json')
        self.assertEqual((0, ''), (done.status, done.stderr))

    def test_one_that_is_named_is_one_line(self) -> None:
        for name in ('lines', 'exit', 'text-raises', 'state-cancelled'):
            self.config['metal_drivers'] = {'driver': name}
            done = self.metal('node', 'list', '-f', 'json')
            self.assertEqual(2, done.status)
            self.assert_one_line(
                done, name, self.broken[name].said, f'acme-{name}'
            )

    def test_check_names_one_that_is_named(self) -> None:
        self.config['metal_drivers'] = {'driver': 'state-exits'}
        done = self.metal('check', '-f', 'json')
        self.assertEqual(1, done.status)
        row = next(each for each in done.json if each['Check'] == 'driver')
        self.assertIn('SystemExit: no license', row['Detail'])
        self.assertIn('report it to its author', row['Detail'])
