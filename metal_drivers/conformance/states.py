# SPDX-License-Identifier: Apache-2.0
"""Rules about power states."""

from __future__ import annotations

from metal_drivers.boundary import answers
from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Broken, Topic
from metal_drivers.model import Capability, Node, PowerState

TOPIC = Topic(
    'states',
    'Power states',
    'A node that is wrongly taken for off may be powered on, or counted as '
    'saved; one that is wrongly taken for on gets servers.',
)


@TOPIC.rule(
    'get_power_states() returns a state for each id that was asked for, and '
    'for no other; an id may be given twice, and none at all.'
)
def power_states_are_of_those_asked_for(bench: Bench) -> None:
    nodes = bench.some_nodes()
    ids = [node.id for node in nodes]
    found = bench.driver.get_power_states(each for each in ids * 2)
    try:
        states = answers.power_states(found, frozenset(ids))
    except answers.Wrong as exc:
        raise Broken(f'get_power_states() returned {exc}') from exc
    seen.equal(
        {node.id: node.power_state for node in nodes},
        states,
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


@TOPIC.rule(
    'With LIVE_QUERY, get_node() and get_power_states() show a state that '
    'nobody told the service of.',
    opens=Capability.LIVE_QUERY,
    needs=('switch_outside',),
    changes=True,
)
def live_query_is_live(bench: Bench) -> None:
    node = bench.switchable_node()
    bench.will_switch(node.id)
    with bench.having(bench.hooks.switch_outside(node, PowerState.OFF)):
        seen.equal(
            {node.id: PowerState.OFF},
            dict(bench.driver.get_power_states([node.id])),
            'get_power_states()',
        )
        seen.equal(
            PowerState.OFF,
            bench.driver.get_node(node.id).power_state,
            f'get_node({node.id!r})',
        )


@TOPIC.rule(
    'With LIVE_LIST, list_nodes() shows as fresh a state as get_node().',
    opens=Capability.LIVE_LIST,
    needs=('switch_outside',),
    changes=True,
)
def live_list_is_as_fresh_as_one_node(bench: Bench) -> None:
    node = bench.switchable_node()
    bench.will_switch(node.id)
    with bench.having(bench.hooks.switch_outside(node, PowerState.OFF)):
        _list_shows(bench, bench.driver.get_node(node.id))


@TOPIC.rule(
    'With LIVE_LIST, list_nodes() shows that a change is under way.',
    opens=Capability.LIVE_LIST,
    needs=('hold',),
    changes=True,
)
def live_list_shows_a_change_under_way(bench: Bench) -> None:
    node = bench.switchable_node()
    with bench.having(bench.hooks.hold()):
        bench.switch(node.id, PowerState.OFF)
        _list_shows(bench, bench.driver.get_node(node.id))
        found = {each.id: each for each in bench.driver.list_nodes()}
        seen.require(
            not found[node.id].settled,
            f'list_nodes() shows neither busy nor target of node {node.id!r} '
            'while a change is under way',
        )


@TOPIC.rule(
    'With TELLS_END, a node has busy or target for as long as a change is '
    'under way, and neither afterwards.',
    opens=Capability.TELLS_END,
    needs=('hold',),
    changes=True,
)
def tells_when_a_change_has_ended(bench: Bench) -> None:
    node = bench.switchable_node()
    with bench.having(bench.hooks.hold()):
        bench.switch(node.id, PowerState.OFF)
        found = bench.driver.get_node(node.id)
        seen.require(
            not found.settled,
            f'get_node({node.id!r}) shows neither busy nor target while a '
            'change is under way',
        )
        seen.require(
            found.target in (None, PowerState.OFF),
            f'get_node({node.id!r}) has the target {found.target}',
        )
    bench.settle(node.id, PowerState.OFF)


@TOPIC.rule(
    'A node is not shown as off before it is.',
    needs=('hold',),
    changes=True,
)
def shows_off_no_sooner_than_it_is(bench: Bench) -> None:
    node = bench.switchable_node()
    with bench.having(bench.hooks.hold()):
        bench.switch(node.id, PowerState.OFF)
        listed = {each.id: each for each in bench.driver.list_nodes()}
        states = bench.driver.get_power_states([node.id])
        for what, state in (
            ('list_nodes()', listed[node.id].power_state),
            ('get_node()', bench.driver.get_node(node.id).power_state),
            ('get_power_states()', states[node.id]),
        ):
            seen.require(
                state is not PowerState.OFF,
                f'{what} shows off while the node is on',
            )


def _list_shows(bench: Bench, shown: Node) -> None:
    found = {each.id: each for each in bench.driver.list_nodes()}
    seen.require(shown.id in found, f'list_nodes() lacks node {shown.id!r}')
    seen.same_node(shown, found[shown.id], 'list_nodes()')
