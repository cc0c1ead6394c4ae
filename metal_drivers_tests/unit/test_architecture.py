# SPDX-License-Identifier: Apache-2.0
"""Imports run the way that the guide for contributors says, and what the
guide points to is there."""

import functools
import importlib
import pathlib
import re
import sys
from typing import Any
from unittest import mock

from metal_drivers_tests.unit import base

_TOP = pathlib.Path(__file__).parents[2]
_PAGES = ('CONTRIBUTING.rst', 'doc/source/contributor/architecture.rst')

with mock.patch('sys.path', [str(_TOP / 'doc/ext'), *sys.path]):
    layers: Any = importlib.import_module('layers')
_read = functools.cache(layers.read)


class TestLayers(base.TestCase):
    def rooms(self, package: str) -> Any:
        return _read(_TOP.joinpath(*package.split('.')), package)

    def test_no_circle(self) -> None:
        for package in ('metal_drivers', 'metal_drivers.power'):
            rooms = self.rooms(package)
            self.assertGreater(len(rooms.about), 10)
            for room in rooms.about:
                self.assertNotIn(room, rooms.reach(room))

    def test_power_stays_within_what_can_be_read(self) -> None:
        rooms = self.rooms('metal_drivers.power')
        self.assertLessEqual(len(rooms.about), 14)
        self.assertLessEqual(len(rooms.floors()), 7)

    def test_each_stands_above_what_it_imports(self) -> None:
        rooms = self.rooms('metal_drivers')
        floors = rooms.floors()
        at = {room: n for n, floor in enumerate(floors) for room in floor}
        for room, used in rooms.uses.items():
            for other in used:
                self.assertLess(at[room], at[other])
        self.assertIn('cli', floors[0])
        self.assertIn('exceptions', floors[-1])

    def test_nothing_imports_a_driver(self) -> None:
        rooms = self.rooms('metal_drivers')
        for room in rooms.about:
            self.assertNotIn('drivers', rooms.reach(room))
        self.assertIn('base', rooms.reach('drivers'))
        self.assertNotIn('power', rooms.reach('drivers'))

    def test_each_says_what_it_is_for(self) -> None:
        for package in ('metal_drivers', 'metal_drivers.power'):
            for room, about in self.rooms(package).about.items():
                self.assertTrue(about, room)

    def test_an_arrow_is_left_out_only_where_a_longer_way_is(self) -> None:
        rooms = layers.Rooms(
            {'a': '', 'b': '', 'c': ''},
            {
                'a': frozenset('bc'),
                'b': frozenset('c'),
                'c': frozenset(),
            },
        )
        self.assertEqual([('a', 'b'), ('b', 'c')], rooms.arrows())
        self.assertEqual([['a'], ['b'], ['c']], rooms.floors())


class TestGuide(base.TestCase):
    def test_files_that_it_names(self) -> None:
        named = {
            path
            for page in _PAGES
            for path in re.findall(
                r'``((?:metal_drivers|doc/|\.ci|releasenotes)[\w./]*/[\w./]+'
                r'|\w+\.(?:txt|cfg|ini))``',
                (_TOP / page).read_text(encoding='utf-8'),
            )
        }
        self.assertGreater(len(named), 10)
        self.assertEqual(
            [], [path for path in named if not (_TOP / path).exists()]
        )
