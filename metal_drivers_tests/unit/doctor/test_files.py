# SPDX-License-Identifier: Apache-2.0
"""Rights on files, copies of packages, and the commands that fix both."""

import os
import pathlib
import shlex
import subprocess
import sys

import fixtures

from metal_drivers import doctor
from metal_drivers.doctor import installation
from metal_drivers_tests.unit.doctor import base

MAAS = 'watcher.metal.drivers.maas'


class TestModes(base.DoctorTestCase):
    def test_all_is_well(self) -> None:
        self.write(self.main, self.config, 0o644)
        self.assertEqual(
            ('ok', '1 file is protected'), self.rows()['file modes']
        )
        self.write(self.drop_ins / '50.conf', {'metal_drivers': {}})
        self.assertEqual(
            ('ok', '2 files are protected'), self.rows()['file modes']
        )

    def test_a_password_that_everyone_can_read(self) -> None:
        self.config['watcher_clients_auth'] = {'password': 'p4ssword'}
        self.write(self.main, self.config, 0o644)
        result, detail = self.rows()['file modes']
        self.assertEqual('warning', result)
        self.assertIn(
            f'{self.main} holds a secret, and everyone can read it (mode '
            '0644)',
            detail,
        )
        self.assertIn(f'chmod o-rwx -- {self.main}', self.script())

    def test_a_key_of_a_former_group(self) -> None:
        self.config['maas_client'] = {'api_key': 'a:b:c'}
        self.write(self.main, self.config, 0o644)
        self.assertEqual('warning', self.rows(status=1)['file modes'][0])

    def test_a_file_with_a_key(self) -> None:
        key = self.folder / 'api key'
        key.write_text('a:b:c')
        key.chmod(0o644)
        self.config['metal_drivers']['driver'] = 'ironic'
        self.config[MAAS] = {'api_key_file': key}
        self.assertIn(str(key), self.rows()['file modes'][1])
        self.assertIn(f"chmod o-rwx -- '{key}'", self.script())
        key.chmod(0o640)
        self.assertEqual('ok', self.rows()['file modes'][0])
        key.unlink()
        self.assertEqual('failed', self.rows(status=1)['file modes'][0])

    def test_a_file_that_everyone_can_write(self) -> None:
        self.write(self.main, self.config, 0o666)
        _, detail = self.rows()['file modes']
        self.assertIn(f'everyone can write {self.main}', detail)

    def test_a_hook_that_everyone_can_change(self) -> None:
        hook = self.folder / 'hook'
        hook.write_text('#!/bin/sh\n')
        hook.chmod(0o757)
        self.config['metal_drivers']['hooks'] = 'command'
        self.config['metal_drivers.hooks.command'] = {'executable': hook}
        result, detail = self.rows()['file modes']
        self.assertEqual('warning', result)
        self.assertIn(f'everyone can write {hook}', detail)
        self.assertIn(f'chmod go-w -- {hook}', self.script())


class TestCopies(base.DoctorTestCase):
    def install(self, version: str, name: str = 'python_watcher') -> str:
        site = self.useFixture(fixtures.TempDir()).path
        info = pathlib.Path(site, f'{name}-{version}.dist-info')
        info.mkdir()
        (info / 'METADATA').write_text(
            f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
        )
        return site

    def copies(self, *sites: str) -> list[str]:
        found = installation.copies(doctor.Place(self.conf(), path=sites))
        return [
            f'{each.name} {each.status.value} {each.detail}' for each in found
        ]

    def test_one_copy(self) -> None:
        site = self.install('17.0.1')
        link = f'{self.useFixture(fixtures.TempDir()).path}/lib'
        os.symlink(site, link)
        self.assertEqual(
            [f'watcher ok 17.0.1 in {site}'], self.copies(site, link, '')
        )

    def test_one_that_was_not_tested(self) -> None:
        (found,) = self.copies(self.install('9.0.0'))
        self.assertTrue(found.startswith('watcher warning 9.0.0 in '), found)
        self.assertIn('was tested with', found)

    def test_none(self) -> None:
        self.assertEqual(
            [f'watcher ok not installed for {sys.executable}'], self.copies()
        )

    def test_none_where_watcher_is_configured(self) -> None:
        self.etc.mkdir()
        (found,) = self.copies()
        self.assertTrue(
            found.startswith(
                f'watcher warning not installed for {sys.executable}, but '
                f'{self.etc} exists. Install '
            ),
            found,
        )

    def test_a_copy_hides_that_of_the_distribution(self) -> None:
        local, system = self.install('17.0.0'), self.install('12.0.0')
        (found,) = self.copies(local, system)
        self.assertTrue(
            found.startswith(
                f'watcher warning python-watcher 17.0.0 in {local} hides '
                f'12.0.0 in {system}. '
            ),
            found,
        )

    def test_two_copies_of_this_package(self) -> None:
        name = 'watcher_metal_drivers'
        _, found = self.copies(
            self.install('2.0', name), self.install('1.0', name)
        )
        self.assertTrue(found.startswith('installation warning'), found)

    def test_on_the_path_of_this_process(self) -> None:
        sites = [self.install('17.0.0'), self.install('12.0.0')]
        self.useFixture(fixtures.MonkeyPatch('sys.path', [*sites, *sys.path]))
        self.assertEqual('warning', self.rows()['watcher'][0])
        self.assertIn(
            f'{sys.executable} -m pip uninstall -- python-watcher',
            self.script(),
        )


class TestScript(base.DoctorTestCase):
    """``--fix-hints``."""

    def test_is_a_script_that_does_what_it_says(self) -> None:
        """With names that a shell would take for something else."""
        folder = self.folder / "it's; $(x) & co"
        folder.mkdir()
        self.main = folder / 'a b.conf'
        self.config['metal_drivers']['poll_intervall'] = 'a/b & c'
        self.config['metal_driver'] = {'min_dwell': 1}
        self.config['watcher_clients_auth'] = {'password': 'p4ssword'}
        self.write(self.main, self.config, 0o644)
        name = f'--config-file={self.main}'
        lines = self.script(name)
        commands = [line for line in lines if not line.startswith('#')]
        self.assertEqual(
            ['sed', 'sed', 'chmod'],
            [shlex.split(line)[0] for line in commands],
        )
        text = self.main.read_text()
        subprocess.run(
            ['/bin/sh', '-e'],
            input='\n'.join(lines),
            text=True,
            check=True,
            cwd=self.folder,
        )
        expected = text.replace('intervall', 'interval').replace(
            '[metal_driver]', '[metal_drivers]'
        )
        self.assertEqual(expected, self.main.read_text())
        self.assertEqual(0o640, self.main.stat().st_mode & 0o777)

    def test_says_what_no_command_does(self) -> None:
        lines = self.script()
        self.assertIn('# matching (warning): 3 of 4 nodes', lines[0])
        self.assertEqual('# No command does this.', lines[1])

    def test_nothing_to_fix(self) -> None:
        host = self.nova.add_host('compute-04')
        self.ironic.node('metal-04').extra = {
            'compute_node_id': host.hypervisor_id
        }
        self.assertEqual([], self.script())

    def test_what_a_service_says_is_not_run(self) -> None:
        self.ironic.node('metal-04').name = 'x\n touch /tmp/y\r\x1b[2J'
        for line in self.script():
            self.assertTrue(line.startswith('# '), line)
            self.assertTrue(line.isprintable(), line)

    def test_a_failure_is_still_a_failure(self) -> None:
        self.config['nova'] |= {'endpoint_override': 'http://127.0.0.1:1/v2.1'}
        lines = self.script(status=1)
        self.assertIn('# nova (failed): ', lines[0])
