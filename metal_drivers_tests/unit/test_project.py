# SPDX-License-Identifier: Apache-2.0
"""What surrounds the code: warnings, pinned versions, hooks."""

import configparser
import pathlib
import re
import warnings

import yaml

from metal_drivers_tests.unit import base

_TOP = pathlib.Path(__file__).parents[2]


def _text(name: str) -> str:
    return (_TOP / name).read_text(encoding='utf-8')


class TestWarnings(base.TestCase):
    """A warning of our own modules fails the test that meets it."""

    def warn(self, module: str) -> None:
        warnings.warn_explicit('old', DeprecationWarning, 'x.py', 1, module)

    def test_of_a_submodule(self) -> None:
        for module in ('metal_drivers', 'metal_drivers.drivers.maas.client'):
            self.assertRaises(DeprecationWarning, self.warn, module)

    def test_of_the_tests(self) -> None:
        self.assertRaises(DeprecationWarning, self.warn, __name__)

    def test_not_of_others(self) -> None:
        with warnings.catch_warnings(record=True):
            self.warn('metal_drivers_of_others.driver')


class TestConstraints(base.TestCase):
    """Every requirement has one version that the tests were run with."""

    def setUp(self) -> None:
        super().setUp()
        lines = re.findall(r'^[^#\s].*$', _text('constraints.txt'), re.M)
        self.lines: list[str] = lines
        self.names = {_name(line) for line in lines}

    def test_each_is_pinned_once(self) -> None:
        for line in self.lines:
            self.assertRegex(line, r'^[\w.-]+==[\w.]+(;python_version.*)?$')
        self.assertEqual(len(self.lines), len(self.names))

    def test_each_requirement_is_there(self) -> None:
        tox = configparser.ConfigParser(interpolation=None)
        tox.read_string(_text('tox.ini'))
        wanted = [
            line
            for name in (
                'requirements.txt',
                'test-requirements.txt',
                'doc/requirements.txt',
            )
            for line in _text(name).splitlines()
        ]
        for section in tox.sections():
            wanted += tox.get(section, 'deps', fallback='').splitlines()
        names = {_name(line) for line in wanted if re.match(r'\w', line)}
        self.assertIn('ruff', names)
        self.assertEqual(set(), names - self.names)


class TestHooks(base.TestCase):
    """The hooks of pre-commit run what ``tox -e pep8`` runs."""

    def test_same_commands(self) -> None:
        tox = configparser.ConfigParser(interpolation=None)
        tox.read_string(_text('tox.ini'))
        commands = tox['testenv:pep8']['commands'].strip().splitlines()
        found = yaml.safe_load(_text('.pre-commit-config.yaml'))
        hooks = [hook for repo in found['repos'] for hook in repo['hooks']]
        prefix = 'tox exec -qq -e pep8 -- '
        self.assertEqual(
            commands, [hook['entry'].removeprefix(prefix) for hook in hooks]
        )
        pinned = _text('constraints.txt').splitlines()
        for hook in hooks:
            self.assertLessEqual(
                set(hook['additional_dependencies']), set(pinned)
            )


def _name(line: str) -> str:
    """The name of the package of a requirement, normalized."""
    found = re.match(r'[\w.-]+', line.strip())
    assert found
    return re.sub(r'[-_.]+', '-', found[0]).lower()
