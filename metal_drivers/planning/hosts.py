# SPDX-License-Identifier: Apache-2.0
"""A compute host as an audit sees it: what it is, and what it may become."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from functools import cached_property

from metal_drivers import guards
from metal_drivers.compute import markers
from metal_drivers.fleet import Member
from metal_drivers.model import ComputeHost, Node, PowerState
from metal_drivers.planning.reliability import Failures, stamp
from metal_drivers.settings import PowerSettings


class Host:
    """A compute host, and what may be done with it.

    :param failures: power ons of it that failed, where any did.
    :param retry_interval: see :meth:`Failures.retry_at`.
    """

    def __init__(
        self,
        member: Member,
        host: ComputeHost,
        settings: PowerSettings,
        now: datetime.datetime,
        failures: Failures | None = None,
        retry_interval: float = 3600,
    ) -> None:
        self.member = member
        self.compute = host
        self._settings = settings
        mark = markers.for_node(host, member.node.id)
        #: Set by metal-drivers, while nova-compute is disabled.
        self.mark = mark
        #: Seconds since then; 0.0: it set none.
        self.age = mark.age(now) if mark else 0.0
        self._left = mark.left(now) if mark else 0.0
        #: Whether the reason that someone else gave counts as a marker.
        self.adopted = markers.adopted(host, settings.adopted_reasons)
        self.failures = failures
        #: When it is tried again; None: at any time.
        self.retry_at = failures.retry_at(retry_interval) if failures else None
        self.due = self.retry_at is None or self.retry_at <= now

    @property
    def node(self) -> Node:
        return self.member.node

    @cached_property
    def order(self) -> tuple[object, ...]:
        """host-9 before host-10."""
        parts = re.split(r'([0-9]+)', self.compute.name)
        # Every second part is a number.
        parts[1::2] = [number.zfill(20) for number in parts[1::2]]
        return parts, self.node.id

    @property
    def off_longest(self) -> float:
        """Sorts by power off time; hosts off by someone else come last."""
        return -self.age if self.mark else 1.0

    @property
    def on_longest(self) -> tuple[bool, float]:
        """Sorts by the last power on; where it is not known, it comes
        last."""
        when = self.node.powered_on_at
        return when is None, when.timestamp() if when else 0.0

    @property
    def power(self) -> PowerState:
        """Where the node is, or is about to be."""
        return self.node.target or self.node.power_state

    @property
    def busy(self) -> bool:
        return self.compute.servers != 0

    @property
    def up(self) -> bool:
        """Whether nova-compute is."""
        return self.compute.up

    @property
    def ready(self) -> bool:
        """Free, on, and Nova places servers on it."""
        return (
            not self.busy
            and self.power is PowerState.ON
            and self.up
            and self.compute.enabled
        )

    @property
    def leased(self) -> bool:
        """Whether another process may be at work on it."""
        return self._left > 0

    @property
    def coming(self) -> bool:
        """Free, and another process may be powering it on."""
        return (
            self.mark is not None
            and self.mark.kind.of_power_on
            and self.leased
            and not self.busy
        )

    @cached_property
    def unfinished(self) -> bool:
        """On, disabled by metal-drivers: its power change did not end.

        To enable it takes no request for power.
        """
        return (
            self.power is PowerState.ON
            and self.mark is not None
            and not self.leased
            and self.hindrance(PowerState.ON) is None
        )

    @cached_property
    def may_go_off(self) -> bool:
        return self.hindrance(PowerState.OFF) is None

    @property
    def trouble(self) -> str:
        """Why it may not come back, where it is off; empty: nothing speaks
        against it."""
        if self.failures is not None:
            return str(self.failures)
        if self.node.fault is not None:
            return f'has a fault: {self.node.fault}'
        if (
            self.mark is not None
            and self.mark.kind is markers.MarkerKind.POWERING_ON
            and not self.leased
        ):
            return (
                'is still off after a power on that was begun at '
                f'{stamp(self.mark.when)}'
            )
        return ''

    @property
    def failed_lately(self) -> bool:
        """Whether it failed for the first time, and is not yet tried
        again."""
        failures = self.failures
        return failures is not None and failures.count == 1 and not self.due

    @property
    def reliable(self) -> tuple[bool, int]:
        """Sorts: those that nothing speaks against come first, those that
        failed most often last."""
        return bool(self.trouble), self.failures.count if self.failures else 0

    @property
    def unreliable(self) -> bool:
        """Off, and may not come back."""
        return self.power is PowerState.OFF and bool(self.trouble)

    def off_by_someone_else(self, any_off_host: bool) -> bool:
        """Whether it may be off for repair, and is not to be counted on."""
        return not (
            self.mark is not None
            or self.compute.enabled
            or self.adopted
            or any_off_host
        )

    def spare(self, any_off_host: bool) -> bool:
        """Free, off, and may be powered on."""
        return (
            not self.busy
            and self.power is PowerState.OFF
            and self.due
            and not self.off_by_someone_else(any_off_host)
            and self.hindrance(PowerState.ON) is None
        )

    def hindrance(self, state: PowerState) -> str | None:
        """What is under way, or which guard forbids it; None: nothing."""
        node = self.node
        if node.target is not None:
            return f'it is changing to {node.target.value}'
        if node.busy is not None:
            return f'it is busy: {node.busy}'
        dwelt = None
        if self.mark and (self.power, state) == (
            PowerState.OFF,
            PowerState.ON,
        ):
            dwelt = self.age
        return guards.refusal(
            guards.Request(self.member, state, self._settings, dwelt)
        )


Hosts = Sequence[Host]
