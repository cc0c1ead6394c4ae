# SPDX-License-Identifier: Apache-2.0
"""Run by the system's Python: can this code and configuration be used?

Usage: probe.py LIBRARY [CONFIGURATION...]

Without files, it imports every plugin of the code in LIBRARY, as Watcher's
services will. With files, it has that code read them, in that order, and
select a driver. One JSON object on standard output: ``problem`` is empty if
nothing is wrong.
"""

import importlib.metadata
import json
import sys

GROUPS = (
    'watcher.metal.drivers',
    'watcher_strategies',
    'watcher_actions',
    'watcher_planners',
)


def import_all(library):
    """Import what Watcher will; the first error is raised."""
    found = importlib.metadata.distributions(
        name='watcher-metal-drivers', path=[library]
    )
    for entry_point in next(iter(found)).entry_points:
        # Without its library, the driver for MAAS still loads and says so.
        if entry_point.group in GROUPS:
            entry_point.load()


def read_configuration(files):
    """Have metal-drivers read the files; the first error is raised."""
    from oslo_config import cfg

    from metal_drivers import conf, selector

    values = cfg.ConfigOpts()
    values(
        [f'--config-file={name}' for name in files],
        project='watcher',
        default_config_dirs=[],
    )
    conf.settings(values)
    selector.Selector(values).select()


def main(library, *files):
    # In the place of this directory, whose modules are the charm's.
    sys.path[0] = library
    problem = ''
    try:
        if files:
            read_configuration(files)
        else:
            import_all(library)
    except Exception as exc:
        problem = ' '.join(f'{type(exc).__name__}: {exc}'.split())
        if type(exc).__module__.startswith('metal_drivers'):
            problem = ' '.join(str(exc).split())
    json.dump({'problem': problem}, sys.stdout)


if __name__ == '__main__':
    main(*sys.argv[1:])
