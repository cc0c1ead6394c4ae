# SPDX-License-Identifier: Apache-2.0
"""Rules about powering nodes off and on."""

from __future__ import annotations

from typing import Any

from metal_drivers import exceptions
from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import NotTried, Topic
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


@TOPIC.rule(
    'A soft power off ends in off.', opens=Capability.SOFT_OFF, changes=True
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
    seen.raises(
        exceptions.UnsupportedError,
        f'set_power_state({node.id!r}, off, soft)',
        lambda: bench.switch(node.id, PowerState.OFF, OffMode.SOFT),
    )


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


def soft_timeout(bench: Bench) -> dict[str, Any]:
    """What a soft power off takes besides."""
    if bench.can(Capability.SOFT_OFF_TIMEOUT):
        return {'timeout': bench.patience}
    return {}
