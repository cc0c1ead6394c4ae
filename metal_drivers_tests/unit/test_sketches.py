# SPDX-License-Identifier: Apache-2.0
"""The drawings of the documentation show what is so."""

import importlib
import pathlib
import sys
from typing import Any
from unittest import mock

from oslo_config import cfg

from metal_drivers import selector
from metal_drivers_tests.unit import base, distributions

_EXT = pathlib.Path(__file__).parents[2] / 'doc/ext'

with mock.patch('sys.path', [str(_EXT), *sys.path]):
    sketches: Any = importlib.import_module('sketches')

MAAS = 'watcher.metal.drivers.maas'
READY = {MAAS: {'url': 'http://maas/MAAS', 'api_key': 'a:b:c'}}


class TestSelection(base.TestCase):
    """Each question, answered with yes for the first time."""

    def test_each_answer(self) -> None:
        site = self.useFixture(distributions.Distributions())
        for name in ('acme', 'zeta'):
            site.install_driver(name, priority=900)
        site.install_driver('broken', source='import no_such_module\n')
        configured = {
            f'watcher.metal.drivers.{name}': distributions.READY
            for name in ('acme', 'zeta', 'broken')
        }
        acme, zeta, broken = (
            {name: options} for name, options in configured.items()
        )
        cases: tuple[tuple[dict[str, Any], str], ...] = (
            ({'metal_drivers': {'driver': 'maas'}} | READY | acme, 'maas'),
            ({MAAS: {'url': 'http://maas/MAAS'}} | acme, 'is not fully'),
            (broken | acme, 'cannot be used'),
            ({}, 'ironic'),
            (acme | zeta, 'have the same priority'),
        )
        for question, (sections, end) in zip(
            sketches.SELECTION, cases, strict=True
        ):
            if question.used:
                self.assertEqual(end, self.chosen(sections), question.text)
            else:
                refusal = self.refusal(self.chosen, sections)
                self.assertIn(end, str(refusal), question.text)
        self.assertEqual('acme', self.chosen(READY | acme), sketches.LAST)

    def chosen(self, sections: dict[str, Any]) -> str:
        conf: cfg.ConfigOpts = self.conf(**sections)
        return selector.Selector(conf).select().name

    def test_all_of_it_is_drawn(self) -> None:
        drawn = sketches.selection()
        for question in sketches.SELECTION:
            self.assertIn(f'>{question.text}</text>', drawn)
            self.assertIn(f'>{question.end}</text>', drawn)
        self.assertIn(f'>{sketches.LAST}</text>', drawn)


class TestParts(base.TestCase):
    def test_the_names_are_those_that_are_installed(self) -> None:
        drawn = sketches.parts()
        for text in (
            'metal_saving_energy',
            'metal_power_state',
            'metal-drivers',
            'drivers: fake, ironic, maas, …',
            'hooks: command, masakari, …',
        ):
            self.assertIn(f'>{text}</text>', drawn)
