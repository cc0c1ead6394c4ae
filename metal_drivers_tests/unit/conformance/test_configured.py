# SPDX-License-Identifier: Apache-2.0
"""What the rules work with where a service is as it is deployed."""

from __future__ import annotations

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
