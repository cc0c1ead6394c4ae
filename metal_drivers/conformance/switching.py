# SPDX-License-Identifier: Apache-2.0
"""Rules about powering nodes off and on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from math import ceil
from typing import Any

from metal_drivers import exceptions
from metal_drivers.conformance import seen, stranger
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.hooks import Command
from metal_drivers.conformance.rules import Broken, NotTried, Topic
from metal_drivers.model import Capability, OffMode, PowerState

TOPIC = Topic(
    'switching',
    'Power off and on',
    'What was asked for is done, to the node that it was asked for, and '
    'nothing else.',
)


@TOPIC.rule(
    'A node that is powered off is off, and can be on again.', changes=True
)
def switches_off_and_on(bench: Bench) -> None:
    node = bench.switchable_node()
    bench.switch(node.id, PowerState.OFF, OffMode.HARD)
    bench.settle(node.id, PowerState.OFF)
    bench.switch(node.id, PowerState.ON)
    bench.settle(node.id, PowerState.ON)


@TOPIC.rule('Powering a node off and on changes no other node.', changes=True)
def switches_no_other_node(bench: Bench) -> None:
    node = bench.switchable_node()
    with _others_left_alone(bench, node.id):
        bench.switch(node.id, PowerState.OFF)
        bench.settle(node.id, PowerState.OFF)


@TOPIC.rule(
    'A soft power off ends in off, and changes no other node.',
    opens=Capability.SOFT_OFF,
    changes=True,
)
def switches_off_softly(bench: Bench) -> None:
    node = bench.switchable_node()
    if not node.soft_off:
        raise NotTried(f'node {node.id!r} has no soft power off')
    bench.switch(node.id, PowerState.OFF, OffMode.SOFT, **soft_timeout(bench))
    bench.settle(node.id, PowerState.OFF)


@TOPIC.rule(
    'Where a node has no soft power off, asking for one is an '
    'UnsupportedError.',
    changes=True,
)
def refuses_a_soft_off_that_it_cannot_do(bench: Bench) -> None:
    node = bench.switchable_node()
    if bench.can(Capability.SOFT_OFF) and node.soft_off:
        raise NotTried(f'node {node.id!r} has a soft power off')
    with heard_if_possible(bench) as heard:
        seen.raises(
            exceptions.UnsupportedError,
            f'set_power_state({node.id!r}, off, soft)',
            lambda: bench.switch(node.id, PowerState.OFF, OffMode.SOFT),
        )
    seen.equal([], heard, 'what the service was told')


@TOPIC.rule('A power state other than on and off is a ValueError.')
def switches_only_on_and_off(bench: Bench) -> None:
    for state in (PowerState.UNKNOWN, PowerState.ERROR):
        try:
            bench.driver.set_power_state(bench.unknown_id, state)
        except ValueError:
            continue
        seen.require(
            False, f'set_power_state(…, {state.value}) raised no ValueError'
        )


@TOPIC.rule(
    'A hard power off is one command to cut the power.',
    needs=('commands',),
    changes=True,
)
def hard_is_hard(bench: Bench) -> None:
    _commands(bench, ['off'], PowerState.OFF, OffMode.HARD)


@TOPIC.rule(
    'Without a mode, a power off is a hard one.',
    needs=('commands',),
    changes=True,
)
def default_mode_is_hard(bench: Bench) -> None:
    _commands(bench, ['off'], PowerState.OFF)


@TOPIC.rule(
    'A soft power off is one command to shut down, and never cuts the power.',
    opens=Capability.SOFT_OFF,
    needs=('commands',),
    changes=True,
)
def soft_is_soft(bench: Bench) -> None:
    if not bench.switchable_node().soft_off:
        raise NotTried('the node has no soft power off')
    extra = soft_timeout(bench)
    _commands(bench, ['soft off'], PowerState.OFF, OffMode.SOFT, **extra)


@TOPIC.rule(
    'The service is given the time-out of a soft power off, in no less than '
    'as many seconds.',
    opens=Capability.SOFT_OFF_TIMEOUT,
    needs=('commands',),
    changes=True,
)
def soft_off_has_its_timeout(bench: Bench) -> None:
    node = bench.switchable_node()
    if not node.soft_off:
        raise NotTried('the node has no soft power off')
    with bench.heard() as heard:
        bench.switch(node.id, PowerState.OFF, OffMode.SOFT, timeout=41.5)
    seen.equal(
        [42],
        [each.timeout and ceil(each.timeout) for each in heard],
        'time-outs that the service was given',
    )


@TOPIC.rule(
    'A power on is one command to power on, whatever the mode.',
    needs=('commands',),
    changes=True,
)
def on_is_one_command(bench: Bench) -> None:
    node = bench.switchable_node()
    bench.switch(node.id, PowerState.OFF)
    bench.settle(node.id, PowerState.OFF)
    with bench.heard() as heard:
        bench.switch(node.id, PowerState.ON)
    _told(heard, node.id, ['on'])
    bench.settle(node.id, PowerState.ON)
    with bench.heard() as heard:
        bench.switch(node.id, PowerState.ON, OffMode.SOFT)
    told = {each.what for each in heard} - {'on'}
    seen.require(
        not told,
        f'set_power_state({node.id!r}, on, soft) told the service to '
        f'{", ".join(sorted(told))}',
    )


@TOPIC.rule(
    'Powering on a node that is on neither restarts it nor fails.',
    changes=True,
)
def on_for_a_node_that_is_on_does_no_harm(bench: Bench) -> None:
    node = bench.switchable_node()
    with heard_if_possible(bench) as heard:
        bench.switch(node.id, PowerState.ON)
        found = bench.driver.get_node(node.id)
        seen.equal(
            PowerState.ON, found.power_state, 'power state right afterwards'
        )
    harm = [each.what for each in heard if each.what != 'on']
    seen.require(not harm, f'the service was told to {", ".join(harm)}')
    bench.settle(node.id, PowerState.ON)


@TOPIC.rule(
    'Powering off a node that is off does not fail, and leaves it off.',
    changes=True,
)
def off_for_a_node_that_is_off_does_no_harm(bench: Bench) -> None:
    node = bench.switchable_node()
    bench.switch(node.id, PowerState.OFF)
    bench.settle(node.id, PowerState.OFF)
    bench.switch(node.id, PowerState.OFF)
    bench.settle(node.id, PowerState.OFF)


@TOPIC.rule(
    'set_power_state() returns once the service has accepted the request, '
    'and does not wait for the node.',
    needs=('hold',),
    changes=True,
)
def returns_when_it_is_accepted(bench: Bench) -> None:
    node = bench.switchable_node()
    errors: list[BaseException] = []

    def switch() -> None:
        try:
            bench.switch(node.id, PowerState.OFF)
        except BaseException as exc:
            errors.append(exc)

    thread = threading.Thread(target=switch, daemon=True)
    with bench.having(bench.hooks.hold()):
        thread.start()
        thread.join(bench.patience)
        waits = thread.is_alive()
    thread.join(bench.patience)
    seen.require(not waits, 'set_power_state() waits until the node is off')
    if errors:
        raise errors[0]
    bench.settle(node.id, PowerState.OFF)


@TOPIC.rule(
    'A request whose reply is lost is an UnavailableError, and is not sent '
    'again: whoever asked has to look first.',
    needs=('commands', 'lose_reply'),
    changes=True,
)
def sends_once_where_the_reply_is_lost(bench: Bench) -> None:
    node = bench.switchable_node()
    wrong: Broken | None = None
    with bench.heard() as heard, bench.having(bench.hooks.lose_reply()):
        try:
            seen.raises(
                exceptions.UnavailableError,
                f'set_power_state({node.id!r}, off)',
                lambda: bench.switch(node.id, PowerState.OFF),
            )
        except Broken as exc:
            wrong = exc
    _told(heard, node.id, ['off'])
    if wrong is not None:
        raise wrong


@TOPIC.rule(
    'Where a proxy answers 502 or 504, the request may have been carried out: '
    'it is an UnavailableError, and not sent again.',
    needs=('commands', 'lose_reply_to_proxy'),
    changes=True,
)
def sends_once_where_a_proxy_fails(bench: Bench) -> None:
    node = bench.switchable_node()
    for status in (502, 504):
        with (
            bench.heard() as heard,
            bench.having(bench.hooks.lose_reply_to_proxy(status)),
        ):
            seen.raises(
                exceptions.UnavailableError,
                f'set_power_state(), answered with {status},',
                lambda: bench.switch(node.id, PowerState.OFF),
            )
        _told(heard, node.id, ['off'])
        bench.settle(node.id, PowerState.OFF)
        bench.switch(node.id, PowerState.ON)
        bench.settle(node.id, PowerState.ON)


@TOPIC.rule(
    'A power request follows no redirection: the credentials are not for '
    'another server, and a PUT may become a GET.',
    needs=('redirect_to',),
    changes=True,
)
def follows_no_redirection(bench: Bench) -> None:
    node = bench.switchable_node()
    with (
        stranger.listening() as other,
        bench.having(bench.hooks.redirect_to(other.url)),
    ):
        seen.raises(
            exceptions.ProtocolError,
            'set_power_state(), redirected,',
            lambda: bench.switch(node.id, PowerState.OFF),
        )
        seen.require(not other.requests, 'the redirection was followed')


def soft_timeout(bench: Bench) -> dict[str, Any]:
    """What a soft power off takes besides."""
    if bench.can(Capability.SOFT_OFF_TIMEOUT):
        return {'timeout': bench.patience}
    return {}


def _commands(
    bench: Bench, expected: list[str], *args: Any, **extra: Any
) -> None:
    """One power change, and what the service was told."""
    node = bench.switchable_node()
    with bench.heard() as heard:
        bench.switch(node.id, *args, **extra)
    _told(heard, node.id, expected)
    bench.settle(node.id, args[0])


def _told(heard: list[Command], node_id: str, expected: list[str]) -> None:
    seen.equal(
        [(node_id, each) for each in expected],
        [(each.node_id, each.what) for each in heard],
        'what the service was told',
    )


def heard_if_possible(
    bench: Bench,
) -> contextlib.AbstractContextManager[list[Command]]:
    """As :meth:`Bench.heard`; nothing, where there is no such hook."""
    if bench.gives('commands'):
        return bench.heard()
    return contextlib.nullcontext([])


@contextlib.contextmanager
def _others_left_alone(bench: Bench, node_id: str) -> Iterator[None]:
    """:raises Broken: another node was told something, or goes off."""
    were_on = {
        each.id
        for each in bench.nodes()
        if each.power_state is PowerState.ON and each.id != node_id
    }
    wrong: Broken | None = None
    with heard_if_possible(bench) as heard:
        try:
            yield
        except Broken as exc:
            # That the node is on says less than who is off in its place.
            wrong = exc
    off = [
        each.id
        for each in bench.nodes()
        if each.id in were_on and each.power_state is PowerState.OFF
    ]
    for key in off:
        bench.will_switch(key)
    told = {each.node_id for each in heard} - {node_id}
    seen.require(not told, f'node {", ".join(sorted(told))} was told as well')
    seen.require(not off, f'node {", ".join(off)} went off as well')
    if wrong is not None:
        raise wrong
