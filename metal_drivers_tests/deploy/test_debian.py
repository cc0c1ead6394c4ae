# SPDX-License-Identifier: Apache-2.0
"""``contrib/debian/install.sh``, into a folder instead of a system."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from typing import ClassVar

import fixtures
import testtools

from metal_drivers_tests.unit.deploy import reading

_SCRIPT = reading.CONTRIB / 'debian/install.sh'
_SITE = f'python3.{sys.version_info.minor}/dist-packages'


class TestInstall(testtools.TestCase):
    """The Python is that of tox, which has a Watcher."""

    built: ClassVar[pathlib.Path]

    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.system = self.home / 'system'
        self.system.mkdir()
        self.code = self.system / 'opt/watcher-metal-drivers'
        self.path_file = (
            self.system / f'usr/local/lib/{_SITE}/watcher-metal-drivers.pth'
        )
        self.command = self.system / 'usr/local/bin/metal-drivers'

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        subprocess.run(
            [
                *(sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps'),
                *('--wheel-dir', folder.name, str(reading.TOP)),
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        (cls.built,) = pathlib.Path(folder.name).glob('*.whl')

    def wheel(self, *, broken: bool = False) -> pathlib.Path:
        """A wheel of this project."""
        wheel = self.built
        if not broken:
            return wheel
        other = self.home / wheel.name
        with (
            zipfile.ZipFile(wheel) as source,
            zipfile.ZipFile(other, 'w') as target,
        ):
            for name in source.namelist():
                content = source.read(name)
                if name == 'metal_drivers/watcher/action.py':
                    content = b'import no_such_module\n'
                target.writestr(name, content)
        return other

    def run_script(self, *args: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ['sh', str(_SCRIPT), *map(str, args)],
            env=os.environ
            | {'DESTDIR': str(self.system), 'PYTHON': sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )

    def install(self, wheel: pathlib.Path) -> None:
        done = self.run_script(wheel)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn('Restart watcher-decision-engine', done.stdout)

    def assert_complete(self) -> None:
        self.assertEqual(
            '/opt/watcher-metal-drivers/lib\n', self.path_file.read_text()
        )
        self.assertTrue(os.access(self.code / 'lib/metal_drivers', os.X_OK))
        self.assertEqual(0o755, (self.code / 'lib').stat().st_mode & 0o7777)
        # The code in use and the link to it.
        self.assertEqual(2, len(list(self.code.iterdir())))
        self.assertEqual(
            '/opt/watcher-metal-drivers/lib/bin/metal-drivers',
            os.readlink(self.command),
        )
        self.assertTrue((self.code / 'lib/bin/metal-drivers').is_file())

    def test_installed_replaced_and_removed(self) -> None:
        wheel = self.wheel()
        self.install(wheel)
        self.assert_complete()
        first = os.readlink(self.code / 'lib')
        self.install(wheel)
        self.assert_complete()
        self.assertNotEqual(first, os.readlink(self.code / 'lib'))
        # The system's Python was an older one.
        older = self.path_file.parents[2] / 'python3.9/dist-packages'
        older.mkdir(parents=True)
        shutil.copy(self.path_file, older)
        self.assertEqual(0, self.run_script('--remove').returncode)
        left = [
            path
            for path in self.system.rglob('*')
            if path.is_symlink() or not path.is_dir()
        ]
        self.assertEqual([], left)
        self.assertFalse(self.code.exists())

    def test_no_library_comes_with_it(self) -> None:
        """Those of the distribution are used."""
        self.install(self.wheel())
        self.assertEqual(
            {'bin', 'metal_drivers', 'metal_drivers_tests'},
            {
                path.name
                for path in (self.code / 'lib').iterdir()
                if not path.name.endswith('.dist-info')
            },
        )

    def test_code_that_cannot_be_imported_changes_nothing(self) -> None:
        self.install(self.wheel())
        used = os.readlink(self.code / 'lib')
        done = self.run_script(self.wheel(broken=True))
        self.assertNotEqual(0, done.returncode)
        self.assertIn('no_such_module', done.stderr)
        self.assert_complete()
        self.assertEqual(used, os.readlink(self.code / 'lib'))

    def test_the_first_that_cannot_be_imported_leaves_nothing(self) -> None:
        done = self.run_script(self.wheel(broken=True))
        self.assertNotEqual(0, done.returncode)
        self.assertFalse(self.path_file.exists())
        self.assertFalse(self.command.is_symlink())
        self.assertEqual([], list(self.code.iterdir()))

    def test_without_a_wheel_it_says_how_to_call_it(self) -> None:
        done = self.run_script()
        self.assertNotEqual(0, done.returncode)
        self.assertIn('usage: install.sh WHEEL | --remove', done.stderr)
        self.assertEqual([], list(self.system.iterdir()))
