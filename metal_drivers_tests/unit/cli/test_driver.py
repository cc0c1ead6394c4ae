# SPDX-License-Identifier: Apache-2.0
"""``driver list`` and ``driver show``."""

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
        self.assertIn('soft-off', done.json['Capabilities'])
        options = done.json['Options'].splitlines()
        self.assertIn('owner =  (default)', options)
        for line in options:
            if line.startswith(('auth_type', 'region_name')):
                self.assertIn('metal.conf)', line)

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
