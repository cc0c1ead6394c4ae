# SPDX-License-Identifier: Apache-2.0
"""Throw-away distributions with drivers, installed for one test."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import textwrap
import types
from collections.abc import Mapping
from pathlib import Path

import fixtures
from stevedore import _cache, extension

from metal_drivers import base, plugins
from metal_drivers.hooks import loading

#: A whole driver, to be formatted with its priority.
DRIVER = '''
from oslo_config import cfg

from metal_drivers import MetalDriver


class Driver(MetalDriver):
    """An example."""

    priority = {priority}
    required_options = ('url', 'token')

    @classmethod
    def get_config_opts(cls):
        return [
            cfg.StrOpt('url', help='Where the service is.'),
            cfg.StrOpt('token', secret=True, help='A token of it.'),
            cfg.IntOpt('rate', min=1, help='Requests a second.'),
        ]

    def list_nodes(self):
        return []

    def get_node(self, node_id):
        raise NotImplementedError

    def set_power_state(self, node_id, state, mode=None, timeout=None):
        raise NotImplementedError
'''

#: The values that make such a driver ready.
READY = {'url': 'http://acme.example', 'token': 't0ken'}


class Distributions(fixtures.Fixture):
    """A site directory, first on the path.

    On that of this process, and of those that :meth:`run` starts. What is
    found in it, and what is imported from it, is forgotten at the end.
    """

    def _setUp(self) -> None:
        self.site = Path(self.useFixture(fixtures.TempDir()).path)
        self._sites: list[Path] = []
        self._cache = self.useFixture(fixtures.TempDir()).path
        # No test is to find what another has left in the user's own.
        self.useFixture(
            fixtures.MonkeyPatch(
                'stevedore._cache._c._dir', self._cache + '/in-process'
            )
        )
        self.add_site(self.site)
        self.addCleanup(self._unload)

    def add_site(self, site: Path) -> None:
        """Put one more directory first on the path."""
        self.useFixture(
            fixtures.MonkeyPatch('sys.path', [str(site), *sys.path])
        )
        self._sites.append(site)
        self.addCleanup(forget)
        forget()

    def install(
        self,
        name: str,
        *,
        drivers: Mapping[str, str] | None = None,
        hooks: Mapping[str, str] | None = None,
        modules: Mapping[str, str] | None = None,
        site: Path | None = None,
    ) -> None:
        """Install a distribution.

        :param drivers: the targets of its entry points, by name.
        :param hooks: the same, for hooks.
        :param modules: the text of its modules, by name.
        """
        site = site or self.site
        write(site, name, drivers or {}, modules or {}, hooks or {})
        forget()

    def install_driver(
        self,
        name: str,
        source: str | None = None,
        *,
        distribution: str | None = None,
        priority: int = 50,
    ) -> None:
        """Install ``acme-NAME``, or another, with the driver ``name``.

        :param source: the text of its module; by default that of a whole
            driver.
        """
        distribution = distribution or f'acme-{name}'
        module = distribution.replace('-', '_').lower()
        self.install(
            distribution,
            drivers={name: f'{module}:Driver'},
            modules={module: source or DRIVER.format(priority=priority)},
        )

    def run(self, code: str, *args: str) -> str:
        """What a Python process prints that sees these distributions."""
        path = [str(site) for site in reversed(self._sites)]
        return run(code, *args, path=path, cache=self._cache)

    def _unload(self) -> None:
        roots = tuple(f'{site}/' for site in self._sites)
        for name, module in list(sys.modules.items()):
            if str(getattr(module, '__file__', None)).startswith(roots):
                del sys.modules[name]


def forget() -> None:
    """Make the next look at what is installed a fresh one."""
    plugins.forget()
    extension.ExtensionManager.ENTRY_POINT_CACHE.clear()
    _cache._c._internal.clear()
    importlib.invalidate_caches()


def write(
    site: Path,
    name: str,
    drivers: Mapping[str, str],
    modules: Mapping[str, str],
    hooks: Mapping[str, str] = types.MappingProxyType({}),
) -> None:
    """What an installer leaves of a distribution in a site directory."""
    info = site / f'{name.replace("-", "_")}-1.0.dist-info'
    info.mkdir(parents=True)
    points = ''.join(
        f'[{namespace}]\n'
        + ''.join(f'{key} = {value}\n' for key, value in found.items())
        for namespace, found in (
            (loading.HOOKS.namespace, hooks),
            (base.NAMESPACE, drivers),
        )
    )
    files = {f'{key}.py': text for key, text in modules.items()} | {
        f'{info.name}/METADATA': (
            f'Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n'
        ),
        f'{info.name}/WHEEL': (
            'Wheel-Version: 1.0\nGenerator: tests\n'
            'Root-Is-Purelib: true\nTag: py3-none-any\n'
        ),
        f'{info.name}/entry_points.txt': points,
    }
    record = f'{info.name}/RECORD'
    files[record] = ''.join(f'{path},,\n' for path in [*files, record])
    for path, text in files.items():
        (site / path).write_text(textwrap.dedent(text), encoding='utf-8')


def run(code: str, *args: str, path: list[str], cache: str) -> str:
    """What another Python process prints, with more on its path."""
    repository = str(Path(__file__).parents[2])
    environment = os.environ | {
        'PYTHONPATH': os.pathsep.join([*path, repository]),
        'XDG_CACHE_HOME': cache,
    }
    done = subprocess.run(
        [sys.executable, '-c', textwrap.dedent(code), *args],
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return str(done.stdout)
