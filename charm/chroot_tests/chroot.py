# SPDX-License-Identifier: Apache-2.0
"""A chroot with Debian's own packages of Watcher.

What takes long to make is kept in a directory: ``$METAL_DRIVERS_CHROOT``, or
``metal-drivers`` below the user's cache.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping

#: The release of Debian that has Watcher 17, and the next stable one.
SUITE = 'forky'
MIRROR = 'http://deb.debian.org/debian'
PACKAGES = ('watcher-applier', 'watcher-decision-engine')
_MAKE = (
    'mmdebstrap',
    '--variant=apt',
    f'--include={",".join(PACKAGES)}',
    # A mirror may be a snapshot, which is older.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-exclude=/usr/share/locale/*',
    '--dpkgopt=path-exclude=/usr/share/man/*',
)
#: apt writes its log through a terminal.
_ENTER = (
    'mount -t devpts -o newinstance devpts "$0/dev/pts" '
    '&& exec chroot "$0" "$@"'
)


class Unavailable(Exception):
    """No chroot can be made here; the text says why."""


class Chroot:
    """An unpacked system.

    Each command has mounts and processes of its own, which end with it: so
    nothing is left mounted or running.

    :param root: an empty directory.
    :raises Unavailable: it cannot be made here.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        subprocess.run(
            ['tar', '--extract', '--numeric-owner', '-f', str(_system())],
            cwd=root,
            check=True,
        )
        root.chmod(0o755)

    def path(self, name: str) -> pathlib.Path:
        return self.root / name.lstrip('/')

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def command(self, *command: str) -> list[str]:
        """The command outside that runs this command inside."""
        return [
            'unshare', '--mount', '--pid', '--fork', '--kill-child',
            f'--mount-proc={self.path("proc")}',
            'sh', '-c', _ENTER, str(self.root), *command,
        ]  # fmt: skip

    def run(
        self, *command: str, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a command to its end; its standard output.

        :raises AssertionError: it failed; the text has all of its output.
        """
        done = subprocess.run(
            self.command(*command),
            env=environment_of(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if done.returncode:
            raise AssertionError(
                f'{" ".join(command)} failed with status {done.returncode}:\n'
                f'{done.stdout}\n{done.stderr}'
            )
        return done.stdout


def environment_of(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of the environment of the tests."""
    return {
        'PATH': '/usr/sbin:/usr/bin:/sbin:/bin',
        'LC_ALL': 'C.UTF-8',
        'DEBIAN_FRONTEND': 'noninteractive',
        **(more or {}),
    }


def cached(
    name: str, key: str, make: Callable[[pathlib.Path], None]
) -> pathlib.Path:
    """What was made before with this key, or is made now.

    :param make: makes the path that it is given.
    """
    home = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    directory = pathlib.Path(
        os.environ.get('METAL_DRIVERS_CHROOT')
        or pathlib.Path(home, 'metal-drivers').expanduser()
    )
    directory.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    path = directory / f'{digest}-{name}'
    with directory.joinpath('lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            # On the same file system, and gone if this fails.
            with tempfile.TemporaryDirectory(dir=directory) as unfinished:
                new = pathlib.Path(unfinished, name)
                make(new)
                # What an earlier key has left.
                for old in directory.glob(f'*-{name}'):
                    with contextlib.suppress(NotADirectoryError):
                        shutil.rmtree(old)
                    old.unlink(missing_ok=True)
                new.rename(path)
    return path


def _system() -> pathlib.Path:
    if os.geteuid():
        raise Unavailable('a chroot needs root')
    missing = [
        name
        for name in ('mmdebstrap', 'unshare', 'chroot', 'tar')
        if not shutil.which(name)
    ]
    if missing:
        raise Unavailable(f'not installed: {", ".join(missing)}')
    return cached('system.tar', f'{_MAKE} {SUITE} {MIRROR}', _make)


def _make(path: pathlib.Path) -> None:
    done = subprocess.run(
        # Whatever ends it, nothing is left mounted or running.
        [
            'unshare', '--mount', '--pid', '--fork', '--kill-child',
            '--mount-proc', *_MAKE, SUITE, str(path), MIRROR,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        errors = [x for x in done.stderr.splitlines() if x.startswith('E:')]
        raise Unavailable(f'mmdebstrap failed: {"; ".join(errors)}')
