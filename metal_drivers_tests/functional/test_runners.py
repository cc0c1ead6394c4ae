# SPDX-License-Identifier: Apache-2.0
"""The suite of the driver contract, under other runners than our own."""

import pathlib
import re
import subprocess

import fixtures
import testtools

from metal_drivers import conformance
from metal_drivers_tests.functional.services import venvs

#: A third party's tests, which import the bases by their names.
_TESTS = """
from metal_drivers.drivers.fake import FakeDriver
from metal_drivers_tests.contract import DriverContract, RemoteDriverContract


class TestFake(DriverContract):
    def create_driver(self):
        return FakeDriver({'nodes': 3})


class TestFarAway(RemoteDriverContract):
    test_options_have_help = None

    def create_driver(self):
        return FakeDriver({'nodes': 3})

    def create_unreachable_driver(self):
        return FakeDriver({'nodes': 3})
"""


def _opened(*hooks: str) -> int:
    """How many rules these hooks open."""
    return sum(set(hooks) >= set(rule.needs) for rule in conformance.RULES)


class TestRunners(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = self.useFixture(fixtures.TempDir()).path
        tests = pathlib.Path(self.folder, 'test_fake.py')
        tests.write_text(_TESTS, encoding='utf-8')
        self.venv = venvs.ensure('pytest', print)

    def run_module(self, *args: str) -> str:
        done = subprocess.run(
            [self.venv / 'bin/python', '-W', 'error', '-m', *args],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.addDetail('output', testtools.content.text_content(done.stdout))
        return done.stdout

    def test_pytest(self) -> None:
        """No warning, no skip, and nothing collected of the bases."""
        output = self.run_module(
            *('pytest', '-q', '-W', 'error', '-p', 'no:cacheprovider'),
            *('-k', 'TestFake or DriverContract'),
        )
        last = output.strip().splitlines()[-1]
        far_away = _opened('create_unreachable_driver') - 1
        self.assertRegex(
            last, rf'^{_opened()} passed, {far_away} deselected in [\d.]+s$'
        )

    def test_unittest(self) -> None:
        output = self.run_module('unittest', 'test_fake.TestFake')
        self.assertTrue(re.search(rf'^Ran {_opened()} tests', output, re.M))
        self.assertTrue(output.endswith('\nOK\n'))

    def test_a_broken_rule_names_itself(self) -> None:
        """The driver that is far away answers anyway."""
        output = self.run_module(
            'unittest', 'test_fake.TestFarAway.test_unreachable_is_unavailable'
        )
        self.assertIn('did not raise UnavailableError', output)
        self.assertIn('contract.html#unreachable-is-unavailable', output)
