# SPDX-License-Identifier: Apache-2.0
"""A distribution with a driver, as a user installs it."""

import importlib.util
import subprocess
import sys
import unittest
import zipfile
from pathlib import Path

import fixtures

from metal_drivers_tests.unit import base, distributions


class TestWheel(base.TestCase):
    @unittest.skipUnless(importlib.util.find_spec('pip'), 'takes pip')
    def test_installed_by_pip(self) -> None:
        site = self.useFixture(distributions.Distributions())
        site.install_driver('acme')
        home = Path(self.useFixture(fixtures.TempDir()).path)
        wheel = home / 'acme_acme-1.0-py3-none-any.whl'
        with zipfile.ZipFile(wheel, 'w') as archive:
            for path in site.site.rglob('*'):
                archive.write(path, path.relative_to(site.site))
        options = ['--quiet', '--no-deps', '--no-index', '--target']
        pip = [sys.executable, '-m', 'pip', 'install', *options]
        subprocess.run([*pip, str(home / 'site'), str(wheel)], check=True)
        conf = self.conf_file(
            **{'watcher.metal.drivers.acme': distributions.READY}
        )
        printed = distributions.run(
            """
            import sys
            from oslo_config import cfg
            from metal_drivers import selector
            conf = cfg.ConfigOpts()
            conf([f'--config-file={sys.argv[1]}'])
            chosen = selector.Selector(conf).select()
            print(chosen.name, chosen.distribution, chosen.detail)
            """,
            conf,
            path=[str(home / 'site')],
            cache=str(home / 'cache'),
        )
        self.assertEqual('acme acme-acme configured\n', printed)
