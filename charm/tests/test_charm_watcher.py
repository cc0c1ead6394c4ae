# SPDX-License-Identifier: Apache-2.0
"""The patch for charm-watcher: its two options, and what they configure."""

from __future__ import annotations

import pathlib
import subprocess
import tempfile
import unittest
from unittest import mock

import jinja2
import yaml
from oslo_config import cfg
from watcher.conf import maas_client

import watcherconf
from metal_drivers import selector
from tests import base

(PATCH,) = (
    pathlib.Path(__file__)
    .parents[2]
    .joinpath('contrib/charm-watcher')
    .glob('*.patch')
)


def hunks(name: str) -> list[list[str]]:
    """The lines of each hunk for this file, with their first character."""
    _, _, rest = PATCH.read_text().partition(f'\n+++ b/{name}\n')
    lines = rest.partition('\ndiff --git')[0].splitlines()
    found: list[list[str]] = []
    for line in lines:
        if line.startswith('@@'):
            found.append([])
        else:
            found[-1].append(line)
    return found


def added(name: str) -> str:
    return ''.join(
        f'{line[1:]}\n'
        for hunk in hunks(name)
        for line in hunk
        if line[0] == '+'
    )


class CharmWatcher(unittest.TestCase):
    def render(self, **options: str | None) -> str:
        options = {'maas_url': None, 'maas_api_key': None, **options}
        template = jinja2.Template(added('src/templates/train/watcher.conf'))
        return template.render(options=options)

    def read(self, text: str) -> cfg.ConfigOpts:
        with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
            file.write(text)
            file.flush()
            conf = cfg.ConfigOpts()
            conf(
                [f'--config-file={file.name}'],
                project='watcher',
                default_config_dirs=[],
            )
        return conf

    def test_it_applies(self):
        """Where the files are as its context says."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        root = pathlib.Path(directory.name)
        names = [
            line.removeprefix('+++ b/')
            for line in PATCH.read_text().splitlines()
            if line.startswith('+++ b/')
        ]
        self.assertEqual(4, len(names))
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # What is between the hunks may be anything.
            path.write_text(
                '\n'.join(
                    ''.join(f'{line[1:]}\n' for line in hunk if line[0] != '+')
                    for hunk in hunks(name)
                )
            )
        done = subprocess.run(
            ['git', 'apply', '--check', '--whitespace=error', str(PATCH)],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((0, ''), (done.returncode, done.stderr))

    def test_the_options_are_those_of_the_subordinate(self):
        options = yaml.safe_load(added('src/config.yaml'))
        self.assertEqual({'maas-url', 'maas-api-key'}, set(options))
        for option in options.values():
            self.assertEqual('string', option['type'])
            self.assertIsNone(option['default'])

    def test_watcher_and_metal_drivers_read_what_is_rendered(self):
        text = self.render(maas_url=base.URL, maas_api_key=base.KEY)
        conf = self.read(text)
        chosen = selector.Selector(conf).select()
        self.assertEqual('maas', chosen.name)
        maas_client.register_opts(conf)
        self.assertEqual(base.URL, conf.maas_client.url)
        self.assertEqual(base.KEY, conf.maas_client.api_key)

    def test_the_subordinate_leaves_maas_to_it(self):
        text = self.render(maas_url=base.URL, maas_api_key=base.KEY)
        self.assertEqual('maas_client', watcherconf.parse(text).maas)

    def test_half_of_it_is_not_rendered(self):
        for half in ({}, {'maas_url': base.URL}, {'maas_api_key': base.KEY}):
            self.assertEqual('', self.render(**half).strip())

    def test_a_unit_with_half_of_it_is_blocked(self):
        code = added('src/lib/charm/openstack/watcher.py')
        self.assertIn("'python3-libmaas',", code)
        check = code[code.index('        if ') :]
        function = {}
        exec(f'def check(self):\n{check}', function)  # noqa: S102
        cases = {
            (None, None): None,
            ('', ''): None,
            ('url', 'key'): None,
            ('url', None): 'blocked',
            (None, 'key'): 'blocked',
        }
        for (url, key), status in cases.items():
            charm = mock.Mock()
            charm.options.maas_url, charm.options.maas_api_key = url, key
            found = function['check'](charm)
            self.assertEqual(status, found and found[0])
