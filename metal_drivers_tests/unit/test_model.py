# SPDX-License-Identifier: Apache-2.0
"""The values that everything hands on."""

import copy
import dataclasses
import pickle
from typing import Any

import testtools

from metal_drivers import Node


class TestNode(testtools.TestCase):
    def test_details_cannot_be_written_to(self) -> None:
        for node in (Node('a', 'a'), Node('b', 'b', details={'rack': 7})):
            details: Any = node.details
            before = dict(details)
            for write in (
                lambda details=details: details.__setitem__('x', 1),
                lambda details=details: details.update(x=1),
            ):
                self.assertRaises((AttributeError, TypeError), write)
            self.assertEqual(before, details)
        self.assertEqual({}, Node('c', 'c').details)

    def test_what_was_given_may_change_afterwards(self) -> None:
        given = {'rack': 7}
        node = Node('a', 'a', details=given)
        given['rack'] = 8
        self.assertEqual({'rack': 7}, node.details)

    def test_is_copied_and_compared_as_ever(self) -> None:
        node = Node('a', 'a', details={'rack': 7})
        self.assertEqual(node, Node('a', 'a', details={'rack': 7}))
        self.assertEqual(node, pickle.loads(pickle.dumps(node)))  # noqa: S301
        self.assertEqual(node, copy.deepcopy(node))
        self.assertEqual({'rack': 7}, dataclasses.asdict(node)['details'])
        other = dataclasses.replace(node, name='b')
        self.assertEqual({'rack': 7}, other.details)
        self.assertEqual({node}, {node, copy.copy(node)})
