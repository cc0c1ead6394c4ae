# SPDX-License-Identifier: Apache-2.0
"""Rules about services that cannot be reached, or refuse."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from metal_drivers import exceptions
from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Broken, NotTried, Topic
from metal_drivers.model import Capability, CheckStatus, Node, PowerState

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


@TOPIC.rule(
    'Wrong credentials are an AuthenticationError, whatever is asked, and '
    'never an empty list.',
    needs=('create_unauthorised_driver',),
)
def wrong_credentials_are_an_authentication_error(bench: Bench) -> None:
    node = bench.nodes()[0]
    driver = bench.unauthorised()
    for what, call in (
        ('list_nodes()', driver.list_nodes),
        (f'get_node({node.id!r})', lambda: driver.get_node(node.id)),
        (f'find_nodes({node.id!r})', lambda: driver.find_nodes(node.id)),
        ('get_power_states()', lambda: driver.get_power_states([node.id])),
    ):
        exc = seen.raises(exceptions.AuthenticationError, what, call)
        seen.require(exc.cure, f'{what}: the error does not say what to do')


@TOPIC.rule(
    'Powering a node off with wrong credentials is an AuthenticationError.',
    needs=('create_unauthorised_driver',),
    changes=True,
)
def wrong_credentials_when_switching(bench: Bench) -> None:
    node = bench.switchable_node()
    driver = bench.unauthorised()
    seen.raises(
        exceptions.AuthenticationError,
        f'set_power_state({node.id!r}, off)',
        lambda: bench.switch(node.id, PowerState.OFF, driver=driver),
    )


@TOPIC.rule(
    'check() reports wrong credentials as failed.',
    needs=('create_unauthorised_driver',),
)
def wrong_credentials_are_a_failed_check(bench: Bench) -> None:
    results = bench.unauthorised().check()
    seen.require(
        any(each.status is CheckStatus.FAILED for each in results),
        f'check() reported no failure: {seen.shown(results)}',
    )


@TOPIC.rule(
    'A service that accepts the connection and never answers is an '
    'UnavailableError, and its power states are UNKNOWN, once the time-out '
    'is over.',
    needs=('create_silent_driver',),
)
def silence_is_a_timeout(bench: Bench) -> None:
    node = bench.nodes()[0]
    driver, _ = bench.silent()
    seen.raises(exceptions.UnavailableError, 'list_nodes()', driver.list_nodes)
    seen.equal(
        {node.id: PowerState.UNKNOWN},
        dict(driver.get_power_states([node.id])),
        'get_power_states()',
    )


@TOPIC.rule(
    'Where the service never answers a power request, it is an '
    'UnavailableError, and not sent again: it may have been carried out.',
    needs=('create_silent_driver',),
    changes=True,
)
def silence_is_a_timeout_when_switching(bench: Bench) -> None:
    node = bench.switchable_node()
    driver, listener = bench.silent()
    seen.raises(
        exceptions.UnavailableError,
        f'set_power_state({node.id!r}, off)',
        lambda: bench.switch(node.id, PowerState.OFF, driver=driver),
    )
    sent = [
        each.partition(b'\r\n')[0].decode(errors='replace')
        for each in _received(listener)
        if node.id.encode() in each and not each.startswith((b'GET', b'HEAD'))
    ]
    seen.require(len(sent) < 2, f'it was sent {len(sent)} times: {sent[:1]}')


@TOPIC.rule(
    'Where the service does not know the power state of a node, it is '
    'UNKNOWN or ERROR, and never OFF.',
    needs=('make_unknown',),
)
def unknown_is_never_off(bench: Bench) -> None:
    node = bench.nodes()[0]
    with bench.having(bench.hooks.make_unknown(node)):
        found = _listed(bench, node)
        _is_not_known(found.power_state, 'list_nodes()')
        _is_not_known(
            bench.driver.get_power_states([node.id])[node.id],
            'get_power_states()',
        )
        try:
            shown = bench.driver.get_node(node.id)
        except exceptions.UnavailableError:
            return
        _is_not_known(shown.power_state, f'get_node({node.id!r})')


@TOPIC.rule(
    'The trouble of one node is not that of the others: all are listed, and '
    'the others have their states.',
    needs=('make_unreachable',),
)
def trouble_of_one_node_is_its_own(bench: Bench) -> None:
    nodes = bench.nodes()
    node, others = nodes[0], nodes[1:]
    if not others:
        raise NotTried('the service has one node')
    with bench.having(bench.hooks.make_unreachable(node)):
        found = {each.id: each for each in bench.driver.list_nodes()}
        seen.equal(
            sorted(each.id for each in nodes),
            sorted(found),
            'nodes that list_nodes() returned',
        )
        states = dict(
            bench.driver.get_power_states([each.id for each in nodes])
        )
        for each in others:
            seen.equal(
                each.power_state,
                states.get(each.id),
                f'get_power_states(): node {each.id!r}',
            )
            seen.equal(
                each.power_state,
                bench.driver.get_node(each.id).power_state,
                f'get_node({each.id!r})',
            )
        seen.require(
            found[node.id].power_state is not PowerState.OFF,
            f'list_nodes() shows node {node.id!r} as off',
        )
        if bench.can(Capability.LIVE_QUERY):
            _is_not_known(states.get(node.id), 'get_power_states()')
        seen.require(
            states.get(node.id) is not PowerState.OFF,
            f'get_power_states() shows node {node.id!r} as off',
        )


def _received(listener: socket.socket) -> Iterator[bytes]:
    """What came by each connection that nobody has taken."""
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                # It came long ago, if anything did.
                connection.setblocking(False)
                yield connection.recv(65536)


def _listed(bench: Bench, node: Node) -> Node:
    for each in bench.driver.list_nodes():
        if each.id == node.id:
            return each
    raise Broken(f'list_nodes() lacks node {node.id!r}')


def _is_not_known(state: PowerState | None, what: str) -> None:
    seen.require(
        state in (PowerState.UNKNOWN, PowerState.ERROR),
        f'{what} shows {state and state.value} where the service does not '
        'know it',
    )
