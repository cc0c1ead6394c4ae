# SPDX-License-Identifier: Apache-2.0
"""What the rules work with where a service is as it is deployed."""

from __future__ import annotations

from metal_drivers import Node, PowerState
from metal_drivers.conformance.certify import SWITCHING, Certification
from metal_drivers.conformance.configured import Configured
from metal_drivers.drivers.fake import FakeDriver
from metal_drivers_tests.unit import base


class TestUnknownId(base.TestCase):
    def unlike(self, known: str) -> str:
        hooks = Configured(FakeDriver({'nodes': 1}), {})
        hooks.know(known)
        return hooks.unknown_id

    def test_a_small_number_may_be_that_of_another_node(self) -> None:
        for known in ('1', '7', '12', '99999999', '1-2'):
            unlike = self.unlike(known)
            self.assertNotEqual(known, unlike)
            self.assertGreater(int(unlike.replace('-', '')), 99999999)

    def test_it_has_the_form_of_the_known_one(self) -> None:
        for known, unlike in (
            ('a1', 'z0'),
            ('4y3h7n', '0z0z0z'),
            ('z', 'z0'),
            (
                'b6c3eebe-1913-435a-a6db-29a3a91ae573',
                '00000000-0000-0000-0000-000000000001',
            ),
            (
                'b6c3eebe-1913-435a-a6db-29a3a91ae571',
                '00000000-0000-0000-0000-000000000002',
            ),
        ):
            self.assertEqual(unlike, self.unlike(known))


class _Leaving(Configured):
    """What a rule has changed stays so."""

    patience = 1.0
    poll_interval = 0.01

    def make_unknown(self, node: Node) -> object:  # type: ignore[override]
        def undo() -> None:
            raise OSError('cannot be undone')

        return undo


class _NeverOff(FakeDriver):
    def set_power_state(self, node_id, state, *args, **more):  # type: ignore
        if node_id == 'node-0001' and isinstance(state, PowerState):
            raise AssertionError('powered')


class TestCertification(base.TestCase):
    def test_nothing_is_powered_where_a_rule_left_something(self) -> None:
        driver = _NeverOff({'nodes': 2})
        results = Certification(
            _Leaving(driver, {'nodes': 2}), driver, 'node-0001'
        ).run()
        self.assertEqual(
            {'an earlier rule left the service changed'},
            {each.detail for each in results if each.rule in SWITCHING},
        )
