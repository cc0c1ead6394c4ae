# SPDX-License-Identifier: Apache-2.0
"""``[metal_drivers]``, as the engine reads it."""

import dataclasses
from typing import Any

from metal_drivers import exceptions
from metal_drivers.model import OffMode
from metal_drivers.power import PowerSettings
from metal_drivers_tests.unit import base

SOFT, HARD = OffMode.SOFT, OffMode.HARD


class TestSettings(base.TestCase):
    def read(self, **options: Any) -> PowerSettings:
        return PowerSettings.from_conf(self.conf(metal_drivers=options))

    def test_a_pattern_of_reasons_that_is_too_wide(self) -> None:
        for pattern in ('*', '?*', '[a-z]*', '*power*', 'metal-drivers/*'):
            exc = self.assertRaises(
                exceptions.ConfigurationError,
                self.read,
                adopted_reasons=f'Masakari *, {pattern}',
            )
            self.assertIn(f'adopted_reasons has {pattern!r}', str(exc))
        exc = self.assertRaises(
            exceptions.ConfigurationError, self.read, adopted_reasons='a*,,b*'
        )
        self.assertIn('an empty reason', str(exc))
        narrow = ('Masakari *', '*host failed*')
        settings = self.read(adopted_reasons=', '.join(narrow))
        self.assertEqual(narrow, settings.adopted_reasons)

    def test_defaults_are_those_of_the_options(self) -> None:
        self.assertEqual(PowerSettings(), self.read())

    def test_every_value_is_read(self) -> None:
        self.assertEqual(
            PowerSettings(
                off_modes=(HARD,),
                soft_off_timeout=1,
                power_off_timeout=2,
                power_on_timeout=3,
                service_up_timeout=4,
                poll_interval=5,
                max_concurrent=6,
                max_power_on_per_minute=7,
                max_power_off_per_minute=8,
                manage_compute_service=False,
                protected_hosts=('a*', 'b'),
                protected_labels=('c', 'd*'),
                min_dwell=9,
                max_powered_off='30%',
                aftermath=2,
                aftermath_on=3,
            ),
            self.read(
                power_off_mode='hard',
                soft_off_timeout=1,
                power_off_timeout=2,
                power_on_timeout=3,
                service_up_timeout=4,
                poll_interval=5,
                max_concurrent=6,
                max_power_on_per_minute=7,
                max_power_off_per_minute=8,
                manage_compute_service=False,
                protected_hosts='a*, b',
                protected_labels='c, d*',
                min_dwell=9,
                max_powered_off='30%',
            ),
        )

    def test_modes(self) -> None:
        for mode, modes in (
            ('soft', (SOFT,)),
            ('hard', (HARD,)),
            ('soft-then-hard', (SOFT, HARD)),
        ):
            self.assertEqual(modes, self.read(power_off_mode=mode).off_modes)

    def test_values_that_are_not_valid(self) -> None:
        for name, value in (
            ('power_off_mode', 'gently'),
            ('poll_interval', 0),
            ('power_off_timeout', 0),
            ('soft_off_timeout', 'soon'),
            ('manage_compute_service', 'perhaps'),
            ('min_dwell', -1),
            ('max_powered_off', 'most'),
            ('max_powered_off', '101%'),
        ):
            exc = self.refusal(self.read, **{name: value})
            self.assertIsInstance(exc, exceptions.ConfigurationError)
            self.assertEqual((name,), exc.options)

    def test_how_many_may_be_off(self) -> None:
        for most, hosts, expected in (
            ('', 7, 7),
            ('3', 7, 3),
            ('30%', 10, 3),
            ('30%', 3, 0),
            ('100%', 7, 7),
        ):
            settings = PowerSettings(max_powered_off=most)
            self.assertEqual(expected, settings.most_off(hosts))

    def test_one_time_for_every_step(self) -> None:
        settings = PowerSettings(protected_hosts=('x',))
        self.assertEqual(
            dataclasses.replace(
                settings,
                soft_off_timeout=20,
                power_off_timeout=20,
                power_on_timeout=20,
                service_up_timeout=20,
            ),
            settings.within(20),
        )
        # Longer for a soft power off would only put off the hard one.
        self.assertEqual(180, settings.within(900).soft_off_timeout)
        self.assertEqual(900, settings.within(900).power_off_timeout)
