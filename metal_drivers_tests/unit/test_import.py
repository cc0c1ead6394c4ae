# SPDX-License-Identifier: Apache-2.0
"""What is imported, by whom, and when.

Inside the package imports run down only. And a process takes on no library
that it does not use: that is tested in processes of their own.
"""

import ast
import functools
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import metal_drivers
from metal_drivers.cli import new
from metal_drivers_tests.unit import base, distributions

#: Prints which of the libraries of drivers have been imported.
_SHOW = """
import json
from typing import Any
import sys
names = ('openstack', 'aiohttp', 'maas.client', 'acme_client', 'yaml')
print(json.dumps([name for name in names if name in sys.modules]))
"""

_CHOOSE = (
    """
from oslo_config import cfg
import metal_drivers
conf = cfg.ConfigOpts()
conf([f'--config-file={sys.argv[1]}'])
print(type(metal_drivers.get_driver(conf).driver).__name__)
"""
    + _SHOW
)

#: What takes long to import.
HEAVY = ('keystoneauth1', 'requests', 'yaml', 'openstack')


def _without(*names: str) -> str:
    """Fails where one of these has been imported."""
    return f"""
import sys
found = [name for name in {names!r} if name in sys.modules]
assert not found, found
"""


_COMMAND = """
import contextlib, io
from metal_drivers.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    with contextlib.suppress(SystemExit):
        main.main({argv})
"""

#: A driver that imports its client only when it is made.
_LAZY = distributions.DRIVER.format(priority=99) + (
    '    def __init__(self, config, osc=None):\n        import acme_client\n'
)


class TestImports(base.TestCase):
    """In processes that see one more driver."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())
        self.site.install_driver('acme', _LAZY)
        self.site.install('acme-client', modules={'acme_client': ''})

    def choose(self, **sections: Any) -> tuple[str, list[str]]:
        """The class of the driver chosen, and what has been imported."""
        printed = self.site.run(
            'import sys' + _CHOOSE, self.conf_file(**sections)
        )
        name, imported = printed.splitlines()
        return name, json.loads(imported)

    def test_the_package_alone(self) -> None:
        printed = self.site.run('import metal_drivers' + _SHOW)
        self.assertEqual([], json.loads(printed))
        self.site.run('import metal_drivers' + _without(*HEAVY))

    def test_the_public_names(self) -> None:
        """Those that are imported later are there, too."""
        self.assertEqual(
            [],
            [
                name
                for name in metal_drivers.__all__
                if not hasattr(metal_drivers, name)
            ],
        )
        self.assertFalse(hasattr(metal_drivers, 'disconnect'))

    def test_a_command_imports_no_other(self) -> None:
        """Nor what powers nodes, where it does not."""
        self.site.run(
            _COMMAND.format(argv=['driver', 'list'])
            + _without('metal_drivers.power', 'metal_drivers.cli.batch')
        )

    def test_help(self) -> None:
        self.site.run(_COMMAND.format(argv=['--help']) + _without(*HEAVY))

    def test_fake(self) -> None:
        name, imported = self.choose(
            **{'watcher.metal.drivers.fake': {'nodes': 1}}
        )
        self.assertEqual('FakeDriver', name)
        self.assertEqual([], imported)

    def test_ironic(self) -> None:
        name, imported = self.choose(
            **{
                'watcher.metal.drivers.ironic': {
                    'auth_type': 'none',
                    'endpoint_override': 'http://127.0.0.1:6385',
                }
            }
        )
        self.assertEqual('IronicDriver', name)
        self.assertEqual(['openstack', 'yaml'], imported)

    def test_a_third_partys(self) -> None:
        name, imported = self.choose(
            **{'watcher.metal.drivers.acme': distributions.READY}
        )
        self.assertEqual('Driver', name)
        self.assertEqual(['acme_client'], imported)


#: Who stands above whom. Each imports what is below, and its own package.
FLOORS = (
    ('cli', 'watcher'),
    ('doctor',),
    ('metrics',),
    ('overview',),
    ('planning', 'report', 'services'),
    ('history',),
    ('power',),
    ('energy', 'events', 'guards', 'lookup', 'roster'),
    ('fleet',),
    ('poller', 'selector', 'settings'),
    ('compute',),
    ('candidates',),
    ('conf',),
    ('conformance', 'hooks'),
    ('boundary', 'plugins'),
    ('base',),
    ('_openstack',),
    ('certificates',),
    ('_text',),
    ('redaction',),
    ('ages', 'compatibility', 'exceptions'),
    ('clock', 'meanwhile', 'model', 'sources'),
)
_FLOOR_OF = {
    room: floor for floor, rooms in enumerate(FLOORS) for room in rooms
}
#: What a driver may use.
FOR_DRIVERS = FLOORS[_FLOOR_OF['base'] :]

_TOP = pathlib.Path(metal_drivers.__file__).parent


def _rooms() -> set[str]:
    return {
        path.stem
        for path in _TOP.iterdir()
        if path.suffix == '.py' or (path / '__init__.py').exists()
    } - {'__init__'}


@functools.cache
def _imports() -> list[tuple[pathlib.Path, str]]:
    """Every import of every module, inside of functions too: the dotted
    name of what is imported."""
    return list(_walk())


def _walk() -> Iterator[tuple[pathlib.Path, str]]:
    for path in sorted(_TOP.rglob('*.py')):
        if new.SKELETON in path.parents:  # the project of somebody else
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield path.relative_to(_TOP), alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield path.relative_to(_TOP), f'{node.module}.{alias.name}'


class TestArrows(base.TestCase):
    """Imports run down: what is below works without what is above."""

    def arrows(self) -> Iterator[tuple[str, str]]:
        """From a room to another room."""
        for path, name in _imports():
            parts = name.split('.')
            room = path.with_suffix('').parts[0]
            if parts[0] == 'metal_drivers' and room != '__init__':
                # Our own modules do not come back in by the front door.
                self.assertIn(parts[1], _rooms(), f'{path}: {name}')
                if parts[1] != room:
                    yield str(path), parts[1]

    def test_each_room_has_its_floor(self) -> None:
        self.assertEqual(_rooms() - {'drivers'}, set(_FLOOR_OF))

    def test_imports_run_down(self) -> None:
        seen = 0
        for path, room in self.arrows():
            source = pathlib.PurePath(path).with_suffix('').parts[0]
            if source != 'drivers':
                seen += 1
                self.assertLess(
                    _FLOOR_OF[source],
                    _FLOOR_OF.get(room, -1),
                    f'{path} imports {room}',
                )
        self.assertGreater(seen, 100)

    def test_drivers_use_the_lower_floors_only(self) -> None:
        allowed = {room for rooms in FOR_DRIVERS for room in rooms}
        found = {
            (path, room)
            for path, room in self.arrows()
            if path.startswith('drivers/')
        }
        self.assertTrue(found)
        self.assertEqual(
            set(), {each for each in found if each[1] not in allowed}
        )

    def test_no_driver_knows_another(self) -> None:
        for path, name in _imports():
            parts = name.split('.')
            if parts[:2] == ['metal_drivers', 'drivers']:
                self.assertEqual(
                    ('drivers', parts[2]), path.with_suffix('').parts[:2]
                )

    def test_only_watchers_plugins_import_watcher(self) -> None:
        found = {
            path.parts[0]
            for path, name in _imports()
            if name.split('.')[0] == 'watcher'
        }
        self.assertEqual({'watcher'}, found)
