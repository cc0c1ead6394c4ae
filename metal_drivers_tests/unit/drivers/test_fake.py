# SPDX-License-Identifier: Apache-2.0
"""The fleet in memory. What every driver does is in the contract."""

import datetime
from pathlib import Path
from typing import Any

import fixtures
from oslo_config import cfg

from metal_drivers import exceptions
from metal_drivers.base import ConfigStatus
from metal_drivers.drivers import fake
from metal_drivers.model import Node, PowerState
from metal_drivers_tests.unit import base


class TestNodes(base.TestCase):
    """The option nodes."""

    def test_named_and_on(self) -> None:
        nodes = fake.FakeDriver({'nodes': 12}).list_nodes()
        self.assertEqual(12, len(nodes))
        self.assertEqual('node-0007', nodes[6].id)
        self.assertEqual(('compute-0007',), nodes[6].host_names)
        self.assertEqual({PowerState.ON}, {node.power_state for node in nodes})

    def test_none_without_configuration(self) -> None:
        self.assertEqual([], fake.FakeDriver({}).list_nodes())

    def test_switched_until_the_process_ends(self) -> None:
        driver = fake.FakeDriver({'nodes': 2})
        driver.set_power_state('node-0001', PowerState.OFF)
        self.assertEqual(
            {
                'node-0001': PowerState.OFF,
                'node-0002': PowerState.ON,
                'node-0003': PowerState.UNKNOWN,
            },
            driver.get_power_states(['node-0001', 'node-0002', 'node-0003']),
        )
        fresh = fake.FakeDriver({'nodes': 2})
        self.assertEqual(
            PowerState.ON, fresh.get_node('node-0001').power_state
        )

    def test_tells_when_a_node_was_powered_on(self) -> None:
        driver = fake.FakeDriver({'nodes': 1})

        def powered_on_at() -> datetime.datetime | None:
            return driver.get_node('node-0001').powered_on_at

        # It was on when the process began.
        self.assertIsNone(powered_on_at())
        driver.set_power_state('node-0001', PowerState.ON)
        self.assertIsNone(powered_on_at())
        before = datetime.datetime.now(datetime.UTC)
        driver.set_power_state('node-0001', PowerState.OFF)
        driver.set_power_state('node-0001', PowerState.ON)
        when = powered_on_at()
        assert when is not None
        self.assertLessEqual(before, when)
        driver.set_power_state('node-0001', PowerState.ON)
        self.assertEqual(when, powered_on_at())
        driver.set_power_state('node-0001', PowerState.OFF)
        self.assertIsNone(powered_on_at())

    def test_configured_by_either_option(self) -> None:
        def status(**values: Any) -> ConfigStatus:
            return fake.FakeDriver.config_state(values).status

        self.assertEqual(ConfigStatus.ABSENT, status())
        self.assertEqual(
            ConfigStatus.ABSENT, status(nodes=None, fleet_file=None)
        )
        self.assertEqual(ConfigStatus.READY, status(nodes=3))
        self.assertEqual(ConfigStatus.READY, status(fleet_file='/fleet'))

    def test_a_fleet_of_none_is_refused(self) -> None:
        options = {opt.dest: opt for opt in fake.FakeDriver.get_config_opts()}
        self.assertRaises(ValueError, options['nodes'].type, '0')
        self.assertIsInstance(options['nodes'], cfg.IntOpt)


class TestFleetFile(base.TestCase):
    """The option fleet_file."""

    def write(self, text: str) -> str:
        path = Path(self.useFixture(fixtures.TempDir()).path, 'fleet.yaml')
        path.write_text(text, encoding='utf-8')
        return str(path)

    def nodes(self, text: str) -> list[Node]:
        values = {'fleet_file': self.write(text), 'nodes': 5}
        return fake.FakeDriver(values).list_nodes()

    def refused(self, text: str) -> exceptions.ConfigurationError:
        path = self.write(text)
        error = self.refusal(fake.FakeDriver, {'fleet_file': path})
        self.assertIn(f'The fleet_file {path} cannot be used', str(error))
        self.assertIn('YAML list of nodes', str(error))
        self.assertEqual(('fleet_file',), error.options)
        self.assertNotIn('\n', str(error))
        return error

    def test_every_field(self) -> None:
        (node,) = self.nodes("""
            - id: n1
              name: rack 1
              power_state: error
              target: off
              hypervisor_id: 5c1f
              host_names: [compute-01.example, compute-01]
              maintenance: disk
              locked: anna
              busy: conductor
              keep_on: controller
              keep_off: recalled
              soft_off: false
              fault: fan
              labels: [gpu, gpu]
            """)
        self.assertEqual(
            Node(
                'n1',
                'rack 1',
                PowerState.ERROR,
                observed_at=node.observed_at,
                target=PowerState.OFF,
                hypervisor_id='5c1f',
                host_names=('compute-01.example', 'compute-01'),
                maintenance='disk',
                locked='anna',
                busy='conductor',
                keep_on='controller',
                keep_off='recalled',
                soft_off=False,
                fault='fan',
                labels=frozenset({'gpu'}),
            ),
            node,
        )

    def test_an_id_is_enough(self) -> None:
        (node,) = self.nodes('- id: 17\n')
        self.assertEqual(('17', '17'), (node.id, node.name))
        self.assertEqual(PowerState.ON, node.power_state)
        self.assertTrue(node.soft_off)

    def test_states_with_and_without_quotes(self) -> None:
        nodes = self.nodes("""
            - {id: a, power_state: on}
            - {id: b, power_state: off}
            - {id: c, power_state: 'on'}
            - {id: d, power_state: 'off'}
            - {id: e, power_state: unknown}
            """)
        self.assertEqual(
            ['on', 'off', 'on', 'off', 'unknown'],
            [node.power_state.value for node in nodes],
        )

    def test_one_name_is_a_list_too(self) -> None:
        (node,) = self.nodes('- {id: n1, host_names: c-01, labels: gpu}')
        self.assertEqual(('c-01',), node.host_names)
        self.assertEqual({'gpu'}, node.labels)

    def test_a_reason_may_be_yes_or_no(self) -> None:
        (node,) = self.nodes('- {id: n1, maintenance: true, locked: no}')
        self.assertEqual('the fleet file says so', node.maintenance)
        self.assertIsNone(node.locked)

    def test_no_such_file(self) -> None:
        error = self.refusal(fake.FakeDriver, {'fleet_file': '/no/fleet'})
        self.assertIn('/no/fleet', str(error))
        self.assertIn('No such file', str(error))

    def test_what_is_wrong_is_named(self) -> None:
        for text, told in {
            'nodes: [': 'parsing',
            '': 'NoneType',
            'just a word': 'is not a node with an id',
            '- name: n1': 'is not a node with an id',
            '- {id: n1, colour: red}': "'n1' has unknown fields colour",
            '- {id: n1, power_state: asleep}': 'asleep',
            '- {id: n1, power_state: }': 'None',
            '- {id: n1, host_names: 7}': 'int',
            '- {id: n1, 7: x}': 'unknown fields 7',
            '- {id: n1, 7: x, y: z}': 'unknown fields 7, y',
            '- {id: n1}\n- {id: n1}': 'the same id',
            '- {id: }': 'is not a node with an id',
        }.items():
            self.assertIn(told, str(self.refused(text)))
