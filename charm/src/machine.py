# SPDX-License-Identifier: Apache-2.0
"""The machine on which Watcher runs: its files, its commands."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

SERVICES = ('watcher-decision-engine', 'watcher-applier')


class CommandFailed(Exception):
    """A command failed; the text says which, and what it wrote."""


@dataclasses.dataclass(frozen=True)
class Machine:
    """Where everything is.

    :ivar root: above all paths; the tests have one of their own.
    :ivar python: the interpreter that Watcher's services run.
    :ivar path: where the commands are, as in ``$PATH``.
    :ivar user: as whom the services run.
    :ivar group: that of Watcher's configuration files.
    """

    root: pathlib.Path = pathlib.Path('/')
    python: str = '/usr/bin/python3'
    path: str = '/usr/sbin:/usr/bin:/sbin:/bin'
    owner: str = 'root'
    user: str | None = 'watcher'
    group: str = 'watcher'

    @property
    def watcher_conf(self) -> pathlib.Path:
        return self.root / 'etc/watcher/watcher.conf'

    @property
    def drop_in(self) -> pathlib.Path:
        return self.root / 'etc/watcher/watcher.conf.d/50-metal-drivers.conf'

    @property
    def key_file(self) -> pathlib.Path:
        return self.root / 'etc/watcher/metal-drivers/maas-api-key'

    @property
    def ca_file(self) -> pathlib.Path:
        return self.root / 'etc/watcher/metal-drivers/maas-ca.pem'

    @property
    def home(self) -> pathlib.Path:
        """The directory with our code, and what the charm remembers."""
        return self.root / 'opt/watcher-metal-drivers'

    def run(
        self, *command: str, user: str | None = None, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever its exit status.

        :raises CommandFailed: it is not there, or took longer than the
            timeout, in seconds.
        """
        try:
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=timeout,
                # Nothing of the charm's own Python for that of the system.
                env={
                    'PATH': self.path,
                    'LC_ALL': 'C.UTF-8',
                    'DEBIAN_FRONTEND': 'noninteractive',
                },
                cwd=self.root,
                check=False,
                user=user,
                group=self.group if user else None,
                extra_groups=[] if user else None,
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise CommandFailed(f'{command[0]}: {exc}') from exc

    def run_checked(self, *command: str, timeout: float = 300) -> str:
        """Run a command; its standard output.

        :raises CommandFailed: it failed.
        """
        done = self.run(*command, timeout=timeout)
        if done.returncode:
            lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise CommandFailed(
                f'{" ".join(command[:3])} failed: '
                + (lines[-1] if lines else f'status {done.returncode}')
            )
        return done.stdout

    def has_watcher(self) -> bool:
        """Whether Watcher is installed and configured."""
        return self.watcher_conf.is_file()

    def probe(self, library: pathlib.Path, *files: pathlib.Path) -> str:
        """What is wrong with this code and these files; empty if nothing.

        :raises CommandFailed: it could not be found out.
        """
        script = pathlib.Path(__file__).with_name('probe.py')
        output = self.run_checked(
            self.python, str(script), str(library), *map(str, files)
        )
        return str(json.loads(output)['problem'])

    def restart(self) -> None:
        """Restart Watcher's services that run; not the others.

        :raises CommandFailed: one did not start.
        """
        self.run_checked('systemctl', 'try-restart', *SERVICES)

    def write(self, path: pathlib.Path, text: str) -> None:
        """Replace a file in one step; root:watcher, 0640.

        Directories that are missing are made, for root and Watcher.
        """
        self._make(path.parent)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix='.')
        try:
            with os.fdopen(descriptor, 'w') as file:
                file.write(text)
            self.share(pathlib.Path(name), 0o640)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise

    def share(self, path: pathlib.Path, mode: int) -> None:
        """Let Watcher's group have the path, with this mode."""
        shutil.chown(path, self.owner, self.group)
        path.chmod(mode)

    def _make(self, directory: pathlib.Path) -> None:
        if not directory.is_dir():
            # Noted before it is made, so that the removal knows it.
            self.home.mkdir(parents=True, exist_ok=True)
            note = self.home / 'directories'
            with note.open('a') as file:
                file.write(f'{directory}\n')
            directory.mkdir()
            self.share(directory, 0o750)

    def remove_directories(self) -> None:
        """Remove the directories that were made here and are empty."""
        for name in read(self.home / 'directories').splitlines():
            directory = pathlib.Path(name)
            if directory.is_dir() and not any(directory.iterdir()):
                directory.rmdir()


def read(path: pathlib.Path) -> str:
    """The text of a file; empty where there is none."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ''
