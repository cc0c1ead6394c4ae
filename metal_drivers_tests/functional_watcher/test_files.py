# SPDX-License-Identifier: Apache-2.0
"""Which configuration files Watcher's own start-up reads."""

import os
import pathlib
import subprocess
import sys
import textwrap

import fixtures
import testtools

_START = textwrap.dedent("""
    import sys

    from oslo_config import cfg
    from watcher.common import service

    from metal_drivers import conf

    service.config.parse_args(sys.argv)
    print(conf.settings(cfg.CONF).min_dwell)
""")


class TestFiles(testtools.TestCase):
    """The unit tests try more, with the call that is made here."""

    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        # Searched before /etc/watcher, and otherwise like it.
        self.folder = self.home / '.watcher'
        (self.folder / 'watcher.conf.d').mkdir(parents=True)
        for name, value in (
            ('watcher.conf', 1),
            ('watcher.conf.d/50-metal-drivers.conf', 2),
        ):
            (self.folder / name).write_text(
                f'[metal_drivers]\nmin_dwell = {value}\n'
            )

    def start(self, *args: str) -> int:
        """The value that a service with these arguments has."""
        done = subprocess.run(
            [sys.executable, '-c', _START, *args],
            env=os.environ | {'HOME': str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return int(done.stdout)

    def test_one_option_in_both(self) -> None:
        file = f'--config-file={self.folder}/watcher.conf'
        directory = f'--config-dir={self.folder}/watcher.conf.d'
        self.assertEqual(1, self.start(file))
        self.assertEqual(2, self.start(file, directory))
        self.assertEqual(2, self.start())
