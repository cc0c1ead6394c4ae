# SPDX-License-Identifier: Apache-2.0
"""What a line of the history says of a transition."""

import datetime
import json
import pathlib

import jsonschema

from metal_drivers import exceptions, history
from metal_drivers.energy import Watts
from metal_drivers.events import Event
from metal_drivers.history import record
from metal_drivers.model import PowerState
from metal_drivers_tests.unit.history import base

SCHEMA = json.loads(
    pathlib.Path(history.__file__)
    .with_name('schema.json')
    .read_text(encoding='utf-8')
)


class TestRecorder(base.HistoryCase):
    def test_off_and_on_again(self) -> None:
        self.cloud.off()
        self.cloud.clock.advance(3600)
        self.cloud.on()
        off, on = self.lines()
        for line in (off, on):
            jsonschema.validate(line, SCHEMA)
            self.assertEqual(
                ('id-1', 'n1', 'h1', 'sim', 'done', 150.0, base.BY),
                tuple(
                    line[key]
                    for key in (
                        'node',
                        'name',
                        'host',
                        'driver',
                        'outcome',
                        'watts',
                        'by',
                    )
                ),
            )
        self.assertEqual(
            [('on', 'off', 'off'), ('off', 'on', 'on')],
            [(e['from'], e['to'], e['state']) for e in (off, on)],
        )
        self.assertIn('soft', off['seconds'])
        self.assertIn('empty', off['seconds'])
        self.assertGreater(on['seconds']['power_on'], 0)
        self.assertNotIn('soft', on['seconds'])
        # The hour, and what it took to write it down.
        self.assertAlmostEqual(3600, on['off_seconds'], delta=30)

    def test_the_seconds_of_each_phase(self) -> None:
        self.node.ignores_soft = True
        self.cloud.off(soft_off_timeout=90)
        (off,) = self.lines()
        self.assertAlmostEqual(90, off['seconds']['soft'], delta=1)
        self.assertGreater(off['seconds']['hard'], 0)
        parts = sum(off['seconds'].values()) - off['seconds']['total']
        self.assertLessEqual(parts, off['seconds']['total'] + 0.01)

    def test_waiting_for_a_slot(self) -> None:
        self.cloud.off(max_power_off_per_minute=1)
        self.cloud.on()
        self.cloud.off(max_power_off_per_minute=1)
        first, _, last = self.lines()
        self.assertNotIn('slot', first['seconds'])
        self.assertGreater(last['seconds']['slot'], 1)

    def test_when_it_changed(self) -> None:
        """What the energy is counted from: off is seen, on is asked for."""
        self.cloud.off()
        self.cloud.clock.advance(600)
        self.cloud.on()
        off, on = self.lines()
        self.assertLessEqual(off['changed'], off['when'])
        self.assertLess(on['changed'], on['when'])
        self.assertGreater(on['changed'], off['changed'])

    def test_what_is_refused_or_fails(self) -> None:
        self.host.servers = 1
        self.cloud.off()
        self.host.servers, self.node.ends_in = 0, 'the BMC said no'
        self.cloud.off()
        refused, failed = self.lines()
        self.assertEqual('refused', refused['outcome'])
        self.assertIn('server', refused['detail'])
        self.assertIsNone(refused['changed'])
        self.assertEqual('failed', failed['outcome'])
        self.assertIn('the BMC said no', failed['detail'])
        for line in (refused, failed):
            jsonschema.validate(line, SCHEMA)

    def test_the_marker_that_a_killed_run_left(self) -> None:
        """From it follows since when the host is off."""
        self.node.power = PowerState.OFF
        self.host.status = 'disabled'
        self.host.reason = base.OURS.replace('powered off', 'powering off')
        self.cloud.on()
        (line,) = self.lines()
        self.assertEqual(
            {
                'text': 'powering off to save energy',
                'when': '2025-12-31T00:00:00.000Z',
            },
            line['marker'],
        )
        self.assertIsNone(line['off_seconds'])

    def test_no_password_of_a_url(self) -> None:
        self.cloud.fail(
            exceptions.RefusedError('http://ada:s3cret@bmc said no'),
            'count_servers',
        )
        self.cloud.off()
        text = self.path.read_text(encoding='utf-8')
        self.assertNotIn('s3cret', text)
        self.assertIn('***@bmc', text)

    def test_watts_that_nobody_gave(self) -> None:
        self.history.watts = Watts()
        self.cloud.off()
        self.assertIsNone(self.lines()[0]['watts'])

    def test_what_goes_wrong_disturbs_nothing(self) -> None:
        class Broken(Watts):
            def of(self, member: object) -> float | None:
                raise ValueError('s3cret')

        self.history.watts = Broken()
        result = self.cloud.off()
        self.assertTrue(result.outcome.good)
        self.assertIn('missing in the history (ValueError)', self.log.output)
        self.assertNotIn('s3cret', self.log.output)
        self.assertIsInstance(self.cloud.events[-1], Event)


class TestVersion1(base.HistoryCase):
    """A line as the first release wrote it is read for ever."""

    SAMPLE = pathlib.Path(__file__).with_name('version_1.jsonl')

    def test_is_read(self) -> None:
        off, on = (
            record.parse(line)
            for line in self.SAMPLE.read_bytes().splitlines()
        )
        self.assertEqual('7f0c3e0e-6a52-4b7e-9c1c-0f7a5a9e2d11', off.node)
        self.assertEqual(
            datetime.datetime(2026, 12, 1, 20, 4, 9, tzinfo=datetime.UTC),
            off.changed,
        )
        self.assertEqual('off', off.to)
        self.assertEqual(
            {'total': 38.0, 'empty': 2.5, 'soft': 34.1}, off.seconds
        )
        self.assertEqual(41990.0, on.off_seconds)
        self.assertEqual('powered off to save energy', on.marker)
        self.assertEqual(212.5, on.watts)
        self.assertIsNone(on.zone)
        self.assertIn('action_plan', on.by)

    def test_fits_the_schema(self) -> None:
        for line in self.SAMPLE.read_text(encoding='utf-8').splitlines():
            jsonschema.validate(json.loads(line), SCHEMA)

    def test_what_is_written_today_is_read_back(self) -> None:
        for line in self.SAMPLE.read_text(encoding='utf-8').splitlines():
            found = record.parse(line)
            self.assertEqual(json.loads(line), json.loads(found.line()))

    def test_fields_of_a_later_release_are_passed_over(self) -> None:
        line = self.SAMPLE.read_text(encoding='utf-8').splitlines()[0]
        more = json.loads(line) | {'mood': 'fine'}
        self.assertEqual(record.parse(line), record.parse(json.dumps(more)))

    def test_what_is_no_line_of_it(self) -> None:
        good = json.loads(
            self.SAMPLE.read_text(encoding='utf-8').splitlines()[0]
        )
        for wrong in (
            '',
            'x',
            '[]',
            '{}',
            '{"version": true}',
            json.dumps(good | {'when': None}),
            json.dumps(good | {'when': 'yesterday'}),
            json.dumps(good | {'when': '2026-12-01T20:04:09'}),
            json.dumps(good | {'node': 7}),
            json.dumps(good | {'watts': float('nan')}),
            json.dumps(good | {'watts': '150'}),
            json.dumps(good | {'seconds': [1]}),
            json.dumps(good | {'by': 'ada'}),
            json.dumps(good | {'marker': 'x'}),
            json.dumps(good)[:-20],
        ):
            self.assertRaises(ValueError, record.parse, wrong)
        newer = json.dumps(good | {'version': 2})
        self.assertRaises(record.Newer, record.parse, newer)
