# SPDX-License-Identifier: Apache-2.0
"""How checks are made one after the other."""

import contextlib
from collections.abc import Callable, Iterator

from metal_drivers import doctor, exceptions
from metal_drivers.doctor import model
from metal_drivers_tests.unit import base


def good(place: doctor.Place) -> Iterator[doctor.Finding]:
    yield model.ok('good', 'so')


def bad(place: doctor.Place) -> Iterator[doctor.Finding]:
    yield model.warning('half', 'of it')
    raise exceptions.UnavailableError('It is gone', cure='Look.')


def broken(place: doctor.Place) -> Iterator[doctor.Finding]:
    raise ZeroDivisionError('two\nlines, and S3cret-Passw0rd')
    yield


def impossible(place: doctor.Place) -> Iterator[doctor.Finding]:
    raise doctor.NotTried
    yield


class TestRun(base.TestCase):
    def run_checks(
        self,
        *checks: Callable[[doctor.Place], Iterator[doctor.Finding]],
        needs: tuple[str, ...] = (),
    ) -> list[str]:
        conf = self.conf(nova={'password': 'S3cret-Passw0rd'})
        found = doctor.run(
            doctor.Place(conf),
            [
                doctor.Check(each.__name__, '', each, needs=needs)
                for each in checks
            ],
            lambda what: contextlib.nullcontext(),
        )
        return [
            f'{each.name} {each.status.value} {each.detail}' for each in found
        ]

    def test_each_survives_the_failure_of_another(self) -> None:
        self.assertEqual(
            [
                'half warning of it',
                'bad failed It is gone. Look.',
                'broken failed This check did not end: ZeroDivisionError: '
                'two lines, and ***. Please report it, with the output of '
                '--debug',
                'good ok so',
            ],
            self.run_checks(bad, broken, impossible, good),
        )

    def test_what_needs_one_that_failed_is_left_out(self) -> None:
        self.assertEqual(
            ['half warning of it', 'bad failed It is gone. Look.'],
            self.run_checks(bad, good, needs=('bad',)),
        )
        self.assertEqual(['good ok so'], self.run_checks(good, needs=('bad',)))


class TestRegistry(base.TestCase):
    def test_each_has_a_name_of_its_own_and_a_sentence(self) -> None:
        names = [check.name for check in doctor.CHECKS]
        self.assertEqual(len(names), len(set(names)))
        for at, check in enumerate(doctor.CHECKS):
            self.assertTrue(check.about.endswith('.'), check.name)
            # What is needed is made before.
            self.assertLessEqual(set(check.needs), set(names[:at]))
