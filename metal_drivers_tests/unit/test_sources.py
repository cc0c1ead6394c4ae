# SPDX-License-Identifier: Apache-2.0
"""Which file wins, with the arguments that Watcher's services are started
with."""

import pathlib

import fixtures
from oslo_config import cfg

from metal_drivers import sources
from metal_drivers._openstack import groups
from metal_drivers_tests.unit import base


class TestOrder(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.main = home / 'watcher.conf'
        self.folder = home / 'watcher.conf.d'
        self.folder.mkdir()
        self.drop_ins = [self.folder / f'{n}.conf' for n in (10, 50)]
        for path in (self.main, *self.drop_ins):
            path.write_text(f'[nova]\nregion_name = {path.stem}\n')

    def read(self, *args: str) -> cfg.ConfigOpts:
        conf = cfg.ConfigOpts()
        conf(
            args,
            default_config_files=[str(self.main)],
            default_config_dirs=[str(self.folder)],
        )
        return conf

    def assert_last(self, path: pathlib.Path, *args: str) -> None:
        """That file is read last: by oslo.config, as we know, and by what
        reads groups that are not ours."""
        conf = self.read(*args)
        self.assertEqual(path.stem, groups.nova_values(conf).region_name)
        self.assertEqual(str(path), sources.files(conf)[-1])
        self.assertEqual(3, len(sources.files(conf)))
        conf.register_opt(cfg.StrOpt('region_name'), group='nova')
        self.assertEqual(path.stem, conf.nova.region_name)

    def test_a_named_file_wins_over_the_drop_ins_found_by_default(
        self,
    ) -> None:
        self.assert_last(self.main, f'--config-file={self.main}')
        self.assert_last(self.main, '--config-file', str(self.main))

    def test_without_arguments_the_last_drop_in_wins(self) -> None:
        self.assert_last(self.drop_ins[1])

    def test_a_named_directory_wins(self) -> None:
        self.assert_last(self.drop_ins[1], f'--config-dir={self.folder}')
        self.assert_last(
            self.drop_ins[1],
            f'--config-file={self.main}',
            f'--config-dir={self.folder}',
        )

    def test_a_configuration_that_was_not_read(self) -> None:
        self.assertEqual([], sources.files(cfg.ConfigOpts()))


class TestSettings(base.TestCase):
    def test_what_a_file_sets(self) -> None:
        path = self.conf_file('[A]\nb = 1\nb = 2\n', c={'d-e': 1})
        self.assertEqual(
            [
                sources.Setting(path, 'a', 'b', 2),
                sources.Setting(path, 'c', 'd-e'),
            ],
            sources.settings(path),
        )
