# SPDX-License-Identifier: Apache-2.0
"""A machine with Watcher's files, and the events that Juju sends."""

from __future__ import annotations

import base64
import dataclasses
import functools
import getpass
import grp
import hashlib
import importlib.metadata
import os
import pathlib
import shutil
import sys
import tempfile
import unittest
import zipfile
from unittest import mock

import ops
from ops import testing

import charm
import installing
import metal_drivers
from machine import Machine

KEY = 'consumer:token:secret'
CA = '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----'
URL = 'http://maas.example.org:5240/MAAS'

_SERVICES = """#!/bin/sh
echo "$(basename "$0") $*" >> "$(dirname "$0")/log"
[ ! -e "$0.fails" ] || { echo broken >&2; exit 1; }
"""


def make_wheel(
    directory: pathlib.Path,
    version: str = '1.0',
    changes: dict[str, bytes] | None = None,
) -> pathlib.Path:
    """A wheel of the code under test, with another version, and with other
    files."""
    package = pathlib.Path(metal_drivers.__file__).parent
    files = {
        str(path.relative_to(package.parent)): path.read_bytes()
        for path in package.rglob('*')
        if path.is_file() and path.suffix != '.pyc'
    }
    files |= changes or {}
    info = f'watcher_metal_drivers-{version}.dist-info'
    (entry_points,) = (
        path
        for path in importlib.metadata.files('watcher-metal-drivers') or ()
        if path.name == 'entry_points.txt'
    )
    files |= {
        f'{info}/METADATA': (
            'Metadata-Version: 2.1\nName: watcher-metal-drivers\n'
            f'Version: {version}\n'
        ).encode(),
        f'{info}/WHEEL': b'Wheel-Version: 1.0\nGenerator: test\n'
        b'Root-Is-Purelib: true\nTag: py3-none-any\n',
        f'{info}/entry_points.txt': entry_points.read_binary(),
    }
    record = ''.join(
        f'{name},sha256='
        + base64.urlsafe_b64encode(hashlib.sha256(data).digest())
        .rstrip(b'=')
        .decode()
        + f',{len(data)}\n'
        for name, data in files.items()
    )
    files[f'{info}/RECORD'] = f'{record}{info}/RECORD,,\n'.encode()
    # Juju keeps a resource under the name that charmcraft.yaml gives it.
    wheel = directory / 'watcher_metal_drivers.whl'
    with zipfile.ZipFile(wheel, 'w') as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return wheel


@functools.cache
def _shared() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


@functools.cache
def installed() -> tuple[pathlib.Path, pathlib.Path]:
    """A wheel, and a machine's root on which it is installed; made once."""
    directory = pathlib.Path(_shared().name)
    wheel = make_wheel(directory)
    root = directory / 'root'
    machine = new_machine(root)
    installing.install(machine, wheel)
    return wheel, root


def new_machine(root: pathlib.Path) -> Machine:
    """A machine with Watcher; its commands only log how they are called."""
    commands = root / 'bin'
    commands.mkdir(parents=True)
    for name in ('systemctl', 'apt-get', 'apt-mark'):
        path = commands / name
        path.write_text(_SERVICES)
        path.chmod(0o755)
    query = commands / 'dpkg-query'
    query.write_text(
        '#!/bin/sh\n[ -e "$0.fails" ] || echo install ok installed\n'
    )
    query.chmod(0o755)
    machine = Machine(
        root=root,
        python=sys.executable,
        path=f'{commands}:/usr/bin:/bin',
        owner=getpass.getuser(),
        user=None,
        # As root, another one than files have by themselves.
        group=grp.getgrgid(os.getgid() or 1).gr_name,
    )
    machine.watcher_conf.parent.mkdir(parents=True)
    machine.watcher_conf.write_text('[DEFAULT]\ndebug = false\n')
    return machine


class CharmTestCase(unittest.TestCase):
    """The charm on a machine with Watcher, related, with a wheel."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name, 'root')
        self.machine = new_machine(self.root)
        wheel, root = installed()
        shutil.copytree(root / 'opt', self.root / 'opt', symlinks=True)
        self.before = self.tree()
        (code,) = (root / 'opt/watcher-metal-drivers/versions').iterdir()
        real = Machine.probe

        def probe(
            machine: Machine, library: pathlib.Path, *files: pathlib.Path
        ) -> str:
            # To import this code takes seconds, and was done when it was
            # installed.
            if library.name == code.name and not files:
                return ''
            return real(machine, library, *files)

        for patch in (
            mock.patch.object(
                charm.WatcherMetalDriversCharm, 'machine', self.machine
            ),
            mock.patch.object(Machine, 'probe', probe),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.context = testing.Context(charm.WatcherMetalDriversCharm)
        self.on = self.context.on
        self.relation = testing.SubordinateRelation('watcher')
        self.secret = testing.Secret({'api-key': KEY}, label=None)
        self.state = testing.State(
            relations={self.relation},
            resources={testing.Resource(name='wheel', path=wheel)},
            secrets={self.secret},
        )

    def tree(self) -> set[str]:
        """Every path on the machine, but for the log of its commands."""
        return {
            str(path.relative_to(self.root))
            for path in self.root.rglob('*')
            if path.name != 'log' and 'opt' not in path.parts
        }

    def maas(self, **options: object) -> dict[str, object]:
        return {
            'maas-url': URL,
            'maas-api-key': self.secret.id,
            **{
                name.replace('_', '-'): value
                for name, value in options.items()
            },
        }

    def configure(
        self, options: dict[str, object], **changes: object
    ) -> ops.StatusBase:
        """Set these options, and no others; the status that results."""
        self.state = dataclasses.replace(self.state, config=options, **changes)
        return self.send(self.on.config_changed())

    def send(self, event: object) -> ops.StatusBase:
        self.state = self.context.run(event, self.state)
        return self.state.unit_status

    def log(self) -> list[str]:
        """The commands that were run since the last call."""
        path = self.root / 'bin/log'
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines
