# SPDX-License-Identifier: Apache-2.0
"""Rules about nodes, and what is said of each."""

from __future__ import annotations

import datetime
import json

from metal_drivers.boundary import answers
from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Broken, Tier, Topic
from metal_drivers.model import Capability, PowerState

TOPIC = Topic(
    'listing',
    'Nodes and their fields',
    'What a driver lists decides which hosts can be powered off.',
)

#: How far the clock of a service may be ahead.
_SKEW = datetime.timedelta(minutes=5)

#: How many others are compared with the node that is off.
_OTHERS = 8


@TOPIC.rule(
    'list_nodes() returns every node once, each with an id, a name and '
    'fields of the documented types.'
)
def lists_nodes(bench: Bench) -> None:
    nodes = bench.driver.list_nodes()
    try:
        found = answers.nodes(nodes)
    except answers.Wrong as exc:
        raise Broken(f'list_nodes() returned {exc}') from exc
    seen.require(found, 'list_nodes() returned no node')
    for node in found:
        seen.require(node.name, f'node {node.id!r} has an empty name')
        for name in node.host_names:
            seen.require(
                name.strip() == name != '',
                f'node {node.id!r} has the host name {name!r}',
            )


@TOPIC.rule(
    'list_nodes() returns all nodes that the service has, whatever their '
    'number.',
    needs=('hosts',),
)
def lists_every_node(bench: Bench) -> None:
    seen.equal(
        sorted(bench.hooks.hosts()),
        sorted(node.id for node in bench.nodes()),
        'nodes that list_nodes() returned',
    )


@TOPIC.rule(
    'host_names of a node has the name that Nova knows its host by, and that '
    'of no other host.',
    needs=('hosts',),
)
def says_which_host_is_on_each_node(bench: Bench) -> None:
    hosts = bench.hooks.hosts()
    for node in bench.nodes():
        names = {name.casefold() for name in node.host_names}
        host = hosts.get(node.id, '').casefold()
        others = {each.casefold() for each in hosts.values()} - {host, ''}
        seen.require(
            not names & others,
            f'host_names of node {node.id!r} has that of another host: '
            f'{seen.shown(node.host_names)}',
        )
        if host and node.hypervisor_id is None:
            seen.require(
                host in names,
                f'host_names of node {node.id!r} lacks {host}: '
                f'{seen.shown(node.host_names)}',
            )


@TOPIC.rule(
    'get_node() shows each node as list_nodes() does, in all but '
    'observed_at, with fields of the documented types.'
)
def shows_each_node_as_it_is_listed(bench: Bench) -> None:
    for node in bench.some_nodes():
        try:
            found = answers.node(bench.driver.get_node(node.id), node.id)
        except answers.Wrong as exc:
            raise Broken(f'get_node({node.id!r}) returned {exc}') from exc
        seen.same_node(node, found, f'get_node({node.id!r})')


@TOPIC.rule(
    'The details of a node can be shown as JSON: they are texts, numbers, '
    'lists and dicts of these.'
)
def details_can_be_shown(bench: Bench) -> None:
    for node in bench.nodes():
        try:
            json.dumps(dict(node.details))
        except (TypeError, ValueError) as exc:
            raise Broken(f'details of node {node.id!r}: {exc}') from exc


@TOPIC.rule(
    'observed_at is when the service saw the power state: it is not in the '
    'future.',
    tier=Tier.RECOMMENDED,
)
def observed_at_is_past(bench: Bench) -> None:
    nodes = bench.nodes()
    for node in [*nodes, bench.driver.get_node(nodes[0].id)]:
        latest = datetime.datetime.now(datetime.UTC) + _SKEW
        if node.observed_at is not None and node.observed_at > latest:
            raise Broken(
                f'observed_at of node {node.id!r} is {node.observed_at}'
            )


@TOPIC.rule(
    'list_nodes() makes no more requests than the service needs for it: '
    'list_requests of the fixture, once the driver has been used.',
    needs=('requests_made',),
)
def lists_with_few_requests(bench: Bench) -> None:
    bench.driver.list_nodes()
    before = bench.hooks.requests_made()
    bench.driver.list_nodes()
    made = bench.hooks.requests_made() - before
    seen.require(
        made <= bench.hooks.list_requests,
        f'list_nodes() made {made} requests, not {bench.hooks.list_requests}',
    )


@TOPIC.rule(
    'A node that is off is listed, and list_nodes(), get_node() and '
    'get_power_states() agree that it is off; a list without LIVE_LIST may '
    'be older, where there is LIVE_QUERY.',
    changes=True,
)
def lists_nodes_that_are_off(bench: Bench) -> None:
    node = bench.switchable_node()
    bench.switch(node.id, PowerState.OFF)
    shown = bench.settle(node.id, PowerState.OFF)
    found = {each.id: each for each in bench.driver.list_nodes()}
    seen.require(
        node.id in found,
        f'list_nodes() lacks node {node.id!r}, which is off',
    )
    if bench.can(Capability.LIVE_LIST) or not bench.can(Capability.LIVE_QUERY):
        # Else the list may be older.
        seen.same_node(shown, found[node.id], 'list_nodes()')
    seen.equal(
        {node.id: PowerState.OFF},
        dict(bench.driver.get_power_states([node.id])),
        'get_power_states()',
    )
    # Not in the order of the list: each state is that of its own node.
    others = [each.id for each in bench.some_nodes() if each.id != node.id]
    states = {
        each: bench.driver.get_node(each).power_state
        for each in [*reversed(others[:_OTHERS]), node.id]
    }
    seen.equal(
        states,
        dict(bench.driver.get_power_states(states)),
        'get_power_states()',
    )
