# SPDX-License-Identifier: Apache-2.0
"""Shorthand for writing down worlds."""

from __future__ import annotations

from typing import Any

from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers_tests.unit.power import world as worlds
from metal_drivers_tests.unit.power.world import OFF, Setting

WAS_OFF: dict[str, Any] = {'power': OFF, 'reason': MarkerKind.POWERED_OFF}
ANOTHER = markers.reason('id-77', worlds.at(-1000))
AT_WORK = markers.reason(worlds.NODE_ID, worlds.at(0), MarkerKind.POWERING_OFF)
DRY = (('dry_run', True),)
NO_WAIT = (('wait', False),)
UNMANAGED = (('manage_compute_service', False),)


def world(name: str, *goals: str, **fields: Any) -> Setting:
    return Setting(name, goals, **fields)


def node(**fields: Any) -> dict[str, Any]:
    return {'node': tuple(fields.items())}
