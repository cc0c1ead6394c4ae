# SPDX-License-Identifier: Apache-2.0
"""Rules about services that cannot be reached, or refuse."""

from __future__ import annotations

from metal_drivers import exceptions
from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Topic
from metal_drivers.model import CheckStatus, PowerState

TOPIC = Topic(
    'trouble',
    'Trouble',
    'An error says what to do about it. It is never taken for an answer.',
)


@TOPIC.rule(
    'Where the service cannot be reached, listing and showing nodes is an '
    'UnavailableError, which says what to do.',
    needs=('create_unreachable_driver',),
)
def unreachable_is_unavailable(bench: Bench) -> None:
    node = bench.nodes()[0]
    lost = bench.unreachable()
    for what, call in (
        ('list_nodes()', lost.list_nodes),
        (f'get_node({node.id!r})', lambda: lost.get_node(node.id)),
    ):
        exc = seen.raises(exceptions.UnavailableError, what, call)
        seen.require(exc.cure, f'{what}: the error does not say what to do')


@TOPIC.rule(
    'Where the service cannot be reached, powering a node off is an '
    'UnavailableError.',
    needs=('create_unreachable_driver',),
    changes=True,
)
def unreachable_is_unavailable_when_switching(bench: Bench) -> None:
    node = bench.switchable_node()
    lost = bench.unreachable()
    exc = seen.raises(
        exceptions.UnavailableError,
        f'set_power_state({node.id!r}, off)',
        lambda: bench.switch(node.id, PowerState.OFF, driver=lost),
    )
    seen.require(exc.cure, 'the error does not say what to do')


@TOPIC.rule(
    'An error has the exception that it came from as its cause.',
    needs=('create_unreachable_driver',),
)
def errors_keep_their_cause(bench: Bench) -> None:
    lost = bench.unreachable()
    exc = seen.raises(
        exceptions.UnavailableError, 'list_nodes()', lost.list_nodes
    )
    seen.require(exc.__cause__ is not None, 'the error has no __cause__')


@TOPIC.rule(
    'Where the service cannot be reached, each power state is UNKNOWN.',
    needs=('create_unreachable_driver',),
)
def unreachable_power_states_are_unknown(bench: Bench) -> None:
    node = bench.nodes()[0]
    seen.equal(
        {node.id: PowerState.UNKNOWN},
        dict(bench.unreachable().get_power_states([node.id])),
        'get_power_states()',
    )


@TOPIC.rule(
    'Where the service cannot be reached, check() reports that as failed.',
    needs=('create_unreachable_driver',),
)
def unreachable_is_a_failed_check(bench: Bench) -> None:
    results = bench.unreachable().check()
    seen.require(
        any(each.status is CheckStatus.FAILED for each in results),
        f'check() reported no failure: {seen.shown(results)}',
    )
