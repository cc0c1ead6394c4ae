# SPDX-License-Identifier: Apache-2.0
"""Source distribution and wheel, of a clean clone and of each other."""

import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from typing import ClassVar

import testtools

_TOP = pathlib.Path(__file__).parents[2]


def _run(folder: pathlib.Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, '-m', *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stdout)


def _names(wheel: pathlib.Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


class TestBuild(testtools.TestCase):
    sdist: ClassVar[pathlib.Path]
    wheel: ClassVar[pathlib.Path]
    #: Of the source distribution.
    second: ClassVar[pathlib.Path]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        folder = pathlib.Path(temporary.name)
        clone = folder / 'clone'
        subprocess.run(
            ['git', 'clone', '--quiet', str(_TOP), str(clone)], check=True
        )
        build = ('build', '--no-isolation', '--outdir')
        _run(clone, *build, str(folder), '--sdist', '--wheel', '.')
        (cls.sdist,) = folder.glob('*.tar.gz')
        (cls.wheel,) = folder.glob('*.whl')
        with tarfile.open(cls.sdist) as archive:
            archive.extractall(folder / 'unpacked', filter='data')
        (unpacked,) = (folder / 'unpacked').iterdir()
        _run(unpacked, *build, str(folder / 'again'), '--wheel', '.')
        (cls.second,) = (folder / 'again').glob('*.whl')

    def test_the_wheel_is_the_same_from_the_sdist(self) -> None:
        self.assertEqual(self.wheel.name, self.second.name)
        self.assertEqual(_names(self.wheel), _names(self.second))

    def test_the_wheel_has_what_is_no_module(self) -> None:
        tracked = subprocess.run(
            ['git', 'ls-files', 'metal_drivers'],
            cwd=_TOP,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.split()
        self.assertIn('metal_drivers/py.typed', tracked)
        self.assertEqual(set(), set(tracked) - set(_names(self.wheel)))

    def test_the_sdist_has_what_documentation_is_built_of(self) -> None:
        with tarfile.open(self.sdist) as archive:
            names = {name.partition('/')[2] for name in archive.getnames()}
        # The second is of reno, instead of git.
        for name in ('doc/source/conf.py', 'releasenotes/notes/reno.cache'):
            self.assertIn(name, names)

    def test_twine(self) -> None:
        files = (str(self.sdist), str(self.wheel))
        _run(_TOP, 'twine', 'check', '--strict', *files)

    def test_check_wheel_contents(self) -> None:
        _run(_TOP, 'check_wheel_contents', str(self.wheel))
