# SPDX-License-Identifier: Apache-2.0
"""The options of the plugins, also for ``oslo-config-generator``.

Watcher's own sample omits those of plugins from other packages.
"""

from __future__ import annotations

from oslo_config import cfg

from metal_drivers.planning import wish

STRATEGY = wish.STRATEGY
PLANNER = 'metal_weight'


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The ``oslo.config.opts`` hook; without Watcher, the strategy's."""
    listed: list[tuple[str, list[cfg.Opt]]] = [(wish.GROUP, list(wish.OPTS))]
    try:
        from metal_drivers.watcher import planner
    except ImportError:
        return listed
    options = planner.MetalWeightPlanner.get_config_opts()
    return [*listed, (f'watcher_planners.{PLANNER}', options)]
