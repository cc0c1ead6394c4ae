# SPDX-License-Identifier: Apache-2.0
"""For how long hosts were off: never more than is known."""

import datetime
import json
import pathlib
import random
from typing import Any

import fixtures

from metal_drivers.history import record
from metal_drivers.power.shared import Shared
from metal_drivers.report import reading, tally
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.history import base as history_base
from metal_drivers_tests.unit.power import simulator
from metal_drivers_tests.unit.report import lines
from metal_drivers_tests.unit.report.lines import at, line, marker

OFF, ON = simulator.OFF, simulator.ON


class TestSpans(base.TestCase):
    def report(self, *texts: str, until: float = 240) -> tally.Report:
        found = sorted(map(record.parse, texts), key=reading.order)
        end = lines.EPOCH + datetime.timedelta(hours=until)
        return tally.make(found, None, end)

    def hours(self, *texts: str, until: float = 240) -> float:
        return round(self.report(*texts, until=until).total().hours, 2)

    def test_from_when_it_was_seen_off_until_it_was_powered_on(self) -> None:
        off = line(1, 'off')
        self.assertEqual(8.98, self.hours(off, line(10, 'on')))

    def test_one_that_is_still_off(self) -> None:
        report = self.report(line(1, 'off'), until=24)
        (span,) = report.spans
        self.assertTrue(span.still)
        self.assertAlmostEqual(22.98, span.hours, places=2)
        self.assertAlmostEqual(2.298, span.kwh or 0, places=3)

    def test_a_power_off_that_was_lost(self) -> None:
        """A killed run, or a file that is not there: the marker knows."""
        self.assertEqual(9.0, self.hours(line(10, 'on', **marker(1))))
        self.assertEqual(
            9.0,
            self.hours(
                line(10, 'on', **marker(1, 'powering off to save energy'))
            ),
        )

    def test_without_a_marker_nothing_is_invented(self) -> None:
        self.assertEqual(0.0, self.hours(line(10, 'on')))
        self.assertEqual(
            0.0, self.hours(line(10, 'on', **marker(1, 'powering on')))
        )

    def test_a_power_on_of_a_run_that_was_killed(self) -> None:
        back = line(
            15,
            'recovered',
            changed=None,
            **{'from': 'on', 'state': 'on', **marker(11, 'powering on')},
        )
        self.assertEqual(9.98, self.hours(line(1, 'off'), back))

    def test_a_power_on_in_vain(self) -> None:
        """It draws nothing from then on; while it was tried, it does."""
        failed = line(10, 'on', outcome='failed', state='off')
        self.assertEqual(
            round(8.983 + 9.983, 2),
            self.hours(line(1, 'off'), failed, line(20, 'on')),
        )
        doubt = line(10, 'on', outcome='timed out', state='unknown')
        self.assertEqual(8.98, self.hours(line(1, 'off'), doubt))

    def test_somebody_else_powered_it_on(self) -> None:
        again = line(20, 'off')
        report = self.report(line(1, 'off'), again, until=24)
        self.assertAlmostEqual(3.98, report.total().hours, places=2)
        (gap,) = report.gaps
        self.assertEqual('compute-1', gap.host)
        # The service may know when.
        self.assertEqual(
            round(4.983 + 3.983, 2),
            self.hours(
                line(1, 'off'), line(20, 'off', on_since=at(6)), until=24
            ),
        )

    def test_a_refused_power_on_changes_nothing(self) -> None:
        refused = line(5, 'on', outcome='refused', state='off', changed=None)
        self.assertEqual(
            8.98, self.hours(line(1, 'off'), refused, line(10, 'on'))
        )

    def test_machines_with_clocks_apart(self) -> None:
        """What came second is second, and nothing lasts less than no
        time."""
        off = line(10, 'off', machine='a')
        on = line(9.9, 'on', machine='b', **marker(10.02))
        report = self.report(on, off)
        self.assertEqual(0.0, round(report.total().hours, 1))
        self.assertTrue(all(span.hours >= 0 for span in report.spans))

    def test_a_host_without_watts_counts_in_hours_only(self) -> None:
        total = self.report(
            line(1, 'off', watts=None), line(10, 'on', watts=None)
        ).total()
        self.assertIsNone(total.saved)
        self.assertAlmostEqual(8.98, total.hours, places=2)
        self.assertEqual(0, total.metered)


class TestEnergy(history_base.HistoryCase):
    """The energy of a report, against that of the machine itself: with
    restarts, runs that are killed, and records that are lost."""

    CYCLES = 25

    def trace(self, seed: int) -> tuple[float, float]:
        """Hours off: as the machine was, and as the report has it."""
        chance = random.Random(seed)  # noqa: S311, no secret
        path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).join('history')
        )
        cloud = history_base.SimCloud(str(path))
        self.addCleanup(cloud.file.close)
        cloud.node.shutdown = 45
        powers: list[tuple[float, Any]] = []
        switched = cloud.driver.switched

        def note(sent: simulator.Sent) -> None:
            powers.append((cloud.clock.time, sent.state))
            switched(sent)

        cloud.driver.switched = note
        for cycle in range(self.CYCLES):
            for state in (OFF, ON):
                cloud.shared = Shared()  # a restart
                if cycle % 4 == 1:
                    kill = chance.randint(8, 30)
                    cloud.fail(SystemExit(), number=kill, times=10**6)
                try:
                    cloud.switch(state, 'n1')
                except SystemExit:
                    cloud.calls.faults.clear()
                    cloud.calls.restart()
                    cloud.clock.advance(chance.uniform(60, 900))
                    engine = cloud.engine()
                    engine.recover(cloud.fleet())
                cloud.calls.faults.clear()
                cloud.clock.advance(chance.uniform(4, 16) * 3600)
        end = cloud.clock.now()
        texts = path.read_text(encoding='utf-8').splitlines()
        kept = [
            text
            for number, text in enumerate(texts)
            # Of some power offs the record was lost.
            if json.loads(text)['to'] != 'off' or number % 7 != 3
        ]
        self.assertLess(len(kept), len(texts))
        report = tally.make(map(record.parse, kept), None, end)
        # An integral of its own: over what the machine did.
        true, since = 0.0, None
        for time, state in (*powers, (cloud.clock.time, ON)):
            if state is OFF and since is None:
                since = time
            elif state is ON and since is not None:
                true, since = true + time - since, None
        return true / 3600, report.total().hours

    def test_within_one_percent(self) -> None:
        for seed in (1, 2, 3):
            true, reported = self.trace(seed)
            self.assertGreater(true, 100)
            self.assertLess(
                abs(reported - true) / true, 0.01, (seed, true, reported)
            )
