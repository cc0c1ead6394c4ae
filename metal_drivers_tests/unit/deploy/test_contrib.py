# SPDX-License-Identifier: Apache-2.0
"""The files of ``contrib``, read as Watcher's services read them."""

import pathlib
import re
import shlex
from typing import Any

import yaml
from oslo_config import cfg

from metal_drivers import conf as metal_conf
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.deploy import reading

MAAS = 'watcher.metal.drivers.maas'
IRONIC = 'watcher.metal.drivers.ironic'


class ContribTestCase(base.TestCase):
    def text(self, name: str) -> str:
        return (reading.CONTRIB / name).read_text(encoding='utf-8')

    def yaml(self, name: str) -> Any:
        return yaml.safe_load(self.text(name))

    def read(self, text: str) -> cfg.ConfigOpts:
        """The configuration, which has no secret in it."""
        conf = reading.read(pathlib.Path(self.conf_file(text)))
        for group, opts in metal_conf.list_opts():
            for opt in opts:
                if opt.secret:
                    self.assertIsNone(conf[group][opt.dest], opt.dest)
        return conf

    def assert_protects(self, conf: cfg.ConfigOpts) -> None:
        self.assertEqual(
            ['controller-*', 'network-*'], conf.metal_drivers.protected_hosts
        )


class TestReading(ContribTestCase):
    """A mistake in such a file is found."""

    def test_mistakes(self) -> None:
        for text in (
            '[metal_drivers]\nprotected_host = db-*\n',
            '[watcher.metal.drivers.mas]\nurl = http://maas\n',
            '[nova]\nregion = RegionOne\n',
            '[nova]\nauth_type = password\nauth_url = x\nuser = watcher\n',
        ):
            self.assertRaises(reading.UnknownOptionError, self.read, text)

    def test_wrong_values(self) -> None:
        for text in (
            '[metal_drivers]\nmin_dwell = soon\n',
            f'[{MAAS}]\nlist_timeout = 0\n',
        ):
            self.assertRaises(cfg.ConfigFileValueError, self.read, text)


class TestKolla(ContribTestCase):
    """The rest of Kolla is tried by ``tox -e deploy``."""

    def test_watcher_conf(self) -> None:
        conf = self.read(self.text('kolla/watcher.conf'))
        self.assert_protects(conf)
        folder = pathlib.PurePath(conf[MAAS].api_key_file).parent
        self.assertEqual(folder, pathlib.PurePath(conf[MAAS].cafile).parent)
        settings = self.yaml('kolla/globals.yml')
        for service in ('engine', 'applier'):
            (volume,) = settings[f'watcher_{service}_extra_volumes']
            host, container, mode = volume.split(':')
            self.assertEqual((f'{folder}/', 'ro'), (container, mode))
            (play,) = self.yaml('kolla/maas-key.yml')
            self.assertEqual(
                host, play['vars']['metal_drivers_directory'] + '/'
            )


class TestHelm(ContribTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.values = self.yaml('openstack-helm/watcher-metal-drivers.yaml')

    def oslo_conf(self) -> str:
        """What the chart's ``to_oslo_conf`` makes of the options."""
        lines = []
        for section, options in self.values['conf']['watcher'].items():
            lines.append(f'[{section}]')
            for name, value in options.items():
                text = ','.join(value) if isinstance(value, list) else value
                lines.append(f'{name} = {text}')
        return '\n'.join([*lines, ''])

    def test_options(self) -> None:
        conf = self.read(self.oslo_conf())
        self.assert_protects(conf)
        self.assertEqual('RegionOne', conf.nova.region_name)

    def test_the_key_is_mounted_where_it_is_read(self) -> None:
        """Where the chart has a place for further volumes of each pod."""
        file = self.read(self.oslo_conf())[MAAS].api_key_file
        for pod in ('watcher_decision_engine', 'watcher_applier'):
            self.assertIn(pod, self.values['images']['tags'])
            mounts = self.values['pod']['mounts'][pod][pod]
            (mount,) = mounts['volumeMounts']
            (volume,) = mounts['volumes']
            self.assertEqual(mount['name'], volume['name'])
            self.assertNotIn('subPath', mount)
            self.assertEqual(
                pathlib.PurePath(mount['mountPath'], 'maas.key'),
                pathlib.PurePath(file),
            )
        self.assertEqual(2, len(self.values['pod']['mounts']))


class TestOperator(ContribTestCase):
    def test_custom_service_config(self) -> None:
        patch = self.yaml('rhoso/control-plane.yaml')
        template = patch['spec']['watcher']['template']
        conf = self.read(template['customServiceConfig'])
        self.assert_protects(conf)
        self.assertEqual('compute', conf[IRONIC].resource_class)

    def test_images_of_the_services_that_need_it(self) -> None:
        images = self.yaml('rhoso/version.yaml')['spec']
        self.assertEqual(
            {'watcherDecisionEngineImage', 'watcherApplierImage'},
            set(images['customContainerImages']),
        )


class TestImage(ContribTestCase):
    """A container cannot be built here; its one command can be parsed."""

    def test_the_package_is_checked_in_it(self) -> None:
        lines = self.text('image/Containerfile').replace('\\\n', '')
        (command,) = re.findall(r'^RUN (.*)$', lines, re.M)
        parts = [shlex.split(part) for part in command.split(' && ')]
        self.assertEqual(['metal-drivers', 'driver', 'list'], parts[-1])
        installed = parts[0][-1]
        self.assertIn(installed, parts[1])
        self.assertIn('watcher-metal-drivers[maas]', parts[1])


class TestDebian(ContribTestCase):
    """What installs it is tried by ``tox -e deploy``."""

    def test_drop_in(self) -> None:
        conf = self.read(self.text('debian/50-metal-drivers.conf'))
        self.assert_protects(conf)
        self.assertEqual(
            '/etc/watcher/metal-drivers/maas.key', conf[MAAS].api_key_file
        )
