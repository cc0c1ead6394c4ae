# SPDX-License-Identifier: Apache-2.0
"""What Watcher is going to drop is taken out of it, in another process."""

import sys

import fixtures
import testtools

from metal_drivers_tests.functional_watcher import running

#: eventlet, the metal helpers and the options of MAAS are gone, and the
#: strategy that uses the helpers. Where Watcher 17 and its libraries still
#: import one of them by themselves, there is nothing in it.
_WITHOUT = """
import importlib.abc, sys, types

GONE = ('eventlet', 'watcher.common.metal_helper')

class Gone(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.startswith(GONE) and name not in sys.modules:
            raise ModuleNotFoundError(f'{name} is gone', name=name)

sys.meta_path.insert(0, Gone())
import futurist
from oslo_service import backend
backend.init_backend(backend.BackendType.THREADING)
for name in (
    'eventlet',
    'oslo_service.wsgi',
    'watcher.conf.maas_client',
    'watcher.decision_engine.strategy.strategies.saving_energy',
    'watcher.eventlet',
):
    sys.modules[name] = types.ModuleType(name)
sys.modules['watcher.conf.maas_client'].register_opts = lambda conf: None
sys.modules['watcher.eventlet'].patch = lambda: None
sys.modules['watcher.eventlet'].is_patched = lambda: False
sys.modules[
    'watcher.decision_engine.strategy.strategies.saving_energy'
].SavingEnergy = None
sys.modules['eventlet'].tpool = None
import watcher.common.utils
del sys.modules['eventlet']
from watcher.decision_engine.strategy.strategies import base
del base.SavingEnergyBaseStrategy
"""

_LOAD = """
from importlib import metadata
from watcher.decision_engine.goal import goals
del goals.SavingEnergy
from watcher import conf
assert 'maas_client' not in conf.CONF
found = metadata.distribution('watcher-metal-drivers').entry_points
for entry in found:
    try:
        entry.load()
        print('loaded', entry.group, entry.name)
    except ImportError as exc:
        print('failed', entry.group, entry.name, exc)
"""


#: The goal stays, and the strategy that Watcher has for it is not installed.
_RUN = """
import unittest
from importlib import metadata

found = metadata.Distribution.entry_points

def installed(distribution):
    return metadata.EntryPoints(
        entry
        for entry in found.fget(distribution)
        if not entry.value.startswith(
            'watcher.decision_engine.strategy.strategies.saving_energy'
        )
    )

metadata.Distribution.entry_points = property(installed)
unittest.main(module=None, argv=['tests', '-q', *sys.argv[1:]])
"""


class TestComing(testtools.TestCase):
    def run_without(self, code: str, *args: str) -> str:
        """What it prints, where those parts of Watcher are gone."""
        return running.printed(
            *(sys.executable, '-c', _WITHOUT + code, *args),
            OS_WATCHER_DISABLE_EVENTLET_PATCHING='true',
            # stevedore keeps there what is installed.
            XDG_CACHE_HOME=self.useFixture(fixtures.TempDir()).path,
        )

    def test_all_but_the_in_tree_helper_loads(self) -> None:
        lines = self.run_without(_LOAD).splitlines()
        failed = [line for line in lines if line.startswith('failed')]
        loaded = [line for line in lines if line.startswith('loaded')]
        self.assertEqual(1, len(failed), str(failed))
        self.assertIn('watcher_metal_helpers metal_drivers', failed[0])
        for name in (
            'watcher_strategies metal_saving_energy',
            'watcher_actions metal_power_state',
            'watcher_planners metal_weight',
            'watcher_cluster_data_model_collectors metal',
        ):
            self.assertIn(f'loaded {name}', loaded)

    def test_hosts_go_off_and_come_back(self) -> None:
        printed = self.run_without(
            _RUN,
            *(
                f'{__package__}.test_saving_energy.{each}.test_off_and_back_on'
                for each in ('TestIronic', 'TestMaas')
            ),
        )
        self.assertRegex(printed, r'Ran 2 tests in .*\n\nOK\n')
