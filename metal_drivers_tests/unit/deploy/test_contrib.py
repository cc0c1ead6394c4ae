# SPDX-License-Identifier: Apache-2.0
"""The files of ``contrib``, read as Watcher's services read them."""

import pathlib
from typing import Any

import yaml
from oslo_config import cfg

from metal_drivers import conf as metal_conf
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.deploy import reading

MAAS = 'watcher.metal.drivers.maas'


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
