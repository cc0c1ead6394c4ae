# SPDX-License-Identifier: Apache-2.0
"""Placement, without which Nova has no computes."""

import pathlib

from metal_drivers_tests.functional.services import (
    conf,
    endpoints,
    process,
    templates,
)


def prepare(site: endpoints.Site) -> None:
    """Write configuration and an empty database."""

    def build(scratch: pathlib.Path) -> None:
        config = _configure(site, scratch)
        site.manage('placement-manage', config, 'db', 'sync')

    templates.copy('placement', site.state, build, site.say)
    _configure(site, site.state)


def service(site: endpoints.Site) -> process.Service:
    """Return the process, to be started."""
    return site.served(
        'placement',
        'placement.wsgi.api',
        site.where.placement_port,
        {'OS_PLACEMENT_CONFIG_DIR': str(site.state)},
    )


def _configure(site: endpoints.Site, state: pathlib.Path) -> pathlib.Path:
    return conf.write(
        state / 'placement.conf',
        {
            'api': {'auth_strategy': 'keystone'},
            'placement_database': conf.sqlite(state / 'placement.db'),
        },
        site.where.authtoken('placement'),
    )
