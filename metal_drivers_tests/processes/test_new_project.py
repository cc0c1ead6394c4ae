# SPDX-License-Identifier: Apache-2.0
"""What ``driver new`` wrote works as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import metal_drivers
from metal_drivers_tests.unit.cli import test_new

_REPOSITORY = Path(metal_drivers.__file__).parents[1]


class TestProject(test_new.NewTestCase):
    def test_its_tests_pass_as_it_is(self) -> None:
        project = self.home / 'rack_7'
        done = self.new('rack_7', project)
        self.assertEqual((0, ''), (done.status, done.stderr))
        self.assertIn(str(project), done.stdout)
        printed = self.python(project, '-m', 'unittest', '-v')
        self.assertIn('test_lists_nodes (tests.test_driver.', printed)
        self.assertRegex(printed, r'\nOK\n$')

    def python(self, project: Path, *args: str) -> str:
        """What Python prints there."""
        done = subprocess.run(
            [sys.executable, *args],
            cwd=project,
            env=os.environ | {'PYTHONPATH': str(_REPOSITORY)},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout + done.stderr
