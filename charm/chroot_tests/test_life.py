# SPDX-License-Identifier: Apache-2.0
"""The life of a unit beside Debian's Watcher, from install to remove."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import stat
import tempfile
import unittest

from chroot_tests import chroot, juju, watcher
from metal_drivers_tests.emulators.keystone import KeystoneEmulator
from metal_drivers_tests.emulators.maas import MaasEmulator
from metal_drivers_tests.emulators.nova import NovaEmulator
from tests import base

RESTART = 'try-restart watcher-decision-engine watcher-applier'
STRATEGY = 'metal_saving_energy'
HOSTS = ('compute-01', 'compute-02')
#: What runs all the time, what a package manager remembers, and the agent.
_ELSEWHERE = re.compile(
    '/(proc|sys|dev|run|tmp|root|srv'
    '|var/(cache|log|tmp|lib/(apt|dpkg|juju|watcher)))(/|$)'
)


def tree(system: chroot.Chroot) -> dict[str, tuple[object, ...]]:
    """Each path of the system, with what would show a change of it."""
    found = {}
    for directory, directories, files in os.walk(system.root):
        inside = directory.removeprefix(str(system.root)) or '/'
        directories[:] = [
            name
            for name in directories
            if not _ELSEWHERE.match(os.path.join(inside, name))
        ]
        for name in (*directories, *files):
            path = pathlib.Path(directory, name)
            status = path.lstat()
            content = ''
            if stat.S_ISREG(status.st_mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            found[os.path.join(inside, name)] = (
                oct(status.st_mode), status.st_uid, status.st_gid, content,
            )  # fmt: skip
    return found


class Life(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        root = self.directory / 'system'
        root.mkdir()
        try:
            self.system = chroot.Chroot(root)
        except chroot.Unavailable as exc:
            if os.environ.get('METAL_DRIVERS_REQUIRE_CHROOT'):
                raise
            self.skipTest(str(exc))
        self.keystone = self.use(KeystoneEmulator())
        nova = self.use(NovaEmulator(HOSTS, valid_token=self.keystone.valid))
        self.keystone.add_endpoint('compute', f'{nova.url}/v2.1')
        self.maas = self.use(MaasEmulator())
        for name in HOSTS:
            self.maas.add_machine(hostname=name)
        watcher.prepare(self.system, self.keystone.auth_url)
        self.before = tree(self.system)
        self.unit = juju.Unit(self.system)
        self.unit.attach(base.make_wheel(self.directory, '1.0'))

    def use(self, fixture):
        fixture.setUp()
        self.addCleanup(fixture.cleanUp)
        return fixture

    def test_from_install_to_remove(self):
        self.install()
        self.configure()
        with watcher.DecisionEngine(self.system) as engine:
            self.assertIn(STRATEGY, watcher.strategies(self.system))
            self.rotate_the_secret()
            self.assertIsNone(engine.process.poll())
        self.run_the_actions()
        self.upgrade()
        with watcher.DecisionEngine(self.system):
            self.assertIn(STRATEGY, watcher.strategies(self.system))
        self.remove()
        with watcher.DecisionEngine(self.system):
            self.assertNotIn(STRATEGY, watcher.strategies(self.system))

    def install(self) -> None:
        self.assertIn(
            'Python 3.14', self.system.run('/usr/bin/python3', '--version')
        )
        for hook in ('install', 'start'):
            kind, message = self.unit.hook(hook)
            self.assertEqual('blocked', kind)
            self.assertIn('set maas-url and maas-api-key', message)
        self.assertEqual([], watcher.restarts(self.system))
        with watcher.DecisionEngine(self.system):
            self.assertNotIn(STRATEGY, watcher.strategies(self.system))

    def configure(self) -> None:
        secret = {'granted': False, 'content': {'api-key': self.maas.apikey}}
        self.unit.model['secrets']['abc'] = secret
        self.unit.model['config'] = {
            'maas-url': self.maas.maas_url,
            'maas-api-key': 'secret:abc',
            'protected-hosts': 'db-*',
        }
        kind, message = self.unit.hook('config-changed')
        self.assertEqual('blocked', kind)
        self.assertIn('juju grant-secret secret:abc', message)
        secret['granted'] = True
        self.assertEqual(('active', ''), self.unit.hook('update-status'))
        self.assertEqual([RESTART], watcher.restarts(self.system))
        key = self.system.path('/etc/watcher/metal-drivers/maas-api-key')
        self.assertEqual(self.maas.apikey, key.read_text().strip())
        watcher_conf = self.system.path(watcher.CONF).stat()
        self.assertEqual(
            (0, watcher_conf.st_gid, 0o640),
            (
                key.stat().st_uid,
                key.stat().st_gid,
                stat.S_IMODE(key.stat().st_mode),
            ),
        )

    def rotate_the_secret(self) -> None:
        self.maas.add_user('admin', superuser=True)
        _, failed = self.unit.action('list-nodes', format='json')
        self.assertTrue(failed)
        key = self.maas.add_user('admin', superuser=True).apikey
        self.unit.model['secrets']['abc']['content'] = {'api-key': key}
        status = self.unit.hook(
            'secret-changed',
            JUJU_SECRET_ID='secret:abc',
            JUJU_SECRET_REVISION='2',
        )
        self.assertEqual(('active', ''), status)
        self.assertEqual([], watcher.restarts(self.system))

    def run_the_actions(self) -> None:
        output, failed = self.unit.action('list-nodes', format='json')
        self.assertEqual('', failed)
        self.assertEqual(
            set(HOSTS), {row['Host'] for row in json.loads(output)}
        )
        output, failed = self.unit.action('list-drivers', format='json')
        self.assertEqual('', failed)
        output, failed = self.unit.action('check', format='table')
        self.assertEqual('', failed, output)
        # Each file is read once, as the services do.
        self.assertNotIn('more than once', output)

    def upgrade(self) -> None:
        self.unit.attach(base.make_wheel(self.directory, '1.1'))
        status = self.unit.hook('upgrade-charm')
        self.assertEqual(('active', ''), status)
        self.assertEqual([RESTART], watcher.restarts(self.system))
        version = self.system.run(
            '/usr/bin/python3',
            '-c',
            'from importlib.metadata import version;'
            'print(version("watcher-metal-drivers"))',
        )
        self.assertEqual('1.1', version.strip())

    def remove(self) -> None:
        self.unit.hook(
            'watcher-relation-broken',
            JUJU_RELATION='watcher',
            JUJU_RELATION_ID='watcher:0',
            JUJU_REMOTE_APP='watcher',
        )
        self.assertEqual([RESTART], watcher.restarts(self.system))
        for hook in ('stop', 'remove'):
            self.unit.hook(hook)
        self.assertEqual([], watcher.restarts(self.system))
        # The packages of the system, which something else may need by now.
        self.system.run(
            'apt-get', 'autoremove', '--purge', '--yes',
            '--option=APT::AutoRemove::RecommendsImportant=false',
            '--option=APT::AutoRemove::SuggestsImportant=false',
        )  # fmt: skip
        after = tree(self.system)
        changed = [
            path
            for path in sorted({*self.before, *after})
            if self.before.get(path) != after.get(path)
        ]
        self.assertEqual([], changed)
