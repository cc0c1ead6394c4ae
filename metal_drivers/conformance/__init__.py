# SPDX-License-Identifier: Apache-2.0
"""Whether a driver keeps the contract: the rules, and what tries them.

It needs no test runner. ``metal-drivers driver check`` and ``driver
certify`` run the rules on a real service; the suite
``metal_drivers_tests.contract`` runs the same ones in tests.
"""

from metal_drivers.conformance import (
    ids,
    listing,
    loading,
    resources,
    secrets,
    states,
    statuses,
    switching,
    trouble,
)
from metal_drivers.conformance.hooks import Command, Hooks
from metal_drivers.conformance.rules import Broken, NotTried, Rule, Tier, Topic
from metal_drivers.conformance.runner import Result, Runner, Verdict

__all__ = [
    'RULES',
    'TOPICS',
    'Broken',
    'Command',
    'Hooks',
    'NotTried',
    'Result',
    'Rule',
    'Runner',
    'Tier',
    'Topic',
    'Verdict',
]

#: The contract, in the order in which it is read and tried.
TOPICS: tuple[Topic, ...] = (
    loading.TOPIC,
    listing.TOPIC,
    ids.TOPIC,
    states.TOPIC,
    resources.TOPIC,
    secrets.TOPIC,
    trouble.TOPIC,
    statuses.TOPIC,
    switching.TOPIC,
)

RULES: tuple[Rule, ...] = tuple(
    rule for topic in TOPICS for rule in topic.rules
)
