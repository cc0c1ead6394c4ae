# SPDX-License-Identifier: Apache-2.0
"""Time, and waiting no longer than one may."""

import datetime
import threading

import testtools

from metal_drivers import clock


class TestClock(testtools.TestCase):
    def test_the_machines_own(self) -> None:
        real = clock.Clock()
        first = real.monotonic()
        real.wait(threading.Event(), 0)
        self.assertLessEqual(first, real.monotonic())
        self.assertEqual(datetime.UTC, real.now().tzinfo)
