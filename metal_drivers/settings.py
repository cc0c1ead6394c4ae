# SPDX-License-Identifier: Apache-2.0
"""What ``[metal_drivers]`` says about powering hosts off and on."""

from __future__ import annotations

import dataclasses
from typing import Self

from oslo_config import cfg

from metal_drivers import conf, exceptions
from metal_drivers.compute import markers
from metal_drivers.model import OffMode, PowerState


@dataclasses.dataclass(frozen=True, slots=True)
class PowerSettings:
    """All times are in seconds."""

    #: How a node is powered off, tried in this order.
    off_modes: tuple[OffMode, ...] = (OffMode.SOFT, OffMode.HARD)
    soft_off_timeout: float = 180
    power_off_timeout: float = 300
    power_on_timeout: float = 300
    service_up_timeout: float = 600
    poll_interval: float = 5
    #: How many nodes of one batch are powered on or off at once.
    max_concurrent: int = 10
    #: Kept over the whole process.
    max_power_on_per_minute: int = 30
    max_power_off_per_minute: int = 30
    manage_compute_service: bool = True
    #: Shell patterns on the names of hosts and nodes.
    protected_hosts: tuple[str, ...] = ()
    #: Shell patterns on the labels of nodes.
    protected_labels: tuple[str, ...] = ()
    #: Between two transitions of a node; 0: any time.
    min_dwell: float = 0
    #: How many hosts may be off: ``10``, ``30%``; empty: all.
    max_powered_off: str = ''
    #: Shell patterns of reasons that others give: a host that is off with
    #: one of them counts as powered off by us.
    adopted_reasons: tuple[str, ...] = ()
    #: How long servers that were being scheduled when nova-compute was
    #: disabled are waited for. A scheduler that takes longer than the
    #: time-out of its messages (60 s) has lost the server.
    scheduling_timeout: float = 60
    #: For how long after the last request of another process a node may go off
    #: without its service telling so. What one run of ours takes for its own
    #: steps tells nothing of the other.
    aftermath: float = 300
    #: The same for a power on.
    aftermath_on: float = 300
    #: Act on nodes that match no compute host.
    unmatched: bool = False
    #: Say what would be done, and do nothing.
    dry_run: bool = False
    #: See the change to its end.
    wait: bool = True

    @classmethod
    def from_conf(cls, config: cfg.ConfigOpts) -> Self:
        """:raises ConfigurationError: a value is not valid."""
        values = conf.settings(config)
        for pattern in filter(markers.too_wide, values.adopted_reasons):
            raise exceptions.ConfigurationError(
                f'[metal_drivers] adopted_reasons has {pattern!r}, which '
                'also matches what metal-drivers writes itself, or an empty '
                'reason: hosts that someone else disabled for a good reason '
                'would be powered on and enabled',
                cure='Set it to the beginning of one text, such as Masakari '
                'detected host failed*.',
                options=('adopted_reasons',),
            )
        return cls(
            off_modes=tuple(
                OffMode(mode) for mode in values.power_off_mode.split('-then-')
            ),
            soft_off_timeout=values.soft_off_timeout,
            power_off_timeout=values.power_off_timeout,
            power_on_timeout=values.power_on_timeout,
            service_up_timeout=values.service_up_timeout,
            poll_interval=values.poll_interval,
            max_concurrent=values.max_concurrent,
            max_power_on_per_minute=values.max_power_on_per_minute,
            max_power_off_per_minute=values.max_power_off_per_minute,
            manage_compute_service=values.manage_compute_service,
            protected_hosts=tuple(values.protected_hosts),
            protected_labels=tuple(values.protected_labels),
            min_dwell=values.min_dwell,
            adopted_reasons=tuple(values.adopted_reasons),
            max_powered_off=values.max_powered_off,
            aftermath=max(values.soft_off_timeout, values.power_off_timeout),
            aftermath_on=values.power_on_timeout,
        )

    def within(self, timeout: float) -> Self:
        """These settings with no step that may take longer."""
        return dataclasses.replace(
            self,
            soft_off_timeout=min(timeout, self.soft_off_timeout),
            power_off_timeout=timeout,
            power_on_timeout=timeout,
            service_up_timeout=timeout,
        )

    def rate(self, state: PowerState) -> int:
        """How many nodes a minute may be powered on, or off."""
        if state is PowerState.ON:
            return self.max_power_on_per_minute
        return self.max_power_off_per_minute

    def most_off(self, hosts: int) -> int:
        """How many of so many hosts may be off at once."""
        if not self.max_powered_off:
            return hosts
        if self.max_powered_off.endswith('%'):
            return hosts * int(self.max_powered_off[:-1]) // 100
        return int(self.max_powered_off)
