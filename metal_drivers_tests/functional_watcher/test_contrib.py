# SPDX-License-Identifier: Apache-2.0
"""The change to Watcher in ``contrib/watcher``, on the Watcher installed."""

import pathlib
import shutil
import sys
import tempfile
from typing import ClassVar

import testtools
import watcher

from metal_drivers_tests.functional_watcher import running

_CONTRIB = pathlib.Path(__file__).parents[2] / 'contrib' / 'watcher'

#: What Watcher's services would do with the configuration of the README.
_LOAD = """
from watcher import conf
from watcher.common.metal_helper import factory

conf.CONF([], project='watcher', default_config_files=['watcher.conf'])
print(type(factory.get_helper(object())))
"""


class TestPatch(testtools.TestCase):
    folder: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = temporary.name
        package = pathlib.Path(watcher.__file__).parent
        shutil.copytree(
            package,
            pathlib.Path(cls.folder) / 'watcher',
            ignore=shutil.ignore_patterns('__pycache__'),
        )
        (patch,) = _CONTRIB.glob('*.patch')
        cls.run_there('git', 'apply', '-p1', str(patch))

    @classmethod
    def run_there(cls, *command: str) -> str:
        """What it prints, in a copy of Watcher with the change."""
        return running.printed(*command, cwd=cls.folder, PYTHONPATH=cls.folder)

    def test_its_own_tests_and_those_of_the_helpers_pass(self) -> None:
        tests = 'watcher/tests/unit/common/metal_helper'
        discover = ('-m', 'unittest', 'discover', '-t', '.', '-s', tests)
        printed = self.run_there(sys.executable, *discover, '-v')
        for name in ('test_factory', 'test_factory_entry_point_missing'):
            self.assertRegex(printed, rf'{name} .*\.\.\. ok')

    def test_it_loads_the_helper_of_this_package(self) -> None:
        readme = (_CONTRIB / 'README.rst').read_text('utf-8')
        _, _, rest = readme.partition('    [metal_helper]\n')
        option = rest.splitlines()[0].strip()
        config = pathlib.Path(self.folder) / 'watcher.conf'
        config.write_text(f'[metal_helper]\n{option}\n')
        printed = self.run_there(sys.executable, '-c', _LOAD)
        self.assertIn('metal_drivers.watcher.helper.MetalHelper', printed)
