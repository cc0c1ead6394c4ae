# SPDX-License-Identifier: Apache-2.0
"""A unit of the charm in a chroot: packed, and run event by event."""

from __future__ import annotations

import json
import pathlib
import platform
import shutil
import subprocess
import sys
import tomllib
from typing import Any

import yaml
from charmcraft.dispatch import DISPATCH_SCRIPT_TEMPLATE
from charmcraft.models.metadata import CharmMetadata
from charmcraft.models.project import PlatformCharm

from chroot_tests import chroot

SOURCE = pathlib.Path(__file__).parents[1]
NAME = 'watcher-metal-drivers'
AGENT = f'/var/lib/juju/agents/unit-{NAME}-0'
TOOLS = '/var/lib/juju/tools'
_TOOL_NAMES = (
    'action-fail', 'action-get', 'action-set', 'config-get', 'is-leader',
    'juju-log', 'relation-ids', 'relation-list', 'resource-get',
    'secret-get', 'status-set',
)  # fmt: skip


class Unit:
    """The unit, and what Juju knows.

    :ivar model: what the hook tools answer; see ``hook_tool.py``.
    :ivar status: the last one that the charm set, and its message.
    """

    def __init__(self, system: chroot.Chroot) -> None:
        self.system = system
        self.model: dict[str, Any] = {
            'config': {},
            'relations': {'watcher': ['watcher:0']},
            'secrets': {},
            'resources': {},
            'parameters': {},
        }
        self.status = ('', '')
        self._tools()
        self.pack()

    def dispatch(self, path: str, **environment: str) -> list[list[str]]:
        """Run an event, as ``hooks/install`` or ``actions/check``.

        :returns: what the charm said.
        """
        self.system.write(f'{TOOLS}/model.json', json.dumps(self.model))
        said = self.system.path(f'{TOOLS}/said')
        said.write_text('')
        self.system.run(
            f'{AGENT}/charm/dispatch',
            environment={
                'PATH': f'{TOOLS}:/usr/sbin:/usr/bin:/sbin:/bin',
                'JUJU_CHARM_DIR': f'{AGENT}/charm',
                'JUJU_DISPATCH_PATH': path,
                'JUJU_MODEL_NAME': 'openstack',
                'JUJU_MODEL_UUID': '8a6cf3b0-3a34-4fd8-8d31-5a8a6a4ac4f4',
                'JUJU_UNIT_NAME': f'{NAME}/0',
                'JUJU_PRINCIPAL_UNIT': 'watcher/0',
                'JUJU_VERSION': '3.6.0',
                **environment,
            },
        )
        words = [json.loads(line) for line in said.read_text().splitlines()]
        for tool, *rest in words:
            if tool == 'status-set':
                _, kind, *message = rest
                self.status = (kind, ' '.join(message))
        return words

    def hook(self, name: str, **environment: str) -> tuple[str, str]:
        """Run a hook; the status after it."""
        self.dispatch(f'hooks/{name}', **environment)
        return self.status

    def action(self, name: str, **parameters: str) -> tuple[str, str]:
        """Run an action.

        :returns: its output, and why it failed; empty if it did not.
        """
        self.model['parameters'] = parameters
        words = self.dispatch(
            f'actions/{name}', JUJU_ACTION_NAME=name, JUJU_ACTION_UUID='1'
        )
        results = dict(
            word.split('=', 1)
            for tool, *rest in words
            if tool == 'action-set'
            for word in rest
        )
        failed = [rest for tool, *rest in words if tool == 'action-fail']
        return results.get('output', ''), ' '.join(failed[0]) if failed else ''

    def attach(self, wheel: pathlib.Path) -> None:
        """Give the unit this resource."""
        directory = self.system.path(f'{AGENT}/resources/wheel')
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(wheel, directory / wheel.name)
        self.model['resources']['wheel'] = (
            f'{AGENT}/resources/wheel/{wheel.name}'
        )

    def pack(self) -> None:
        """Lay the charm out as charmcraft does."""
        target = self.system.path(f'{AGENT}/charm')
        shutil.copytree(
            SOURCE / 'src',
            target / 'src',
            ignore=shutil.ignore_patterns('__pycache__'),
        )
        charm = yaml.safe_load(SOURCE.joinpath('charmcraft.yaml').read_text())
        metadata = CharmMetadata.from_charm(PlatformCharm.unmarshal(charm))
        for name, content in (
            ('metadata', metadata.marshal()),
            ('config', charm['config']),
            ('actions', charm['actions']),
        ):
            target.joinpath(f'{name}.yaml').write_text(yaml.safe_dump(content))
        self.system.write(
            f'{AGENT}/charm/dispatch',
            DISPATCH_SCRIPT_TEMPLATE.format(entrypoint='src/charm.py'),
            0o755,
        )
        version = self.system.run(
            '/usr/bin/python3',
            '-c',
            'import sys; print("%d.%d" % sys.version_info[:2])',
        ).strip()
        # Its interpreter is linked by the dispatch script.
        self.system.write(f'{AGENT}/charm/venv/pyvenv.cfg', 'home = /usr/bin')
        shutil.copytree(
            _libraries(version),
            target / f'venv/lib/python{version}/site-packages',
        )

    def _tools(self) -> None:
        script = pathlib.Path(__file__).with_name('hook_tool.py').read_text()
        self.system.write(f'{TOOLS}/hook_tool.py', script, 0o755)
        for name in _TOOL_NAMES:
            self.system.path(f'{TOOLS}/{name}').symlink_to('hook_tool.py')


def _libraries(version: str) -> pathlib.Path:
    """The charm's libraries as ``uv.lock`` has them, for that Python."""
    lock = SOURCE.joinpath('uv.lock').read_text()
    pins = [
        f'{package["name"]}=={package["version"]}'
        for package in tomllib.loads(lock)['package']
        if 'registry' in package['source']
    ]

    def make(path: pathlib.Path) -> None:
        subprocess.run(
            [
                sys.executable, '-m', 'pip', 'install', '--quiet',
                '--no-deps', '--only-binary=:all:', '--no-compile',
                f'--python-version={version}', '--implementation=cp',
                f'--platform=manylinux2014_{platform.machine()}',
                '--target', str(path), *pins,
            ],
            check=True,
        )  # fmt: skip

    return chroot.cached(
        'libraries', f'{version} {platform.machine()} {pins}', make
    )
