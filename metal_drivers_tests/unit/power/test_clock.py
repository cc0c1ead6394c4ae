# SPDX-License-Identifier: Apache-2.0
"""Time, and waiting no longer than one may."""

import datetime
import threading

import testtools

from metal_drivers.power import clock
from metal_drivers_tests.unit import simulation


class TestDeadline(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.calls = simulation.Calls()
        self.alarm = threading.Event()
        self.clock = simulation.SimClock(self.calls)

    def test_the_last_pause_ends_at_the_end(self) -> None:
        deadline = clock.Deadline(self.clock, 12)
        looks = [self.clock.time]
        while deadline.pause(5, self.alarm):
            looks.append(self.clock.time)
        self.assertEqual([0, 5, 10, 12], looks)
        self.assertTrue(deadline.passed)

    def test_time_passes_elsewhere_too(self) -> None:
        deadline = clock.Deadline(self.clock, 12)
        self.clock.advance(7)
        self.assertEqual((5, 12), (deadline.left, deadline.seconds))
        self.clock.advance(70)
        self.assertEqual(0, deadline.left)
        self.assertFalse(deadline.pause(5, self.alarm))
        self.assertEqual([], self.calls.made)


class TestClock(testtools.TestCase):
    def test_the_machines_own(self) -> None:
        real = clock.Clock()
        first = real.monotonic()
        real.wait(threading.Event(), 0)
        self.assertLessEqual(first, real.monotonic())
        self.assertEqual(datetime.UTC, real.now().tzinfo)
