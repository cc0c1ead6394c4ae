# SPDX-License-Identifier: Apache-2.0
"""Rules about nodes, and what is said of each."""

from __future__ import annotations

from metal_drivers.boundary import answers
from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Broken, Topic

TOPIC = Topic(
    'listing',
    'Nodes and their fields',
    'What a driver lists decides which hosts can be powered off.',
)


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


@TOPIC.rule(
    'get_node() shows each node as list_nodes() does, in all but observed_at.'
)
def shows_each_node_as_it_is_listed(bench: Bench) -> None:
    for node in bench.nodes():
        seen.same_node(
            node,
            bench.driver.get_node(node.id),
            f'get_node({node.id!r})',
        )
