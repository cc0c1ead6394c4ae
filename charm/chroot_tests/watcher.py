# SPDX-License-Identifier: Apache-2.0
"""Debian's Watcher in a chroot, and what its packages lack there."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import shlex
import socket
import sqlite3
import subprocess
import types
from typing import Any

from chroot_tests import chroot

CONF = '/etc/watcher/watcher.conf'
_DATABASE = '/var/lib/watcher/watcher.db'
_SYSTEMCTL_LOG = '/run/systemctl.log'
_CONF = """[DEFAULT]
transport_url = fake://
[database]
connection = sqlite:///{database}
[collector]
collector_plugins = compute
[watcher_clients_auth]
auth_type = password
auth_url = {auth_url}
username = admin
password = secret
project_name = service
user_domain_name = Default
project_domain_name = Default
"""
#: Debian's names of what python-libmaas requires.
_LIBMAAS_NEEDS = (
    'aiohttp', 'argcomplete', 'bson', 'colorclass', 'macaroonbakery',
    'oauthlib', 'pymongo', 'setuptools', 'terminaltables3', 'tz', 'yaml',
)  # fmt: skip


def prepare(system: chroot.Chroot, auth_url: str) -> None:
    """Configure Watcher, create its tables; a systemctl that only notes."""
    conf = system.path(CONF)
    conf.write_text(_CONF.format(database=_DATABASE, auth_url=auth_url))
    system.run(
        'runuser', '-u', 'watcher', '--',
        'watcher-db-manage', f'--config-file={CONF}', 'create_schema',
    )  # fmt: skip
    system.write(
        '/usr/bin/systemctl', f'#!/bin/sh\necho "$@" >> {_SYSTEMCTL_LOG}\n'
    )
    system.path('/usr/bin/systemctl').chmod(0o755)
    _offer_libmaas(system)


def restarts(system: chroot.Chroot) -> list[str]:
    """How systemctl was called since the last time."""
    log = system.path(_SYSTEMCTL_LOG)
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def strategies(system: chroot.Chroot) -> set[str]:
    """Those that are in Watcher's table, and not deleted."""
    with contextlib.closing(
        sqlite3.connect(system.path(_DATABASE))
    ) as database:
        rows = database.execute('SELECT name FROM strategies WHERE deleted=0')
        return {name for (name,) in rows}


class DecisionEngine:
    """Runs as the unit of systemd says, until this context ends.

    It has started when it says so to systemd.

    :raises AssertionError: it did not start; the text has its log.
    """

    def __init__(self, system: chroot.Chroot) -> None:
        self.system = system

    def __enter__(self) -> DecisionEngine:
        unit = _service_of(
            self.system.path(
                '/usr/lib/systemd/system/watcher-decision-engine.service'
            ).read_text()
        )
        for name in unit['RuntimeDirectory'].split():
            self.system.run(
                'install', '-d', '-o', unit['User'], '-g', unit['Group'],
                f'/run/{name}',
            )  # fmt: skip
        notify = self.system.path('/run/notify')
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(notify))
            notify.chmod(0o666)
            ready.settimeout(60)
            self.process = subprocess.Popen(
                self.system.command(
                    'runuser', '-u', unit['User'], '-g', unit['Group'], '--',
                    'env', '--chdir=/var/lib/watcher',
                    *shlex.split(unit['ExecStart']),
                ),
                env=chroot.environment_of({'NOTIFY_SOCKET': '/run/notify'}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                said = ready.recv(1024)
            except TimeoutError:
                said = b'nothing'
        if b'READY=1' not in said:
            self._stop()
            raise AssertionError(f'It told systemd {said!r}:\n{self.log()}')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._stop()

    def log(self) -> str:
        path = '/var/log/watcher/watcher-decision-engine.log'
        return self.system.path(path).read_text()

    def _stop(self) -> None:
        # With unshare, all processes in there.
        self.process.kill()
        self.process.wait()


def _service_of(text: str) -> dict[str, str]:
    _, _, section = text.partition('[Service]')
    pairs = (
        line.partition('=')
        for line in section.partition('\n[')[0].splitlines()
        if '=' in line
    )
    return {name: value for name, _, value in pairs}


def _offer_libmaas(system: chroot.Chroot) -> None:
    """Have apt know python3-libmaas, as Ubuntu has it and Debian has not."""
    distribution: Any = importlib.metadata.distribution('python-libmaas')
    package = '/srv/python3-libmaas'
    for file in distribution.files:
        if file.parts[0] == 'maas' and file.suffix != '.pyc':
            system.write(
                f'{package}/usr/lib/python3/dist-packages/{file}',
                file.read_text(),
            )
    needs = ', '.join(f'python3-{name}' for name in _LIBMAAS_NEEDS)
    control = (
        'Package: python3-libmaas\n'
        f'Version: {distribution.version}\n'
        'Architecture: all\n'
        'Maintainer: nobody <nobody@example.org>\n'
        'Description: the library of PyPI, for a test\n'
        f'Depends: {needs}\n'
    )
    system.write(f'{package}/DEBIAN/control', control)
    # As each package of Debian does: what Python compiles goes with it.
    for script, program in (('postinst', 'py3compile'), ('prerm', 'py3clean')):
        system.write(
            f'{package}/DEBIAN/{script}',
            f'#!/bin/sh\nset -e\n{program} -p python3-libmaas\n',
            0o755,
        )
    system.path('/srv/apt').mkdir()
    system.run('dpkg-deb', '--build', package, '/srv/apt/libmaas.deb')
    deb = system.path('/srv/apt/libmaas.deb').read_bytes()
    system.write(
        '/srv/apt/Packages',
        f'{control}Filename: ./libmaas.deb\nSize: {len(deb)}\n'
        f'SHA256: {hashlib.sha256(deb).hexdigest()}\n',
    )
    system.write(
        '/etc/apt/sources.list.d/libmaas.list',
        'deb [trusted=yes] file:/srv/apt ./\n',
    )
