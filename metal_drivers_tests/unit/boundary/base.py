# SPDX-License-Identifier: Apache-2.0
"""A driver of somebody else, which does what a test says."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from typing import Any

import fixtures
from oslo_config import cfg

from metal_drivers import (
    Capability,
    MetalDriver,
    Node,
    OffMode,
    PowerState,
    boundary,
    exceptions,
)
from metal_drivers_tests.unit import base

SECRET = 's3cret4711'

GOOD = Node(
    'n1',
    'node one',
    PowerState.ON,
    observed_at=datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC),
    powered_on_at=datetime.datetime(2026, 2, 1, tzinfo=datetime.UTC),
    target=PowerState.OFF,
    hypervisor_id='h1',
    host_names=('h1.example', 'h1'),
    busy='conductor c1',
    soft_off=True,
    labels=frozenset({'gold'}),
    details={'rack': 7},
)


def broken(node: Node, **fields: Any) -> Node:
    """A node with fields of which no type checker approves."""
    return dataclasses.replace(node, **fields)


class AcmeDriver(MetalDriver):
    """Each method calls the attribute that has its name, with ``do_``."""

    capabilities = frozenset({Capability.SOFT_OFF})

    def __init__(self, config: Mapping[str, Any], osc: Any = None) -> None:
        super().__init__(config, osc)
        self.do: dict[str, Callable[..., Any]] = {}

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [cfg.StrOpt('url'), cfg.StrOpt('token', secret=True)]

    def list_nodes(self) -> Any:
        return self._do('list_nodes', [GOOD])

    def get_node(self, node_id: str) -> Any:
        return self._do('get_node', GOOD, node_id)

    def get_power_states(self, node_ids: Any) -> Any:
        states = dict.fromkeys(node_ids, PowerState.ON)
        return self._do('get_power_states', states, node_ids)

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> Any:
        return self._do('set_power_state', None, node_id, state, mode)

    def check(self) -> Any:
        return self._do('check', [])

    def close(self) -> None:
        self._do('close', None)

    def _do(self, name: str, usual: Any, *args: Any) -> Any:
        return self.do[name](*args) if name in self.do else usual


#: How each method is called.
CALLS: dict[str, Callable[[MetalDriver], Any]] = {
    'list_nodes': lambda driver: driver.list_nodes(),
    'get_node': lambda driver: driver.get_node('n1'),
    'get_power_states': lambda driver: driver.get_power_states(['n1', 'n2']),
    'set_power_state': lambda driver: driver.set_power_state(
        'n1', PowerState.OFF
    ),
}


class BoundaryCase(base.TestCase):
    """A test with a guarded driver, ``acme`` of ``acme-metal``."""

    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.config = {'url': f'http://ann:{SECRET}@h', 'token': 't0ken0815'}
        self.acme = AcmeDriver(self.config)
        self.driver = boundary.guard(
            self.acme, name='acme', distribution='acme-metal'
        )

    def error(self, call: str) -> exceptions.MetalError:
        """What a method raises: one line, without a secret."""
        try:
            result = CALLS[call](self.driver)
        except exceptions.MetalError as exc:
            self.assertEqual(1, len(str(exc).splitlines()), str(exc))
            self.assertNotIn(SECRET, str(exc))
            return exc
        raise AssertionError(f'{call} returned {result!r}')

    def broke(self, call: str, *said: str) -> exceptions.DriverError:
        """The same, where it names who has to fix the driver."""
        exc = self.error(call)
        assert isinstance(exc, exceptions.DriverError), repr(exc)
        parts = (
            'driver acme of acme-metal',
            call,
            'report it to its author',
            *said,
        )
        for part in parts:
            self.assertIn(part, str(exc))
        return exc
