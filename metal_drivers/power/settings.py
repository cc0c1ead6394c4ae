# SPDX-License-Identifier: Apache-2.0
"""How power is switched: ``[metal_drivers]``, as the engine reads it."""

from __future__ import annotations

import dataclasses
from typing import Self

from oslo_config import cfg

from metal_drivers import conf
from metal_drivers.model import OffMode


@dataclasses.dataclass(frozen=True, slots=True)
class PowerSettings:
    """All times are in seconds."""

    #: What is tried to switch a node off, in this order.
    off_modes: tuple[OffMode, ...] = (OffMode.SOFT, OffMode.HARD)
    soft_off_timeout: float = 180
    power_off_timeout: float = 300
    power_on_timeout: float = 300
    service_up_timeout: float = 600
    poll_interval: float = 5
    manage_compute_service: bool = True
    #: Shell patterns on the names of hosts and nodes.
    protected_hosts: tuple[str, ...] = ()
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
        return cls(
            off_modes=tuple(
                OffMode(mode) for mode in values.power_off_mode.split('-then-')
            ),
            soft_off_timeout=values.soft_off_timeout,
            power_off_timeout=values.power_off_timeout,
            power_on_timeout=values.power_on_timeout,
            service_up_timeout=values.service_up_timeout,
            poll_interval=values.poll_interval,
            manage_compute_service=values.manage_compute_service,
            protected_hosts=tuple(values.protected_hosts),
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
