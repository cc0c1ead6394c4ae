# SPDX-License-Identifier: Apache-2.0
"""A right driver keeps every rule; each fault is found by the rule that is
meant for it."""

from __future__ import annotations

import contextlib

from metal_drivers import MetalDriver, conformance
from metal_drivers.conformance import Verdict, unseen
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.conformance import sample_service, wrong

BY_ID = {rule.id: rule for rule in conformance.RULES}


class TestRightDriver(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.service = self.useFixture(sample_service.SampleService())
        self.hooks = sample_service.SampleHooks(self.service)

    def test_it_keeps_every_rule(self) -> None:
        driver = self.hooks.create_driver()
        self.addCleanup(driver.close)
        results = conformance.Runner(self.hooks, driver).run(conformance.RULES)
        self.assertEqual(
            [],
            [
                (result.rule.id, result.verdict.value, result.detail)
                for result in results
                if result.verdict is not Verdict.OK
                and result.rule.id not in wrong.NOT_FOR_THE_SAMPLE
            ],
        )
        self.assertEqual(
            {'on'}, {each.power for each in self.service.machines.values()}
        )


class TestFaults(base.TestCase):
    """One test for each fault."""

    def assert_found(self, fault: wrong.Fault) -> None:
        service = self.useFixture(sample_service.SampleService())
        if fault.prepare is not None:
            fault.prepare(service)
        hooks = sample_service.SampleHooks(service, fault.driver)
        hooks.patience, hooks.moment = min(0.1, fault.deadline), 0.5
        hooks.deadline = fault.deadline
        driver = hooks.create_driver()
        self.addCleanup(_close, driver)
        # What is planted may be a thread that does not end.
        self.addCleanup(getattr(fault.driver, 'tidy', _nothing))
        found = conformance.Runner(hooks, driver).attempt(BY_ID[fault.rule])
        self.assertEqual(
            (Verdict.FAILED, ''),
            (found.verdict, '' if fault.says in found.detail else fault.says),
            repr(found),
        )


def _close(driver: MetalDriver) -> None:
    # Not to be closed may be its fault.
    with contextlib.suppress(Exception):
        driver.close()


def _nothing() -> None:
    """There is nothing to be tidied."""


def _add(fault: wrong.Fault) -> None:
    def test(self: TestFaults) -> None:
        self.assert_found(fault)

    setattr(TestFaults, f'test_{fault.name}', test)


for _fault in wrong.FAULTS:
    _add(_fault)


class TestCoverage(base.TestCase):
    def test_each_rule_finds_a_fault(self) -> None:
        self.assertEqual(
            set(),
            {rule.id for rule in conformance.RULES}
            - {fault.rule for fault in wrong.FAULTS},
        )

    def test_what_is_not_seen_is_of_a_rule(self) -> None:
        self.assertEqual(
            set(), {each.rule for each in unseen.UNSEEN} - set(BY_ID)
        )
        self.assertEqual(
            sorted({each.fault for each in unseen.UNSEEN}),
            sorted(each.fault for each in unseen.UNSEEN),
        )

    def test_names_are_told_apart(self) -> None:
        names = [fault.name for fault in wrong.FAULTS]
        self.assertEqual(len(names), len(set(names)))
        ids = [rule.id for rule in conformance.RULES]
        self.assertEqual(len(ids), len(set(ids)))
