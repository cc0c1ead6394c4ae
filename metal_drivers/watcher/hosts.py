# SPDX-License-Identifier: Apache-2.0
"""A compute host as an audit sees it: what it is, and what it may become."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from metal_drivers.compute import markers
from metal_drivers.fleet import Member
from metal_drivers.model import ComputeHost, Node, PowerState
from metal_drivers.power import PowerSettings, guards


class Host:
    """A compute host, and what may be done with it."""

    def __init__(
        self,
        member: Member,
        host: ComputeHost,
        settings: PowerSettings,
        now: datetime.datetime,
    ) -> None:
        self.member = member
        self._host = host
        self._settings = settings
        marker = markers.for_node(host, member.node.id)
        #: Set by metal-drivers, while nova-compute is disabled.
        self._marker = marker
        #: Seconds since then.
        self._age = marker.age(now) if marker else 0.0
        self._left = marker.left(now) if marker else 0.0

    @property
    def _node(self) -> Node:
        return self.member.node

    @property
    def order(self) -> tuple[object, ...]:
        """host-9 before host-10."""
        parts = re.split(r'([0-9]+)', self._host.name)
        # Every second part is a number.
        parts[1::2] = [number.zfill(20) for number in parts[1::2]]
        return parts, self._node.id

    @property
    def off_longest(self) -> float:
        """Sorts by power off time; hosts off by someone else come last."""
        return -self._age if self._marker else 1.0

    @property
    def power(self) -> PowerState:
        """Where the node is, or is about to be."""
        return self._node.target or self._node.power_state

    @property
    def busy(self) -> bool:
        return self._host.servers != 0

    @property
    def up(self) -> bool:
        """Whether nova-compute is."""
        return self._host.up

    @property
    def ready(self) -> bool:
        """Free, on, and Nova places servers on it."""
        return (
            not self.busy
            and self.power is PowerState.ON
            and self.up
            and self._host.enabled
        )

    @property
    def unfinished(self) -> bool:
        """On, disabled by metal-drivers: its power change did not end.

        To enable it takes no request for power.
        """
        return (
            self.power is PowerState.ON
            and self._marker is not None
            # Else another process may be at work on it.
            and self._left == 0
            and self._may_be(PowerState.ON)
        )

    @property
    def may_go_off(self) -> bool:
        return self._may_be(PowerState.OFF)

    def spare(self, any_off_host: bool) -> bool:
        """Free, off, and may be powered on."""
        return (
            not self.busy
            and self.power is PowerState.OFF
            and (
                self._marker is not None or self._host.enabled or any_off_host
            )
            and self._may_be(
                PowerState.ON, dwelt=self._age if self._marker else None
            )
        )

    def _may_be(self, state: PowerState, dwelt: float | None = None) -> bool:
        """Whether nothing is under way, and no guard forbids it."""
        if not self._node.settled:
            return False
        wish = guards.Request(self.member, state, self._settings, dwelt)
        return guards.refusal(wish) is None


Hosts = Sequence[Host]
