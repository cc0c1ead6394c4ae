# SPDX-License-Identifier: Apache-2.0
"""The options of the plugins, also for ``oslo-config-generator``.

Watcher's own sample omits those of plugins from other packages.
"""

from __future__ import annotations

from oslo_config import cfg

STRATEGY = 'metal_saving_energy'
PLANNER = 'metal_weight'

STRATEGY_OPTS = (
    cfg.BoolOpt(
        'any_off_host',
        default=False,
        help='Whether every host that is off counts as spare. By default '
        'only hosts count that metal-drivers powered off, or whose '
        'nova-compute is enabled: one that someone else disabled may be off '
        'for repair.',
    ),
)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The ``oslo.config.opts`` hook; without Watcher, the strategy's."""
    listed: list[tuple[str, list[cfg.Opt]]] = [
        (f'watcher_strategies.{STRATEGY}', list(STRATEGY_OPTS))
    ]
    try:
        from metal_drivers.watcher import planner
    except ImportError:
        return listed
    options = planner.MetalWeightPlanner.get_config_opts()
    return [*listed, (f'watcher_planners.{PLANNER}', options)]
