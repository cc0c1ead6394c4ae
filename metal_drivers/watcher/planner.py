# SPDX-License-Identifier: Apache-2.0
"""Planner ``metal_weight``: the weight planner, which knows our action."""

from __future__ import annotations

from watcher.decision_engine.planner import weight

from metal_drivers.watcher.action import ACTION


class MetalWeightPlanner(weight.WeightPlanner):
    """Watcher's weight planner with ``metal_power_state`` in its defaults.

    It reads ``[watcher_planners.metal_weight]``, so weights that a
    deployer has set for the planner ``weight`` stay as they are.
    """

    action_weights = weight.WeightPlanner.action_weights | {
        # After what empties a host, and unlike any other.
        ACTION: min(weight.WeightPlanner.action_weights.values()) - 1
    }

    parallelization = weight.WeightPlanner.parallelization | {
        # As [metal_drivers] max_concurrent.
        ACTION: 10
    }
