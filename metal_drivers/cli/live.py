# SPDX-License-Identifier: Apache-2.0
"""``node list --live``: power states that are queried now."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import logging
from collections.abc import Sequence

from metal_drivers import base, exceptions
from metal_drivers.fleet import Member
from metal_drivers.model import Capability, Node, PowerState

LOG = logging.getLogger(__name__)

_NOT_KNOWN = (PowerState.UNKNOWN, PowerState.ERROR)


def members(
    driver: base.MetalDriver, listed: Sequence[Member]
) -> tuple[Member, ...]:
    """The same members, with their current power states.

    Where one is not known, the node's fault says why. Where the driver
    cannot query live, they remain as listed, and one warning says so.
    """
    if Capability.LIVE_QUERY not in driver.capabilities:
        LOG.warning(
            'This bare metal service cannot be queried for live power states. '
            'They are shown as last reported.'
        )
        return tuple(listed)
    now = datetime.datetime.now(datetime.UTC)
    states = driver.get_power_states(member.node.id for member in listed)
    nodes = {
        member.node.id: dataclasses.replace(
            member.node,
            power_state=states[member.node.id],
            observed_at=now,
        )
        for member in listed
    }
    doubtful = [
        node for node in nodes.values() if node.power_state in _NOT_KNOWN
    ]
    if doubtful:
        with concurrent.futures.ThreadPoolExecutor(
            min(driver.max_concurrent, len(doubtful)), 'metal-live'
        ) as pool:
            for node in pool.map(lambda each: _why(driver, each), doubtful):
                nodes[node.id] = node
    return tuple(
        dataclasses.replace(member, node=nodes[member.node.id])
        for member in listed
    )


def _why(driver: base.MetalDriver, node: Node) -> Node:
    """Query the node again, alone: only then is the reason reported."""
    try:
        return driver.get_node(node.id)
    except exceptions.MetalError as exc:
        return dataclasses.replace(node, fault=exc.message)
