# SPDX-License-Identifier: Apache-2.0
"""What an energy saving audit reports about its plan.

Watcher's goal ``saving_energy`` has no indicators, and a strategy cannot
publish what its goal does not specify.
"""

from __future__ import annotations

from typing import Any

from watcher.decision_engine.goal import base as goal_base
from watcher.decision_engine.goal.efficacy import base, indicators
from watcher.decision_engine.solution import efficacy


class _Count(indicators.IndicatorSpecification):
    """A number of hosts."""

    name: str
    description: str

    def __init__(self) -> None:
        super().__init__(name=self.name, description=self.description)

    @property
    def schema(self) -> dict[str, Any]:
        return {'type': 'integer', 'minimum': 0}


class HostsOn(_Count):
    name = 'hosts_on'
    description = 'Compute hosts that were on when the audit was made.'


class HostsOff(_Count):
    name = 'hosts_off'
    description = 'Compute hosts that were off when the audit was made.'


class HostsFreed(_Count):
    name = 'hosts_freed'
    description = 'Compute hosts that the plan powers off.'


class HostsUnreliable(_Count):
    name = 'hosts_unreliable'
    description = (
        'Compute hosts that are off and may not come back: they failed to '
        'power on, or have a fault.'
    )


class SavedEnergy(base.EfficacySpecification):
    """Hosts on, off, freed and unreliable, and the share that is freed."""

    def get_indicators_specifications(
        self,
    ) -> list[indicators.IndicatorSpecification]:
        return [HostsOn(), HostsOff(), HostsFreed(), HostsUnreliable()]

    def get_global_efficacy_indicator(
        self, indicators_map: Any = None
    ) -> list[efficacy.Indicator]:
        share = 0.0
        if indicators_map and indicators_map.hosts_on:
            share = 100 * indicators_map.hosts_freed / indicators_map.hosts_on
        return [
            efficacy.Indicator(
                name='freed_hosts_ratio',
                description='Share of the compute hosts that were on which '
                'the plan powers off.',
                unit='%',
                value=share,
            )
        ]


class SavingEnergy(goal_base.Goal):
    """Watcher's goal of that name, with indicators."""

    @classmethod
    def get_name(cls) -> str:
        return 'saving_energy'

    @classmethod
    def get_display_name(cls) -> str:
        return 'Saving Energy'

    @classmethod
    def get_translatable_display_name(cls) -> str:
        return 'Saving Energy'

    @classmethod
    def get_efficacy_specification(cls) -> SavedEnergy:
        return SavedEnergy()
