# SPDX-License-Identifier: Apache-2.0
"""What "In Watcher" says about configuration files, tried with oslo.config.

In these tests ``~/.watcher`` is what ``/etc/watcher`` is on a machine: both
are searched in the same way, and the former first.
"""

import os
import pathlib
import re
from unittest import mock

import fixtures
from oslo_config import cfg

from metal_drivers import conf as metal_conf
from metal_drivers.cli import main
from metal_drivers_tests.unit import base

_PAGE = pathlib.Path(__file__).parents[2] / 'doc/source/watcher.rst'
_FOLDER = '/etc/watcher'
#: What the page says, and the value that is then read.
_WINNERS = {'that of ``watcher.conf``': 1, 'that of the drop-in': 2}


def _cells(text: str) -> list[tuple[str, str, str]]:
    """The rows of the table of arguments, without its heading."""
    table = text.split('depends on the arguments')[1].split('\n\nSo ')[0]
    table = re.sub(r'\n {5,7}(?=[^ -]|--)', ' ', table)
    rows = re.findall(r'^   \* - (.*)\n     - (.*)\n     - (.*)', table, re.M)
    return rows[1:]


class TestFiles(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempHomeDir()).path)
        self.folder = self.home / '.watcher'
        self.folder.mkdir()
        self.page = _PAGE.read_text(encoding='utf-8')
        # Searched as well, where they are set.
        for name in ('SNAP', 'SNAP_COMMON'):
            self.useFixture(fixtures.EnvironmentVariable(name))

    def write(self, name: str, value: int, option: str = 'min_dwell') -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'[metal_drivers]\n{option} = {value}\n')

    def service(
        self, *args: str, name: str = 'watcher-decision-engine'
    ) -> cfg.ConfigOpts:
        """What a service of Watcher reads.

        Watcher's ``parse_args`` does the same, with ``cfg.CONF``.
        """
        conf = cfg.ConfigOpts()
        metal_conf.register_opts(conf)
        with fixtures.MonkeyPatch('sys.argv', [f'/usr/bin/{name}', *args]):
            conf(
                list(args),
                project='watcher',
                default_config_files=cfg.find_config_files(project='watcher'),
                default_config_dirs=cfg.find_config_dirs(project='watcher'),
            )
        return conf

    def command(self, *args: str) -> cfg.ConfigOpts:
        """What our command reads."""
        app = main.MetalDriversApp()
        app.options, _ = app.parser.parse_known_args(list(args))
        conf: cfg.ConfigOpts = app.conf
        metal_conf.register_opts(conf)
        return conf

    def dwell(self, conf: cfg.ConfigOpts) -> int:
        dwell: int = conf.metal_drivers.min_dwell
        return dwell

    def rows(self) -> list[tuple[list[str], int]]:
        """The arguments of each row of the table, and the value that wins."""
        rows = [
            (
                []
                if arguments == 'none'
                else arguments.strip('`')
                .replace(_FOLDER, str(self.folder))
                .split(),
                _WINNERS[winner],
            )
            for arguments, _, winner in _cells(self.page)
        ]
        self.assertEqual([1, 2, 0], [len(arguments) for arguments, _ in rows])
        return rows

    def test_one_option_in_both(self) -> None:
        self.write('watcher.conf', 1)
        self.write('watcher.conf.d/50-metal-drivers.conf', 2)
        for arguments, winner in self.rows():
            self.assertEqual(winner, self.dwell(self.service(*arguments)))
            # The command, with the arguments of the services.
            self.assertEqual(winner, self.dwell(self.command(*arguments)))

    def test_an_option_of_a_drop_in_alone_is_read_always(self) -> None:
        self.write('watcher.conf', 1)
        self.write('watcher.conf.d/50-metal-drivers.conf', 7, 'poll_interval')
        for arguments, _ in self.rows():
            for conf in (self.service(*arguments), self.command(*arguments)):
                self.assertEqual(7, conf.metal_drivers.poll_interval)

    def test_drop_ins_are_read_in_the_order_of_their_names(self) -> None:
        self.write('watcher.conf.d/20-second.conf', 2)
        self.write('watcher.conf.d/10-first.conf', 1)
        self.write('watcher.conf.d/30-third.txt', 3)
        self.assertEqual(2, self.dwell(self.service()))

    def test_a_directory_made_later_is_not_read(self) -> None:
        self.write('watcher.conf', 1)
        conf = self.service()
        self.write('watcher.conf.d/50-metal-drivers.conf', 2)
        self.assertTrue(conf.reload_config_files())
        self.assertEqual(1, self.dwell(conf))
        self.assertEqual(2, self.dwell(self.service()))

    def test_another_directory_replaces_the_usual_one(self) -> None:
        self.write('watcher.conf', 1)
        self.write('watcher.conf.d/50-metal-drivers.conf', 2)
        self.write('other/50-metal-drivers.conf', 7, 'poll_interval')
        for read in (self.service, self.command):
            conf = read(f'--config-dir={self.folder}/other')
            self.assertEqual(7, conf.metal_drivers.poll_interval)
            self.assertEqual(1, self.dwell(conf))

    def test_a_file_with_the_name_of_the_service(self) -> None:
        self.write('watcher.conf', 1)
        for name in ('watcher-decision-engine.conf', 'watcher-applier.conf'):
            self.write(name, 2)
            self.write(f'{name}.d/x.conf', 7, 'poll_interval')
            service = name.removesuffix('.conf')
            conf = self.service(name=service)
            self.assertEqual(2, self.dwell(conf))
            self.assertEqual(7, conf.metal_drivers.poll_interval)
            conf = self.service(
                f'--config-file={self.folder}/watcher.conf', name=service
            )
            self.assertEqual(1, self.dwell(conf))
            self.assertEqual(7, conf.metal_drivers.poll_interval)
            self.assertEqual(1, self.dwell(self.command()))

    def test_files_of_the_system(self) -> None:
        """Home is only searched before /etc/watcher, not otherwise."""
        os.rmdir(self.folder)
        asked = mock.Mock(return_value=False)
        with mock.patch('os.path.exists', asked):
            self.assertEqual([], cfg.find_config_dirs(project='watcher'))
        asked.assert_any_call(f'{_FOLDER}/watcher.conf.d')
