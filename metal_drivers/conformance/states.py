# SPDX-License-Identifier: Apache-2.0
"""Rules about power states."""

from __future__ import annotations

from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Topic
from metal_drivers.model import PowerState

TOPIC = Topic(
    'states',
    'Power states',
    'A node that is wrongly taken for off may be powered on, or counted as '
    'saved; one that is wrongly taken for on gets servers.',
)


@TOPIC.rule(
    'get_power_states() returns a state for each id that was asked for, and '
    'for no other.'
)
def power_states_are_of_those_asked_for(bench: Bench) -> None:
    nodes = bench.nodes()
    seen.equal(
        {node.id: node.power_state for node in nodes},
        dict(bench.driver.get_power_states(node.id for node in nodes)),
        'get_power_states()',
    )
    seen.equal(
        {}, dict(bench.driver.get_power_states([])), 'get_power_states([])'
    )


@TOPIC.rule(
    'The state of a node that the service does not have is UNKNOWN; the '
    'others have theirs.'
)
def power_state_of_an_unknown_node_is_unknown(bench: Bench) -> None:
    known = bench.nodes()[0]
    seen.equal(
        {
            bench.unknown_id: PowerState.UNKNOWN,
            known.id: known.power_state,
        },
        dict(bench.driver.get_power_states([bench.unknown_id, known.id])),
        'get_power_states()',
    )
