# SPDX-License-Identifier: Apache-2.0
"""The example of the documentation, as it stands there, is a driver that
works."""

import ast
import importlib
import pathlib
import re
import sys
from typing import Any
from unittest import mock

from metal_drivers import get_driver, selector
from metal_drivers_tests.unit import base, distributions

_FOLDER = pathlib.Path(__file__).parents[2] / 'doc/source/contributor'


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding='utf-8')


_PAGE = _text('driver.rst')

with mock.patch('sys.path', [str(_FOLDER), *sys.path]):
    _module: Any = importlib.import_module('test_acme')


class TestAcme(_module.TestAcme):  # type: ignore[misc]
    """The example's own tests."""


class TestPage(base.TestCase):
    """What a reader copies from the page fits together."""

    def setUp(self) -> None:
        super().setUp()
        self.files = re.findall(r'literalinclude:: (\S+)', _PAGE)
        ((self.name, self.target),) = re.findall(
            r'watcher\.metal\.drivers =\n +(\w+) = (\S+)', _PAGE
        )
        self.module = self.target.partition(':')[0]
        self.source = _text(f'{self.module}.py')

    def test_one_name_everywhere(self) -> None:
        self.assertEqual(
            [f'{self.module}.py', f'test_{self.module}.py'], self.files
        )
        for name in (*self.files, 'driver.rst'):
            groups = re.findall(r'watcher\.metal\.drivers\.(\w+)', _text(name))
            self.assertLessEqual(set(groups), {self.name})

    def test_installed_and_configured_it_is_selected(self) -> None:
        # The example's own tests have imported it from the page's folder.
        imported = sys.modules.pop(self.module)
        self.addCleanup(sys.modules.__setitem__, self.module, imported)
        site = self.useFixture(distributions.Distributions())
        site.install(
            'acme-metal',
            drivers={self.name: self.target},
            modules={self.module: self.source},
        )
        controller = self.useFixture(_module.AcmeController())
        conf = self.conf(
            **{
                f'watcher.metal.drivers.{self.name}': {
                    'url': controller.url,
                    'token': 's3cret',
                }
            }
        )
        chosen = selector.Selector(conf).select()
        self.assertEqual(self.name, chosen.name)
        self.assertEqual('acme-metal', chosen.distribution)
        driver = get_driver(conf)
        self.addCleanup(driver.close)
        self.assertEqual(
            ['compute-a1', 'compute-a2'],
            [node.name for node in driver.list_nodes()],
        )

    def test_it_follows_the_advice_of_the_page(self) -> None:
        """No client library is imported at the top."""
        imported = {
            name.split('.')[0]
            for statement in ast.parse(self.source).body
            if isinstance(statement, ast.Import | ast.ImportFrom)
            for name in (
                [statement.module or '']
                if isinstance(statement, ast.ImportFrom)
                else [alias.name for alias in statement.names]
            )
        }
        self.assertEqual({'oslo_config', 'metal_drivers'}, imported)
