# SPDX-License-Identifier: Apache-2.0
"""The page on writing a driver says what is so.

That each of its commands works is tested at the functional level, where
packages can be installed.
"""

import ast
import importlib
import pathlib
import re
import shutil
import sys
import textwrap
import tomllib
import urllib.parse
from typing import Any
from unittest import mock

import metal_drivers
from metal_drivers import get_driver, selector
from metal_drivers.cli import new
from metal_drivers_tests.unit import base, distributions

_FOLDER = pathlib.Path(__file__).parents[2] / 'doc/source/contributor'
_PAGE = (_FOLDER / 'driver.rst').read_text(encoding='utf-8')
_SOURCE = (new.SKELETON / 'acme_metal/driver.py').read_text(encoding='utf-8')

with mock.patch('sys.path', [str(new.SKELETON), *sys.path]):
    _driver: Any = importlib.import_module('acme_metal.driver')
    _controller: Any = importlib.import_module('tests.controller')
# Other tests have modules of the same name.
for _name in ('acme_metal.driver', 'acme_metal', 'tests.controller', 'tests'):
    del sys.modules[_name]


def _table(above: str) -> set[str]:
    """The names in the first column of the table below a heading."""
    text = _PAGE.partition(f'{above}\n---')[2].partition('\n---')[0]
    return set(re.findall(r'^``(\w+)``  ', text, re.M))


class TestPage(base.TestCase):
    def test_it_shows_the_files_that_are_written(self) -> None:
        """Not copies of them."""
        shown = [
            (_FOLDER / name).resolve().relative_to(new.SKELETON)
            for name in re.findall(r'literalinclude:: (\S+)', _PAGE)
        ]
        written = {path for path, _ in new.files('acme')}
        self.assertLessEqual(set(shown), written)
        # What is left has nothing to read.
        self.assertEqual(
            {'.gitignore', 'README.rst', '__init__.py'},
            {path.name for path in written.difference(shown)},
        )

    def test_each_error_has_its_line(self) -> None:
        raised = {
            name for name in metal_drivers.__all__ if name.endswith('Error')
        } - {'MetalError', 'DriverError'}
        self.assertEqual(raised, _table('Which error'))

    def test_each_capability_has_its_line(self) -> None:
        self.assertEqual(
            {each.name for each in metal_drivers.Capability},
            _table('What each capability changes'),
        )

    def test_how_one_node_is_found(self) -> None:
        (block,) = re.findall(
            r'\.\. code-block:: python\n\n((?:   .*\n|\n)+)', _PAGE
        )
        known = vars(_driver) | {'quote': urllib.parse.quote}
        exec(textwrap.dedent(block), known)  # noqa: S102, our own page
        finding: Any = type(
            'Finding',
            (_driver.AcmeDriver,),
            {'find_nodes': known['find_nodes']},
        )
        controller = self.useFixture(_controller.Controller())
        driver = finding(
            {'url': controller.url, 'token': _controller.TOKEN, 'timeout': 5}
        )
        (node,) = driver.find_nodes('compute-a2')
        self.assertEqual('a2', node.id)
        self.assertEqual([], driver.find_nodes('a'))
        self.assertEqual(
            [['compute-a2'], ['a']],
            [request.query['like'] for request in controller.requests],
        )


class TestExample(base.TestCase):
    def test_installed_and_configured_it_is_selected(self) -> None:
        project = tomllib.loads(
            (new.SKELETON / 'pyproject.toml').read_text('utf-8')
        )['project']
        points = project['entry-points'][metal_drivers.base.NAMESPACE]
        self.assertEqual({'acme': 'acme_metal.driver:AcmeDriver'}, points)
        site = self.useFixture(distributions.Distributions())
        shutil.copytree(new.SKELETON / 'acme_metal', site.site / 'acme_metal')
        site.install(project['name'], drivers=points)
        controller = self.useFixture(_controller.Controller())
        conf = self.conf(
            **{
                'watcher.metal.drivers.acme': {
                    'url': controller.url,
                    'token': _controller.TOKEN,
                }
            }
        )
        chosen = selector.Selector(conf).select()
        self.assertEqual('acme', chosen.name)
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
            for statement in ast.parse(_SOURCE).body
            if isinstance(statement, ast.Import | ast.ImportFrom)
            for name in (
                [statement.module or '']
                if isinstance(statement, ast.ImportFrom)
                else [alias.name for alias in statement.names]
            )
        }
        self.assertEqual({'oslo_config', 'metal_drivers'}, imported)
