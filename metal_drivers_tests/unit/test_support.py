# SPDX-License-Identifier: Apache-2.0
"""What "Upgrade and support" says was tested is what tests use."""

import configparser
import re

from metal_drivers_tests.functional.services import versions
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.deploy import reading


def _text(name: str) -> str:
    return (reading.TOP / name).read_text(encoding='utf-8')


class TestSupport(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        page = _text('doc/source/upgrade.rst')
        self.rows = dict(
            re.findall(r'^   \* - (\w.*)\n     - (.*)$', page, re.M)
        )

    def test_python(self) -> None:
        setup = configparser.ConfigParser()
        setup.read_string(_text('setup.cfg'))
        declared = re.findall(
            r'Python :: (3\.\d+)', setup['metadata']['classifier']
        )
        self.assertEqual(', '.join(declared), self.rows['Python'])

    def test_versions_that_are_pinned(self) -> None:
        pinned = _text('constraints.txt')
        new, old = re.findall(r'\d+\.\d+\.\d+', self.rows['Watcher'])
        self.assertIn(f'python-watcher=={new}\n', pinned)
        self.assertIn(f'METAL_DRIVERS_WATCHER = {old}\n', _text('tox.ini'))
        self.assertIn(f'python-watcher>={old},<18 ', _text('setup.cfg'))
        (libmaas,) = re.findall(r'python-libmaas (\S+)', self.rows['MAAS'])
        self.assertIn(f'python-libmaas=={libmaas}\n', pinned)

    def test_oldest_libraries_of_extras(self) -> None:
        setup = configparser.ConfigParser()
        setup.read_string(_text('setup.cfg'))
        page = _text('doc/source/upgrade.rst').replace('\n', ' ')
        for extra in ('maas', 'metrics', 'report'):
            oldest = re.findall(
                r'^(\S+)>=([\d.]+)', setup['extras'][extra], re.M
            )
            said = ' and '.join(
                f'{name} {version}' for name, version in oldest
            )
            self.assertIn(f'{said} (``{extra}``)', page)

    def test_openstack(self) -> None:
        for name, version in re.findall(
            r'(\w+) (\d+\.\d+\.\d+)', self.rows['OpenStack']
        ):
            wanted = f'{name.lower()}=={version}'
            self.assertIn(wanted, versions.REQUIREMENTS[name.lower()])

    def test_maas(self) -> None:
        folder = reading.TOP / 'metal_drivers_tests/emulators/maas_recordings'
        series = sorted(
            re.findall(r'\d+\.\d+', path.name)[0]
            for path in folder.glob('recorded-*')
        )
        self.assertEqual(
            series, re.findall(r'\b(3\.\d+)\b', self.rows['MAAS'])
        )
