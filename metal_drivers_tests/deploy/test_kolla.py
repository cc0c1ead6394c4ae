# SPDX-License-Identifier: Apache-2.0
"""``contrib/kolla``, with the real Kolla and the real Kolla-Ansible."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from typing import Any

import fixtures
import testtools
import yaml

from metal_drivers_tests.unit.deploy import reading

_KOLLA = reading.CONTRIB / 'kolla'
_PAGE = (reading.TOP / 'doc/source/deploy/kolla.rst').read_text()
_ANSIBLE = pathlib.Path(sys.prefix, 'share/kolla-ansible/ansible')
_BIN = pathlib.Path(sys.prefix, 'bin')


def run(*command: object, **environment: object) -> str:
    """What a command prints; its failure fails the test."""
    done = subprocess.run(
        list(map(str, command)),
        env=os.environ | {k: str(v) for k, v in environment.items()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f'{command} failed:\n{done.stdout}')
    return done.stdout


class KollaTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)


class TestImage(KollaTestCase):
    def test_the_package_is_installed_with_watcher(self) -> None:
        """Into the image of which those of all services are made."""
        (typed,) = re.findall(
            r'^ +kolla-build (.*)$', _PAGE.replace('\\\n', ''), re.M
        )
        words = shlex.split(typed)
        words[words.index('template-overrides.j2')] = str(
            _KOLLA / 'template-overrides.j2'
        )
        words += ['--template-only', '--work-dir', str(self.home)]
        run(_BIN / 'kolla-build', *words)
        (base,) = self.home.glob('**/watcher-base/Dockerfile')
        (line,) = [
            line
            for line in base.read_text().splitlines()
            if 'watcher-metal-drivers' in line
        ]
        self.assertIn('pip', line)
        self.assertIn('/upper-constraints.txt', line)
        self.assertIn(' /watcher watcher-metal-drivers[maas]', line)
        for image in ('watcher-engine', 'watcher-applier'):
            (file,) = self.home.glob(f'**/{image}/Dockerfile')
            self.assertIn('/watcher-base:', file.read_text().split('\n')[0])


class TestConfiguration(KollaTestCase):
    """The role "watcher" of Kolla-Ansible, as far as its configuration."""

    def ansible(self, playbook: pathlib.Path, **variables: Any) -> str:
        """Run a playbook, on this machine, with Kolla-Ansible's variables."""
        passwords = self.home / 'passwords.yml'
        if not passwords.exists():
            shutil.copy(
                _ANSIBLE.parent / 'etc_examples/kolla/passwords.yml', passwords
            )
            passwords.chmod(0o600)
            run(_BIN / 'kolla-genpwd', '-p', passwords)
        own = self.home / 'own.yml'
        own.write_text(json.dumps(variables))
        files = [
            *sorted((_ANSIBLE / 'group_vars/all').glob('*.yml')),
            _ANSIBLE / 'roles/watcher/defaults/main.yml',
            passwords,
            _KOLLA / 'globals.yml',
            own,
        ]
        extra = [part for file in files for part in ('-e', f'@{file}')]
        return run(
            _BIN / 'ansible-playbook',
            '-i', _ANSIBLE / 'inventory/all-in-one',
            *extra,
            playbook,
            ANSIBLE_ACTION_PLUGINS=_ANSIBLE / 'action_plugins',
            ANSIBLE_FILTER_PLUGINS=_ANSIBLE / 'filter_plugins',
            ANSIBLE_HOME=self.home,
            ANSIBLE_LIBRARY=_ANSIBLE / 'library',
            ANSIBLE_LOCAL_TEMP=self.home / 'local',
            ANSIBLE_REMOTE_TEMP=self.home / 'remote',
            ANSIBLE_PYTHON_INTERPRETER=sys.executable,
        )  # fmt: skip

    def configure(self) -> tuple[str, list[str]]:
        """What the engine gets: its configuration, and its volumes.

        The task is that of the role.
        """
        (self.home / 'config').mkdir()
        shutil.copy(_KOLLA / 'watcher.conf', self.home / 'config')
        role = _ANSIBLE / 'roles/watcher'
        tasks = yaml.safe_load((role / 'tasks/config.yml').read_text())
        (task,) = [task for task in tasks if 'merge_configs' in task]
        for key in ('become', 'with_dict'):
            del task[key]
        task['vars'] = {
            'service_name': 'watcher-engine',
            'role_path': str(role),
            'item': {'key': 'watcher-engine'},
        }
        volumes = {
            'ansible.builtin.copy': {
                'dest': str(self.home / 'volumes'),
                'content': (
                    "{{ watcher_services['watcher-engine'].volumes"
                    ' | to_json }}'
                ),
            }
        }
        play = self.home / 'play.yml'
        plays = [{'hosts': 'watcher-engine', 'tasks': [task, volumes]}]
        play.write_text(yaml.safe_dump(plays))
        (self.home / 'watcher-engine').mkdir()
        self.ansible(
            play,
            node_config=str(self.home),
            node_custom_config=str(self.home / 'config'),
            node_config_directory=str(self.home),
            kolla_internal_vip_address='10.0.0.250',
            network_interface='lo',
            # A filter computes it that is not in a package of its own.
            kolla_same_external_internal_vip=True,
        )
        return (
            (self.home / 'watcher-engine/watcher.conf').read_text(),
            json.loads((self.home / 'volumes').read_text()),
        )

    def test_the_services_get_it(self) -> None:
        text, volumes = self.configure()
        # Of the role's own template.
        self.assertIn('[watcher_clients_auth]\n', text)
        # What is not in our file belongs to Watcher.
        ours = ('metal_drivers]', 'watcher.metal.drivers.', 'nova]')
        sections = [s for s in text.split('\n[') if s.startswith(ours)]
        self.assertEqual(3, len(sections))
        merged = self.home / 'merged.conf'
        merged.write_text(''.join(f'[{section}\n' for section in sections))
        conf = reading.read(merged)
        self.assertEqual(
            ['controller-*', 'network-*'], conf.metal_drivers.protected_hosts
        )
        # A variable of Kolla-Ansible was put in its place.
        self.assertEqual('RegionOne', conf.nova.region_name)
        maas = conf['watcher.metal.drivers.maas']
        self.assertEqual('https://maas.example.org:5443/MAAS', maas.url)
        self.assertIn(
            '/etc/kolla/watcher-metal-drivers/'
            f':{pathlib.Path(maas.api_key_file).parent}/:ro',
            volumes,
        )

    def test_the_key(self) -> None:
        (self.home / 'maas.key').write_text('consumer:token:secret\n')
        folder = self.home / 'watcher-metal-drivers'
        settings = {
            'metal_drivers_directory': str(folder),
            'metal_drivers_group': str(os.getgid()),
            'maas_key': str(self.home / 'maas.key'),
            'maas_ca': str(self.home / 'maas-ca.pem'),
            'ansible_become': False,
        }
        printed = self.ansible(_KOLLA / 'maas-key.yml', **settings)
        self.assertNotIn('secret', printed)
        key = folder / 'maas.key'
        self.assertEqual('consumer:token:secret\n', key.read_text())
        self.assertEqual(0o640, key.stat().st_mode & 0o7777)
        self.assertEqual(0o750, folder.stat().st_mode & 0o7777)
        self.assertEqual([key], list(folder.iterdir()))
        # Another key, and a certificate.
        (self.home / 'maas.key').write_text('consumer:token:other\n')
        (self.home / 'maas-ca.pem').write_text('certificate\n')
        self.ansible(_KOLLA / 'maas-key.yml', **settings)
        self.assertEqual('consumer:token:other\n', key.read_text())
        self.assertEqual('certificate\n', (folder / 'maas-ca.pem').read_text())
