# SPDX-License-Identifier: Apache-2.0
"""The rules as tests: those of a fixture, and none of the bases."""

from __future__ import annotations

import unittest
from typing import Any

from metal_drivers import conformance
from metal_drivers.drivers import fake
from metal_drivers_tests import contract
from metal_drivers_tests.unit import base


def made(kind: type[contract.DriverContract]) -> set[str]:
    return set(unittest.defaultTestLoader.getTestCaseNames(kind))


class TestSuite(base.TestCase):
    def fixture(self, **members: Any) -> type[contract.DriverContract]:
        def create_driver(self: Any) -> fake.FakeDriver:
            return fake.FakeDriver({'nodes': 3})

        return type(
            'Fixture',
            (contract.DriverContract,),
            {'create_driver': create_driver} | members,
        )

    def run_one(self, kind: type[contract.DriverContract], name: str) -> Any:
        result: Any = unittest.TestResult()
        kind(name).run(result)
        return result

    def test_the_bases_have_no_tests(self) -> None:
        for kind in (contract.DriverContract, contract.RemoteDriverContract):
            self.assertEqual(set(), made(kind))
            self.assertFalse(kind.__test__)

    def test_one_for_each_rule_that_the_hooks_allow(self) -> None:
        found = self.fixture()
        self.assertTrue(found.__test__)
        self.assertEqual(
            {
                'test_' + rule.id.replace('-', '_')
                for rule in conformance.RULES
                if not rule.needs
            },
            made(found),
        )

    def test_a_hook_opens_its_rules(self) -> None:
        found = self.fixture(commands=lambda self: [])
        self.assertIn('test_hard_is_hard', made(found))
        self.assertNotIn('test_hard_is_hard', made(self.fixture()))

    def test_a_rule_is_left_out(self) -> None:
        found = self.fixture(test_lists_nodes=None)
        self.assertNotIn('test_lists_nodes', made(found))

    def test_a_test_of_the_fixtures_own_goes_first(self) -> None:
        def own(self: Any) -> None:
            """Nothing."""

        found: Any = self.fixture(test_lists_nodes=own)
        self.assertIs(own, found.test_lists_nodes)

    def test_a_broken_rule_fails_and_says_which(self) -> None:
        def create_driver(self: Any) -> fake.FakeDriver:
            return fake.FakeDriver({})

        found = self.fixture(create_driver=create_driver)
        result = self.run_one(found, 'test_lists_nodes')
        ((_, text),) = result.failures
        self.assertIn('list_nodes() returned no node', text)
        self.assertIn('contract.html#lists-nodes', text)

    def test_what_cannot_be_tried_is_no_skip(self) -> None:
        result = self.run_one(
            self.fixture(), 'test_leaves_hypervisors_to_the_list'
        )
        self.assertTrue(result.wasSuccessful())
        self.assertEqual([], result.skipped)
