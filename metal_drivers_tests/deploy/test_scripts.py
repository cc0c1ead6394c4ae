# SPDX-License-Identifier: Apache-2.0
"""The shell scripts of the project: no mistake that a tool can find."""

import pathlib
import subprocess
import sys

import testtools

from metal_drivers_tests.unit.deploy import reading

_SHELLCHECK = pathlib.Path(sys.prefix, 'bin/shellcheck')
_SCRIPTS = [
    reading.TOP / '.ci/run',
    *sorted((reading.TOP / 'devstack').iterdir()),
    *sorted(reading.CONTRIB.rglob('*.sh')),
]


class TestScripts(testtools.TestCase):
    def check(self, *command: object) -> None:
        done = subprocess.run(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout)

    def test_shellcheck(self) -> None:
        self.assertLess(2, len(_SCRIPTS))
        for script in _SCRIPTS:
            self.check(_SHELLCHECK, '--shell', self.shell(script), script)

    def test_they_can_be_parsed(self) -> None:
        for script in _SCRIPTS:
            self.check(self.shell(script), '-n', script)

    def shell(self, script: pathlib.Path) -> str:
        first = script.read_text().partition('\n')[0]
        return 'sh' if first == '#!/bin/sh' else 'bash'
