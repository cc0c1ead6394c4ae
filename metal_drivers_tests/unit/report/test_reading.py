# SPDX-License-Identifier: Apache-2.0
"""Whatever a history looks like, one line says what is wrong with it, and
the rest is read."""

import datetime
import gzip
import pathlib

import fixtures

from metal_drivers.report import reading
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.report import lines
from metal_drivers_tests.unit.report.lines import line, marker


class TestReading(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.home / 'history.jsonl'

    def read(self, *texts: str) -> tuple[int, list[str]]:
        """How many were read, and what was said."""
        self.path.write_text(''.join(texts), encoding='utf-8')
        found = reading.read([str(self.path)])
        said = [str(problem) for problem in found.problems]
        for text in said:
            self.assertTrue(text.startswith(str(self.path)), text)
            self.assertNotIn('\n', text)
        return len(found.records), [
            text.removeprefix(str(self.path)) for text in said
        ]

    def test_good(self) -> None:
        self.assertEqual(
            (2, []), self.read(line(1, 'off'), '\n', line(2, 'on'))
        )

    def test_broken_lines(self) -> None:
        count, (said,) = self.read(
            line(1, 'off'), '{"version": 1, "wh\n', 'x\n', line(2, 'on'), '7\n'
        )
        self.assertEqual(2, count)
        self.assertIn(':2: not a line of a history: it is not JSON', said)
        self.assertIn('(and 2 more lines, up to 5)', said)
        self.assertIn('Fix or remove it', said)

    def test_bytes_of_any_kind(self) -> None:
        self.path.write_bytes(b'\xff\x00\n' + b'[' * 100_000 + b'\n')
        found = reading.read([str(self.path)])
        self.assertEqual([], found.records)
        self.assertEqual(1, len(found.problems))

    def test_zeros_after_a_crash(self) -> None:
        self.path.write_bytes(b'\x00' * 400 + b'\n')
        (said,) = reading.read([str(self.path)]).problems
        self.assertIn('it is not JSON', str(said))

    def test_a_clock_that_was_not_set(self) -> None:
        early = line(1, 'off').replace('2026-', '1970-')
        count, (said,) = self.read(early, line(2, 'on'))
        self.assertEqual(1, count)
        self.assertIn(':1: it is of 1970: the clock of ', said)
        self.assertIn('with NTP. The line is left out', said)

    def test_what_is_yet_to_come(self) -> None:
        self.path.write_text(line(1, 'off') + line(3, 'on'), 'utf-8')
        now = lines.EPOCH + datetime.timedelta(hours=2)
        found = reading.read([str(self.path)], now)
        self.assertEqual(['off'], [each.to for each in found.records])
        (said,) = found.problems
        self.assertIn(':2: it is of 2026-11-01 03:01 UTC, which is', str(said))
        self.assertTrue(said.missing)

    def test_a_clock_that_is_a_little_ahead(self) -> None:
        self.path.write_text(line(1, 'off'), 'utf-8')
        now = lines.EPOCH + datetime.timedelta(hours=0.95)
        self.assertEqual([], reading.read([str(self.path)], now).problems)

    def test_a_newer_version(self) -> None:
        newer = line(2, 'on').replace('"version": 1', '"version": 9')
        count, (said,) = self.read(line(1, 'off'), newer)
        self.assertEqual(1, count)
        self.assertIn(':2: it is of version 9', said)
        self.assertIn('Upgrade watcher-metal-drivers', said)

    def test_empty(self) -> None:
        count, (said,) = self.read()
        self.assertEqual(0, count)
        self.assertTrue(said.startswith(': it is empty. '), said)

    def test_not_there_and_not_to_be_read(self) -> None:
        good, folder = self.home / 'good', self.home / 'folder'
        good.write_text(line(1, 'off'), encoding='utf-8')
        folder.mkdir()
        found = reading.read([str(self.path), str(folder), str(good)])
        self.assertEqual(1, len(found.records))
        missing, wrong = map(str, found.problems)
        self.assertIn(f'{self.path}: it cannot be read: No such', missing)
        self.assertIn('history_file', missing)
        self.assertIn('Is a directory', wrong)

    def test_two_machines_with_clocks_apart(self) -> None:
        count, (said,) = self.read(
            line(1, 'off', machine='a'),
            line(0.9, 'off', machine='b', host='h2', node='n2'),
            line(0.95, 'off', machine='b', host='h3', node='n3'),
        )
        self.assertEqual(3, count)
        self.assertIn(':2: the clocks of a and b are 360 s apart', said)
        self.assertIn('NTP', said)
        _, (said,) = self.read(line(1, 'on', machine='b', **marker(1.1)))
        self.assertIn(':1: the clock of b is at least 300 s behind', said)

    def test_a_clock_that_was_set_back(self) -> None:
        _, (said,) = self.read(line(1, 'off'), line(0.5, 'on'))
        self.assertIn('controller-1 was set back by 1800 s', said)

    def test_what_is_given_twice_counts_once(self) -> None:
        self.path.write_text(line(1, 'off'), encoding='utf-8')
        packed = self.home / 'history.1.gz'
        packed.write_bytes(gzip.compress(self.path.read_bytes()))
        found = reading.read([str(packed), str(self.path), str(self.path)])
        self.assertEqual(1, len(found.records))
        self.assertEqual([], found.problems)

    def test_a_packed_file_that_was_cut_off(self) -> None:
        packed = self.home / 'history.1.gz'
        packed.write_bytes(gzip.compress(line(1, 'off').encode())[:-9])
        (said,) = reading.read([str(packed)]).problems
        self.assertIn('cannot be read', str(said))
        packed.write_text('x', encoding='utf-8')
        (said,) = reading.read([str(packed)]).problems
        self.assertIn('cannot be read', str(said))
        self.assertIn('a name without .gz', str(said))

    def test_a_packed_file_that_is_damaged(self) -> None:
        packed = self.home / 'history.1.gz'
        text = ''.join(line(hour, 'off') for hour in range(500))
        damaged = bytearray(gzip.compress(text.encode()))
        damaged[len(damaged) // 2 :] = bytes(len(damaged) // 2)
        packed.write_bytes(damaged)
        self.path.write_text(line(1, 'on', node='other'), encoding='utf-8')
        found = reading.read([str(packed), str(self.path)])
        self.assertEqual(1, sum(each.to == 'on' for each in found.records))
        said = str(found.problems[-1])
        self.assertIn('cannot be read', said)
        self.assertIn('What comes after that is left out', said)
