# SPDX-License-Identifier: Apache-2.0
"""What the tests of ``check`` share."""

import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

import fixtures

from metal_drivers_tests.unit import cures
from metal_drivers_tests.unit.cli import base


class DoctorTestCase(base.CommandTestCase):
    """The command, with configuration files where Watcher has them.

    ``check`` may only read: at the end no service has seen another request,
    and each file is as it was.
    """

    def setUp(self) -> None:
        super().setUp()
        home = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable('HOME', home))
        self.folder = pathlib.Path(home, '.watcher')
        self.drop_ins = self.folder / 'watcher.conf.d'
        self.drop_ins.mkdir(parents=True)
        self.main = self.folder / 'watcher.conf'

        # Whether this machine has a Watcher is not what is tested here.
        self.etc = pathlib.Path(home, 'etc-watcher')
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.doctor.installation._ETC', str(self.etc)
            )
        )

    def write(
        self,
        path: pathlib.Path,
        sections: Mapping[str, Mapping[str, Any]],
        mode: int = 0o640,
    ) -> None:
        lines = []
        for name, options in sections.items():
            lines += [f'[{name}]', *(f'{k} = {v}' for k, v in options.items())]
        path.write_text('\n'.join([*lines, '']))
        path.chmod(mode)

    def check(self, *args: str, status: int = 0) -> base.Done:
        """``check`` with ``self.config`` in watcher.conf, unless that file
        is there already."""
        if not self.main.exists():
            self.write(self.main, self.config)
        before = self.files()
        done = self.run_command(*args)
        self.assertEqual(status, done.status, done.stdout + done.stderr)
        self.assertEqual(before, self.files())
        for server in (self.ironic, self.nova):
            self.assertLessEqual(
                {each.method for each in server.requests}, {'GET'}
            )
        return done

    def rows(
        self, *options: str, status: int = 0
    ) -> dict[str, tuple[str, str]]:
        """The result and the detail by the name of the check."""
        done = self.check(*options, 'check', '-f', 'json', status=status)
        found = {
            row['Check']: (row['Result'], row['Detail']) for row in done.json
        }
        self.assertEqual([], cures.without(found))
        return found

    def script(self, *options: str, status: int = 0) -> list[str]:
        """The lines of ``check --fix-hints``."""
        done = self.check(*options, 'check', '--fix-hints', status=status)
        return done.stdout.splitlines()

    def files(self) -> dict[str, tuple[int, str]]:
        """The mode and the content of each file."""
        return {
            str(path): (
                path.stat().st_mode,
                hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for path in self.folder.rglob('*')
            if path.is_file()
        }
