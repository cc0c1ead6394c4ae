# SPDX-License-Identifier: Apache-2.0
"""Each fault that can be planted in a decision fails one of its tests.

A minute and a half; where there is time: ``METAL_DRIVERS_EXPLORE=full``."""

from __future__ import annotations

import contextlib
import os
import signal
import unittest
from collections.abc import Iterator
from typing import Any

import testtools

from metal_drivers_tests.unit.planning import planted

#: Those that are quick come first.
MODULES = (
    'decision',
    'reliability',
    'reserve',
    'hooks',
    'reasons',
    'planner',
    'exercise',
    'dead_hosts',
)
#: More than the longest test needs.
CPU_SECONDS = 10.0
#: Faults that cost a second and harm nobody: what a shortage of a group
#: asks for is nothing where no group is short.
COST = (
    ('bring_back', 'never not balance.any_group_short'),
    ('_for_groups', 'without balance.any_group_short'),
)


def _flat(
    suite: unittest.TestSuite | unittest.TestCase,
) -> Iterator[unittest.TestCase]:
    if isinstance(suite, unittest.TestCase):
        yield suite
        return
    for each in suite:
        yield from _flat(each)


@contextlib.contextmanager
def _ends() -> Iterator[None]:
    """What is run comes to an end: with some faults it does not."""

    def late(*_: Any) -> None:
        raise AssertionError('no end is seen')

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _fails(tests: list[unittest.TestCase], fault: planted.Fault) -> bool:
    """Whether one of the tests does. It is the first the next time: what
    finds one fault of a function often finds the next."""
    with fault.planted():
        for test in tests:
            result = unittest.TestResult()
            with _ends():
                test.run(result)
            if not result.wasSuccessful():
                tests.remove(test)
                tests.insert(0, test)
                return True
    return False


if os.environ.get('METAL_DRIVERS_EXPLORE') == 'full':

    class TestLarge(testtools.TestCase):
        def test_each_fault_is_found(self) -> None:
            names = [f'{__package__}.test_{each}' for each in MODULES]
            tests = list(
                _flat(unittest.defaultTestLoader.loadTestsFromNames(names))
            )
            faults = list(planted.faults())
            self.assertGreater(len(faults), 100)
            left = [fault for fault in faults if not _fails(tests, fault)]
            self.assertEqual(
                sorted(COST),
                sorted((fault.where, fault.what) for fault in left),
            )
