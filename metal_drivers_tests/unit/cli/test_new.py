# SPDX-License-Identifier: Apache-2.0
"""``driver new`` writes the project of a driver, and it works."""

import os
from pathlib import Path
from unittest import mock

import fixtures

import metal_drivers
from metal_drivers.cli import new
from metal_drivers_tests.unit import distributions
from metal_drivers_tests.unit.cli import base

_REPOSITORY = Path(metal_drivers.__file__).parents[1]


class NewTestCase(base.CommandTestCase):
    """In an empty folder."""

    def setUp(self) -> None:
        super().setUp()
        self.home = Path(self.useFixture(fixtures.TempDir()).path)

    def new(self, name: str, directory: Path | str) -> base.Done:
        return self.metal('driver', 'new', name, '--directory', str(directory))


class TestProject(NewTestCase):
    def test_it_is_the_example_of_the_documentation(self) -> None:
        self.new('acme', self.home / 'new')
        written = {
            path.relative_to(self.home / 'new'): path.read_text('utf-8')
            for path in (self.home / 'new').rglob('*')
            if path.is_file()
        }
        self.assertEqual(
            {
                path.relative_to(new.SKELETON): path.read_text('utf-8')
                for path in new.SKELETON.rglob('*')
                if path.is_file() and path.suffix != '.pyc'
            },
            written,
        )
        self.assertIn(Path('acme_metal/driver.py'), written)

    def test_nothing_is_left_of_the_name_of_the_example(self) -> None:
        project = self.home / 'new'
        self.new('rack_7', project)
        texts = [
            f'{path.relative_to(project)}\n{path.read_text("utf-8")}'
            for path in project.rglob('*')
            if path.is_file()
        ]
        self.assertEqual([], [t for t in texts if 'acme' in t.casefold()])
        together = '\n'.join(texts)
        for text in (
            'name = "rack-7-metal"',
            'rack_7 = "rack_7_metal.driver:Rack7Driver"',
            'packages = ["rack_7_metal"]',
            'class Rack7Driver(MetalDriver)',
            '[watcher.metal.drivers.rack_7]',
            'from rack_7_metal.driver import Rack7Driver',
            'rack_7_metal/__init__.py',
        ):
            self.assertIn(text, together)

    def test_it_is_written_for_this_contract(self) -> None:
        self.assertIn(
            f'    contract = {metal_drivers.CONTRACT}\n',
            (new.SKELETON / 'acme_metal/driver.py').read_text('utf-8'),
        )

    def test_an_empty_directory_is_used(self) -> None:
        (self.home / 'new').mkdir()
        self.assertEqual(0, self.new('acme', self.home / 'new').status)
        self.assertTrue((self.home / 'new/pyproject.toml').is_file())

    def test_the_directory_has_the_name_by_default(self) -> None:
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(self.home)
        self.assertEqual(0, self.metal('driver', 'new', 'rack_7').status)
        self.assertTrue((self.home / 'rack-7-metal/README.rst').is_file())


class TestRefusals(NewTestCase):
    """One line, and nothing is written."""

    def assert_refused(
        self, name: str, directory: Path | str, *parts: str
    ) -> None:
        before = sorted(self.home.rglob('*'))
        done = self.new(name, directory)
        self.assertEqual(2, done.status)
        self.assert_one_line(done, *parts)
        self.assertEqual(before, sorted(self.home.rglob('*')))

    def test_no_name(self) -> None:
        for name in (
            '',
            '7up',
            'Acme',
            'a b',
            'a/b',
            '../a',
            'a.b',
            'a-b',
            '_a',
            'a_',
            'ä',
            'a\n',
            'class',
            'auto',
        ):
            self.assert_refused(
                name, self.home / 'new', 'cannot be the name of a driver'
            )

    def test_a_name_that_is_taken(self) -> None:
        site = self.useFixture(distributions.Distributions())
        site.install_driver('rack_7', 'import libmissing\n')
        for name in ('ironic', 'fake', 'rack_7'):
            self.assert_refused(
                name,
                self.home / 'new',
                f"A driver '{name}' is installed already",
                'Choose another name',
            )

    def test_a_directory_that_has_something_in_it(self) -> None:
        (self.home / 'old').mkdir()
        (self.home / 'old/mine').write_text('precious')
        self.assert_refused('acme', self.home / 'old', 'no empty directory')
        self.assertEqual('precious', (self.home / 'old/mine').read_text())

    def test_what_is_no_directory(self) -> None:
        (self.home / 'file').write_text('precious')
        (self.home / 'empty').mkdir()
        (self.home / 'link').symlink_to('empty')
        for where, wrong in {
            'file': 'is there already, and is no empty directory',
            'link': 'is a symbolic link',
        }.items():
            self.assert_refused(
                'acme',
                self.home / where,
                f'{self.home}/{where} {wrong}. Name a new directory.',
            )

    def test_a_directory_in_no_directory(self) -> None:
        (self.home / 'file').write_text('precious')
        for parent in ('file', 'nowhere'):
            self.assert_refused(
                'acme',
                self.home / parent / 'new',
                f'There is no directory {self.home}/{parent}. Make it first',
            )

    def test_a_directory_in_which_nothing_can_be_written(self) -> None:
        self.assert_refused(
            'acme',
            '/proc/new',
            '/proc/new cannot be written: No such file or directory',
        )
        self.assert_refused(
            'acme', self.home / ('a' * 300), 'File name too long'
        )

    def test_the_current_directory(self) -> None:
        """Whoever is in it would be nowhere."""
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(self.home)
        self.assert_refused('acme', '.', 'is the current directory')

    def test_a_disk_that_is_full_in_the_middle(self) -> None:
        write = Path.write_text

        def until_full(path: Path, text: str, encoding: str) -> int:
            if path.name == 'pyproject.toml':
                raise OSError(28, 'No space left on device')
            return write(path, text, encoding=encoding)

        with mock.patch.object(Path, 'write_text', until_full):
            # The configuration of the command is a file, too.
            done = self.run_command(
                'driver', 'new', 'acme', '--directory', f'{self.home}/new'
            )
        self.assertEqual(2, done.status)
        self.assertIn('No space left on device', done.stderr)
        self.assertEqual([], list(self.home.iterdir()))
