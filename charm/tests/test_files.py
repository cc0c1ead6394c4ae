# SPDX-License-Identifier: Apache-2.0
"""charmcraft.yaml, and the files that Watcher's services read."""

from __future__ import annotations

import pathlib
import re
import subprocess
import tempfile
import unittest

import jsonschema
import yaml
from charmcraft.models.project import PlatformCharm
from oslo_config import cfg

import packages
import rendering
import settings
import watcherconf
from metal_drivers import conf as metal_conf
from metal_drivers.drivers.maas import MaasDriver

CHARM = yaml.safe_load(
    pathlib.Path(__file__).parents[1].joinpath('charmcraft.yaml').read_text()
)
DOC = pathlib.Path(__file__).parents[2] / 'doc/source'
SETTINGS = settings.Settings(
    settings.Maas('http://x/$MAAS', 'a:b:c', 'certificates', 'one, two'),
    {'driver': 'maas', 'min_dwell': '60', 'protected_hosts': 'db-*,web-$1'},
)


class Charmcraft(unittest.TestCase):
    def test_it_is_of_its_own_schema(self):
        jsonschema.Draft202012Validator(
            PlatformCharm.model_json_schema()
        ).validate(CHARM)
        PlatformCharm.unmarshal(CHARM)

    def test_the_schema_finds_a_mistake(self):
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(
                PlatformCharm.model_json_schema()
            ).validate(CHARM | {'subordinate': 'perhaps'})

    def test_the_options_are_those_of_metal_drivers(self):
        types = {cfg.IntOpt: 'int', cfg.StrOpt: 'string'}
        known = {opt.name: opt for opt in metal_conf.OPTS}
        for name in settings.POWER_OPTIONS:
            opt = known[name.replace('-', '_')]
            option = CHARM['config']['options'][name]
            self.assertEqual(types.get(type(opt), 'string'), option['type'])
            # Without a value, that of metal-drivers holds.
            self.assertEqual(
                opt.default if name == 'driver' else None,
                option.get('default'),
            )
            if isinstance(opt, cfg.IntOpt):
                self.assertRegex(
                    option['description'], rf'default {opt.default}\b'
                )


class SunbeamPage(unittest.TestCase):
    """Its image gets what the charm installs, in the same way."""

    def setUp(self) -> None:
        self.page = DOC.joinpath('deploy/sunbeam.rst').read_text()
        (self.run,) = re.findall(r' RUN ((?:.*\\\n)+.*)', self.page)

    def test_the_packages_are_those_of_the_charm(self):
        words = self.run.replace('\\\n', ' ').split()
        names = [word for word in words if word.startswith('python3-')]
        self.assertEqual(list(packages.PACKAGES), names)

    def test_it_has_the_file_that_protects_hosts(self):
        file = '50-metal-drivers.conf'
        self.assertIn('   protected_hosts = ', self.page)
        self.assertIn(f'into a file ``{file}``', self.page)
        ((copied, folder),) = re.findall(r' COPY (.*) (\S+/)\n', self.page)
        self.assertIn(file, copied.split())
        directory = '/etc/watcher/watcher.conf.d'
        commands = [
            line.split() for line in self.run.replace('\\\n', ' ').split('&&')
        ]
        made = commands.index(['install', '-d', '-m', '0755', directory])
        put = commands.index(
            ['install', '-m', '0644', f'{folder}{file}', directory]
        )
        self.assertLess(made, put)

    def test_the_shell_can_read_it(self):
        done = subprocess.run(
            ['sh', '-n'],
            input=self.run,
            text=True,
            capture_output=True,
            check=False,
        )
        self.assertEqual((0, ''), (done.returncode, done.stderr))


class ReadByOsloConfig(unittest.TestCase):
    """As the services of each deployment read it."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.drop_ins = self.directory / 'watcher.conf.d'
        self.drop_ins.mkdir()
        self.watcher_conf = self.directory / 'watcher.conf'
        self.watcher_conf.write_text('[metal_drivers]\nmin_dwell = 5\n')
        (self.drop_ins / '50-metal-drivers.conf').write_text(
            rendering.drop_in(SETTINGS, '/key', '/ca')
        )

    def read(self, *args: str, **defaults: list[str]) -> cfg.ConfigOpts:
        conf = cfg.ConfigOpts()
        metal_conf.register_opts(conf)
        conf.register_opts(MaasDriver.get_config_opts(), watcherconf.MAAS)
        defaults = {
            'default_config_files': [],
            'default_config_dirs': [str(self.drop_ins)],
            **defaults,
        }
        conf(list(args), project='watcher', **defaults)
        maas = conf[watcherconf.MAAS]
        self.assertEqual('http://x/$MAAS', maas.url)
        self.assertEqual('/key', maas.api_key_file)
        self.assertEqual('/ca', maas.cafile)
        self.assertEqual(['one', 'two'], maas.tags)
        self.assertEqual('maas', conf.metal_drivers.driver)
        self.assertEqual(
            ['db-*', 'web-$1'], conf.metal_drivers.protected_hosts
        )
        return conf

    def test_with_a_file(self):
        conf = self.read(f'--config-file={self.watcher_conf}')
        self.assertEqual(5, conf.metal_drivers.min_dwell)

    def test_with_a_file_and_a_directory(self):
        conf = self.read(
            f'--config-file={self.watcher_conf}',
            f'--config-dir={self.drop_ins}',
        )
        self.assertEqual(60, conf.metal_drivers.min_dwell)

    def test_without_arguments(self):
        conf = self.read(default_config_files=[str(self.watcher_conf)])
        self.assertEqual(60, conf.metal_drivers.min_dwell)

    def test_no_secret_is_in_it(self):
        self.assertNotIn('a:b:c', rendering.drop_in(SETTINGS, '/key', '/ca'))
        self.assertNotIn('a:b:c', repr(SETTINGS))
