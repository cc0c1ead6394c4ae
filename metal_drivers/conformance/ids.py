# SPDX-License-Identifier: Apache-2.0
"""Rules about ids, and about finding a node by a name."""

from __future__ import annotations

from typing import Any

from metal_drivers import base, exceptions
from metal_drivers.boundary import answers
from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Broken, NotTried, Topic
from metal_drivers.model import Capability, Node, PowerState

TOPIC = Topic(
    'ids',
    'Ids and names',
    'An id comes from a command line: nothing in it may lead to another node.',
)

#: What is no id anywhere.
ODD = ('../x', 'a b', 'a?b=c', 'ä', '%2e%2e', '', '.', '..', '*')

#: Digits that Python takes for digits, and no service does.
_WIDE = {ord('0') + each: 0xFF10 + each for each in range(10)}


@TOPIC.rule('An id that the service does not have is a NotFoundError.')
def unknown_node_is_not_found(bench: Bench) -> None:
    not_found(bench, bench.unknown_id)


@TOPIC.rule('An odd id is a NotFoundError.')
def odd_id_is_not_found(bench: Bench) -> None:
    for odd in ODD:
        not_found(bench, odd)


@TOPIC.rule(
    'A known id with something before or after it, such as ../Systems/ID, '
    'ID?x or ID#x, and a part of one, is a NotFoundError.'
)
def odd_form_of_a_known_id_is_not_found(bench: Bench) -> None:
    for odd in _odd_forms(bench):
        not_found(bench, odd)


@TOPIC.rule(
    'get_power_states() returns UNKNOWN for an odd id, and for an odd form '
    'of a known one.'
)
def odd_id_has_no_power_state(bench: Bench) -> None:
    odd = [*ODD, *_odd_forms(bench)]
    seen.equal(
        dict.fromkeys(odd, PowerState.UNKNOWN),
        dict(bench.driver.get_power_states(odd)),
        'get_power_states()',
    )


@TOPIC.rule(
    'find_nodes() returns the nodes that a name may mean, as they are '
    'listed, with those that share a host name with one of them.'
)
def finds_nodes_as_they_are_listed(bench: Bench) -> None:
    nodes = bench.nodes()
    for node in nodes[:3]:
        names = {node.id, node.name, *node.host_names}
        # One name may be the beginning of another.
        parts = {name[:-1] for name in names if name[:-1]}
        for ref in sorted(names | {name.upper() for name in names} | parts):
            _finds(bench, ref, base.named(nodes, ref))


@TOPIC.rule('find_nodes() returns an empty list for a name of no node.')
def finds_nothing_that_is_not_there(bench: Bench) -> None:
    for ref in (bench.unknown_id, *ODD):
        _finds(bench, ref, [])


@TOPIC.rule(
    'find_nodes() of a driver with FIND does without the list.',
    opens=Capability.FIND,
)
def finds_without_the_list(bench: Bench) -> None:
    node = bench.nodes()[0]
    twin: Any = bench.twin()
    asked = []

    def list_nodes() -> list[Node]:
        asked.append(1)
        return bench.driver.list_nodes()

    try:
        twin.list_nodes = list_nodes
    except AttributeError as exc:  # it has slots
        raise NotTried('list_nodes() cannot be replaced') from exc
    twin.find_nodes(node.name)
    seen.require(not asked, 'find_nodes() called list_nodes()')


@TOPIC.rule(
    'Nodes of a driver with FIND carry no hypervisor_id: only the list shows '
    'that two claim one hypervisor.',
    opens=Capability.FIND,
)
def leaves_hypervisors_to_the_list(bench: Bench) -> None:
    for node in bench.nodes():
        seen.equal(
            None, node.hypervisor_id, f'hypervisor_id of node {node.id!r}'
        )


@TOPIC.rule(
    'A power change of a node that the service does not have is a '
    'NotFoundError.',
    changes=True,
)
def cannot_switch_an_unknown_node(bench: Bench) -> None:
    for state in (PowerState.ON, PowerState.OFF):
        seen.raises(
            exceptions.NotFoundError,
            f'set_power_state({bench.unknown_id!r}, {state.value})',
            lambda state=state: bench.driver.set_power_state(  # type: ignore[misc]
                bench.unknown_id, state
            ),
        )


@TOPIC.rule(
    'A power change of an odd form of a known id is a NotFoundError, and '
    'does nothing to the node.',
    changes=True,
)
def cannot_switch_by_an_odd_id(bench: Bench) -> None:
    node = bench.switchable_node()
    for odd in _odd_forms(bench, node.id):
        # Another node may be taken for it: its host may be in use.
        alike = odd in _alike(node.id)
        state = PowerState.ON if alike else PowerState.OFF
        seen.raises(
            exceptions.NotFoundError,
            f'set_power_state({odd!r}, {state.value})',
            lambda odd=odd, state=state: bench.switch(  # type: ignore[misc]
                odd, state, affects=node.id
            ),
        )
    seen.equal(
        PowerState.ON,
        bench.driver.get_node(node.id).power_state,
        f'power state of node {node.id!r} afterwards',
    )


def _odd_forms(bench: Bench, known: str = '') -> list[str]:
    """Ids that are those of no node, and may be taken for that of one.

    :param known: its id; by default, that of the first node.
    """
    ids = [node.id for node in bench.nodes()]
    forms = odd_forms(known or ids[0])
    return [each for each in forms if each and each not in ids]


def odd_forms(known: str) -> list[str]:
    """Ids that are not this one, and may be taken for it."""
    return [
        *_alike(known),
        known.translate(_WIDE),
        f'%{ord(known[0]):02x}{known[1:]}',
        f'{known}\n',
        f'../Systems/{known}',
        f'./{known}',
        f'{known}?x',
        f'{known}#x',
        f'{known}/',
        f'{known}/../{known}',
        f'{known} ',
        f'%2e%2e/{known}',
    ]


def _alike(known: str) -> tuple[str, str]:
    """Ids that others may begin with, too."""
    return known[:-1], f'{known}0'


def _finds(bench: Bench, ref: str, nodes: list[Node]) -> None:
    what = f'find_nodes({ref!r})'
    try:
        found = seen.by_id(answers.nodes(bench.driver.find_nodes(ref)))
    except answers.Wrong as exc:
        raise Broken(f'{what} returned {exc}') from exc
    expected = seen.by_id(nodes)
    seen.equal(sorted(expected), sorted(found), what)
    for key, each in expected.items():
        seen.same_node(each, found[key], what)


def not_found(bench: Bench, node_id: str) -> None:
    """:raises Broken: get_node() finds something, or raises another error."""
    seen.raises(
        exceptions.NotFoundError,
        f'get_node({node_id!r})',
        lambda: bench.driver.get_node(node_id),
    )
