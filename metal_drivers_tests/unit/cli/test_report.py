# SPDX-License-Identifier: Apache-2.0
"""``report``."""

import pathlib
from typing import Any
from unittest import mock

import fixtures

from metal_drivers_tests.unit.cli import base
from metal_drivers_tests.unit.report.lines import line

END = ('--until', '2026-11-03')


class TestReport(base.CommandTestCase):
    """compute-1 was off for 47 hours, over two nights; compute-2 failed."""

    def setUp(self) -> None:
        super().setUp()
        home = self.useFixture(fixtures.TempDir())
        self.path = pathlib.Path(home.join('history.jsonl'))
        plan = {'by': {'action_plan': 'p1'}}
        two = {'host': 'compute-2', 'node': 'id-2', 'zone': 'az-2'}
        self.path.write_text(
            line(0, 'off', **plan)
            + line(2, 'off', outcome='failed', state='on', changed=None, **two)
            + line(3, 'on', outcome='timed out', changed=None, **two, **plan)
            + line(47, 'on', seconds={'power_on': 90, 'total': 95}),
            encoding='utf-8',
        )

    def report(self, *args: str, status: int = 0) -> Any:
        done = self.metal('report', str(self.path), *args, '-f', 'json')
        self.assertEqual(status, done.status, done.stderr)
        return done.json

    def test_by_day(self) -> None:
        first, second = self.report(*END)
        self.assertEqual('2026-11-01', first['Day'])
        self.assertEqual(23.98, first['Off Hours'])
        self.assertEqual(23.0, second['Off Hours'])
        self.assertEqual(2.398, first['kWh'])
        self.assertIsNone(first['CO2 kg'])
        self.assertEqual(
            (1, 1, 1, 1),
            tuple(
                first[key]
                for key in ('Done', 'Failed', 'Timed Out', 'Too Late')
            ),
        )
        self.assertIsNone(first['Back Median'])
        self.assertEqual(90.0, second['Back Longest'])

    def test_by_host_and_by_zone(self) -> None:
        one, two = self.report('--by', 'host', *END)
        self.assertEqual(('compute-1', 2), (one['Host'], one['Done']))
        self.assertEqual(
            ('compute-2', 1, 0), (two['Host'], two['Failed'], two['Off Hours'])
        )
        zones = self.report('--by', 'zone', *END)
        self.assertEqual(['az-1', 'az-2'], [row['Zone'] for row in zones])

    def test_a_part_of_the_time(self) -> None:
        (row,) = self.report(
            '--since', '2026-11-02T12:00', '--until', '2026-11-02T18:00'
        )
        self.assertEqual(
            (6.0, 0.6, 0),
            tuple(row[key] for key in ('Off Hours', 'kWh', 'Done')),
        )

    def test_co2(self) -> None:
        self.config['metal_drivers']['grid_co2'] = 400
        first, _ = self.report(*END)
        self.assertEqual(0.959, first['CO2 kg'])

    def test_a_table_has_a_total(self) -> None:
        done = self.metal('report', str(self.path), *END)
        self.assertIn('Total', done.stdout)
        self.assertIn('46.98', done.stdout)
        csv = self.metal('report', str(self.path), *END, '-f', 'csv')
        self.assertNotIn('Total', csv.stdout)

    def test_the_file_of_the_configuration(self) -> None:
        self.config['metal_drivers']['history_file'] = self.path
        done = self.metal('report', *END, '-f', 'json')
        self.assertEqual(2, len(done.json))

    def test_no_file_at_all(self) -> None:
        done = self.metal('report')
        self.assertEqual(2, done.status)
        self.assertIn('history_file is not set', done.stderr)

    def test_times_that_cannot_be_read(self) -> None:
        for option, text, said in (
            ('--since', 'yesterday', "--since 'yesterday' is not a time"),
            ('--until', '30 moons', "--until '30 moons' is not a time"),
            ('--since', '999999w', 'is not a time'),
            ('--since', '2026-12-01', 'is not before --until'),
        ):
            args = [option, text]
            if option == '--since':
                args += END
            done = self.metal('report', str(self.path), *args)
            self.assertEqual((2, ''), (done.status, done.stdout))
            self.assertIn(said, done.stderr)
            self.assertEqual(1, len(done.stderr.splitlines()))

    def test_nothing_is_known_of_times_to_come(self) -> None:
        self.path.write_text(line(0, 'off'), encoding='utf-8')
        now = self.report('--by', 'host')
        later = self.report('--by', 'host', '--until', '2999-01-01')
        self.assertAlmostEqual(
            now[0]['Off Hours'], later[0]['Off Hours'], delta=1
        )

    def test_a_time_long_ago_draws_no_longer_page(self) -> None:
        page = self.path.with_suffix('.html')
        sizes = set()
        for since in ('2026-10-31', '0001-01-02'):
            self.report('--html', str(page), '--since', since, *END)
            sizes.add(page.stat().st_size)
        self.assertEqual(1, len(sizes))

    def test_what_else_is_wrong_in_the_configuration(self) -> None:
        """The history has the watts."""
        self.config['metal_drivers']['idle_watts'] = '150W'
        self.assertEqual(2, len(self.report(*END)))

    def test_the_rest_is_reported(self) -> None:
        with self.path.open('a', encoding='utf-8') as file:
            file.write('{"version": 1, "cut off')
        done = self.metal(
            'report', str(self.path), '/nowhere/history', *END, '-f', 'json'
        )
        self.assertEqual(1, done.status)
        self.assertEqual(2, len(done.json))
        broken, missing = done.stderr.splitlines()
        self.assertIn(f'{self.path}:5: not a line of a history', broken)
        self.assertIn('/nowhere/history: it cannot be read', missing)

    def test_watts_that_are_not_known(self) -> None:
        self.path.write_text(line(0, 'off', watts=None), encoding='utf-8')
        done = self.metal('report', str(self.path), *END, '-f', 'json')
        self.assertEqual([None, None], [row['kWh'] for row in done.json])
        self.assertIn('Of 48 of 48 host hours the watts', done.stderr)
        self.assertIn('idle_watts', done.stderr)

    def test_a_page_without_matplotlib(self) -> None:
        name = 'metal_drivers.report.page'
        missing = mock.patch.dict('sys.modules', {name: None})
        missing.start()
        self.addCleanup(missing.stop)
        # An earlier test may have left it there.
        delete = fixtures.MonkeyPatch.delete
        self.useFixture(fixtures.MonkeyPatch(name, delete))
        page = self.path.with_name('page.html')
        done = self.metal('report', str(self.path), '--html', str(page))
        self.assertEqual((2, False), (done.status, page.exists()))
        self.assertIn("'watcher-metal-drivers[report]'", done.stderr)

    def test_a_page(self) -> None:
        page = self.path.with_name('page.html')
        self.report('--html', str(page), *END)
        text = page.read_text(encoding='utf-8')
        self.assertEqual(4, text.count('<svg'))
        self.assertIn('compute-2', text)
        # Nothing is fetched, nothing runs, no colour is bound to the light.
        for word in ('<script', 'src=', '@import', 'url(http', '<link'):
            self.assertNotIn(word, text)
        self.assertNotIn('#a0000', text)
