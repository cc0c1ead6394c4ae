# SPDX-License-Identifier: Apache-2.0
"""What is drawn of each host, over a day and over a year."""

import datetime
import re

import testtools

from metal_drivers.history import record
from metal_drivers.report import charts, tally
from metal_drivers_tests.unit.report import lines
from metal_drivers_tests.unit.report.lines import line

OFF, BETWEEN, FAILED = 'var(--off)', 'var(--between)', 'var(--failed)'


class TestStrips(testtools.TestCase):
    def strips(self, hours: float, *texts: str) -> str:
        until = lines.EPOCH + datetime.timedelta(hours=hours)
        report = tally.make(map(record.parse, texts), None, until)
        drawn, hosts = charts.strips(report)
        self.assertEqual(1, hosts)
        self.assertIn('>compute-1<', drawn)
        return drawn

    def test_a_day(self) -> None:
        drawn = self.strips(24, line(1, 'off'), line(10, 'on'))
        self.assertIn(OFF, drawn)
        self.assertIn(BETWEEN, drawn)
        self.assertNotIn(FAILED, drawn)

    def test_a_year(self) -> None:
        """A minute would be as wide as seven hours, and cover all else."""
        failed = line(100, 'on', outcome='failed', state='off')
        drawn = self.strips(
            365 * 24, line(1, 'off'), line(10, 'on'), line(60, 'off'), failed
        )
        self.assertIn(OFF, drawn)
        self.assertNotIn(BETWEEN, drawn)
        self.assertIn(FAILED, drawn)

    def test_where_it_is_drawn(self) -> None:
        """From an eighth of the day to three quarters."""
        drawn = self.strips(
            24,
            line(0, 'off', outcome='refused', changed=None),
            line(3 - 1 / 60, 'off'),
            line(18, 'on'),
        )
        first, last = self.extent(drawn, 'var(--on)')
        self.assertEqual(
            [3 / 24, 18 / 24],
            [
                round((place - first) / (last - first), 3)
                for place in self.extent(drawn, OFF)
            ],
        )

    def extent(self, drawn: str, color: str) -> tuple[float, float]:
        """Where what has that colour begins and ends."""
        ((shape, _),) = re.findall(
            rf'<path d="([^"]*)"([^>]*){re.escape(color)}', drawn
        )
        places = [float(x) for x in re.findall(r'[ML] ([\d.]+) ', shape)]
        return min(places), max(places)
