# SPDX-License-Identifier: Apache-2.0
"""The code: installed, switched, repaired."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import tempfile
import zipfile

from ops import testing

import installing
from metal_drivers import conf as metal_conf
from tests import base

ACTIVE = testing.ActiveStatus()


class Installing(base.CharmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(ACTIVE, self.configure(self.maas()))
        self.log()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def attach(self, wheel: pathlib.Path) -> testing.State:
        resource = testing.Resource(name='wheel', path=wheel)
        self.state = dataclasses.replace(self.state, resources={resource})
        return self.send(self.on.upgrade_charm())

    def assert_stays(self, text: str, wheel: pathlib.Path) -> None:
        before = installing.in_use(self.machine)
        self.assertTrue(before)
        status = self.attach(wheel)
        self.assertIsInstance(status, testing.BlockedStatus)
        self.assertIn(text, status.message)
        self.assertEqual(before, installing.in_use(self.machine))
        self.assertEqual([], self.log())
        versions = self.machine.home / 'versions'
        self.assertEqual([before], [path.name for path in versions.iterdir()])

    def test_the_system_python_finds_the_code(self):
        path = installing.path_file(self.machine)
        line = path.read_text().strip()
        self.assertTrue(pathlib.Path(line, 'metal_drivers').is_dir())

    def test_another_wheel_is_switched_to(self):
        (self.root / 'bin/dpkg-query.fails').touch()
        wheel = base.make_wheel(self.directory, '1.1')
        self.assertEqual(ACTIVE, self.attach(wheel))
        self.assertTrue(installing.in_use(self.machine).startswith('1.1-'))
        log = self.log()
        self.assertIn('try-restart', log[-1])
        self.assertIn('python3-libmaas', ' '.join(log))
        self.send(self.on.relation_broken(self.relation))
        (given_up,) = (x for x in self.log() if x.startswith('apt-mark auto'))
        self.assertIn('python3-libmaas', given_up)

    def test_only_the_new_version_is_left(self):
        self.attach(base.make_wheel(self.directory, '1.1'))
        versions = list((self.machine.home / 'versions').iterdir())
        self.assertEqual(1, len(versions))

    def test_a_wheel_that_cannot_be_imported(self):
        wheel = base.make_wheel(
            self.directory,
            '1.1',
            {'metal_drivers/watcher/action.py': b'import machine\n'},
        )
        before = installing.in_use(self.machine)
        status = self.attach(wheel)
        self.assertIn("No module named 'machine'", status.message)
        self.assertEqual(before, installing.in_use(self.machine))
        self.assertFalse([x for x in self.log() if 'systemctl' in x])

    def test_a_wheel_that_refuses_the_configuration_in_use(self):
        code = pathlib.Path(metal_conf.__file__).read_bytes() + (
            b'def settings(conf):\n    raise ValueError("too old")\n'
        )
        wheel = base.make_wheel(
            self.directory,
            '1.1',
            {'metal_drivers/conf.py': code},
        )
        before = installing.in_use(self.machine)
        status = self.attach(wheel)
        self.assertEqual(1, status.message.count('too old'))
        self.assertIn('the code in use stays', status.message)
        self.assertEqual(before, installing.in_use(self.machine))
        self.assertFalse([x for x in self.log() if 'systemctl' in x])

    def test_apt_that_fails(self):
        (self.root / 'bin/dpkg-query.fails').touch()
        (self.root / 'bin/apt-get.fails').touch()
        wheel = base.make_wheel(self.directory, '1.1')
        self.assertIn('broken', self.attach(wheel).message)
        # What does not need it goes on.
        self.configure(self.maas(min_dwell=60))
        self.assertIn('min_dwell = 60', self.machine.drop_in.read_text())

    def test_what_is_no_wheel(self):
        path = self.directory / 'x.whl'
        path.write_text('no')
        self.assert_stays('is not a wheel', path)

    def test_a_wheel_of_something_else(self):
        path = self.directory / 'x.whl'
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('x-1.dist-info/METADATA', 'Name: x\nVersion: 1\n')
        self.assert_stays('a wheel of x', path)

    def test_an_empty_resource(self):
        path = self.directory / 'x.whl'
        path.touch()
        self.assert_stays('juju attach-resource', path)

    def test_another_python(self):
        """After an upgrade of the system: another directory to be found in."""
        path = installing.path_file(self.machine)
        old = path.parents[2] / 'python3.5/dist-packages' / path.name
        old.parent.mkdir(parents=True)
        shutil.move(path, old)
        self.assertEqual(ACTIVE, self.send(self.on.update_status()))
        self.assertTrue(path.exists())
        self.assertFalse(old.exists())
        self.assertIn('try-restart', ' '.join(self.log()))

    def test_another_python_is_repaired_with_options_that_are_refused(self):
        path = installing.path_file(self.machine)
        path.unlink()
        status = self.configure({})
        self.assertIsInstance(status, testing.BlockedStatus)
        self.assertTrue(path.exists())
        self.assertIn('try-restart', ' '.join(self.log()))
