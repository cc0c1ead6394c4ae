# SPDX-License-Identifier: Apache-2.0
"""The night that the page "Metrics" draws is as it says."""

import importlib
import pathlib
import sys
from typing import Any, ClassVar
from unittest import mock

import testtools

from metal_drivers_tests.unit import night

_EXT = pathlib.Path(__file__).parents[2] / 'doc/ext'

with mock.patch('sys.path', [str(_EXT), *sys.path]):
    charts: Any = importlib.import_module('metrics_charts')


class TestNight(testtools.TestCase):
    found: ClassVar[night.Found]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        # Less often than in the drawings, for the time that it takes.
        cls.found = night.Night(interval=300.0).run()

    def values(self, name: str, **labels: str) -> list[float]:
        return list(self.found.sum(name, **labels).values())

    def test_hosts_go_off_and_come_back(self) -> None:
        on = self.values('hosts', power_state='on', disabled_by='nobody')
        off = self.values('hosts', power_state='off')
        self.assertEqual((night.HOSTS, 0), (on[0], off[0]))
        self.assertGreater(max(off), night.HOSTS / 2)
        self.assertLess(off[-1], max(off) / 2)
        self.assertEqual({night.HOSTS}, set(self.values('hosts')))
        # In yellow.
        changing = self.values(
            'hosts', power_state='on', disabled_by='metal-drivers'
        )
        self.assertGreater(max(changing), 0)

    def test_what_it_saves(self) -> None:
        off = self.values(
            'hosts', power_state='off', disabled_by='metal-drivers'
        )
        watts = self.values('saved_power_watts')
        self.assertEqual([each * night.WATTS for each in off], watts)

    def test_one_host_does_not_come_back(self) -> None:
        failed = self.values('host_power_on_failures')
        self.assertEqual((0, 1), (failed[0], failed[-1]))
        self.assertEqual(
            failed, self.values('host_power_on_failures', host=night.BROKEN)
        )

    def test_hosts_are_missing_in_the_morning_only(self) -> None:
        wanted = self.values('reserve_hosts_wanted')
        self.assertEqual({night.WISH.min_free_hosts_num}, set(wanted))
        ready = self.values('reserve_hosts_ready')
        half = len(ready) // 2
        self.assertEqual(wanted[0], min(ready[:half]))
        self.assertGreater(wanted[0], min(ready[half:]))
        self.assertEqual(wanted[-1], ready[-1])

    def test_the_drawings(self) -> None:
        for name, draw in charts.DRAW.items():
            drawn = draw(self.found)
            self.assertEqual(drawn, draw(self.found))
            self.assertIn('>02:00<', drawn)
            self.assertIn('var(--off)', drawn)
            self.assertLess(len(drawn), 20_000, name)
        drawn = charts.hosts(self.found)
        for text in ('on', 'off by metal-drivers', 'failed to power on'):
            self.assertRegex(drawn, f'>{text} ?<')
