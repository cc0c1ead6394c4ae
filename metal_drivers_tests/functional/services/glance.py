# SPDX-License-Identifier: Apache-2.0
"""Glance: Nova boots no server without an image."""

import pathlib

from metal_drivers_tests.functional.services import (
    conf,
    endpoints,
    process,
    templates,
)

_PASTE = pathlib.Path('etc', 'glance', 'glance-api-paste.ini')


def prepare(site: endpoints.Site) -> None:
    """Write configuration and an empty database."""

    def build(scratch: pathlib.Path) -> None:
        config = _configure(site, scratch)
        site.manage('glance-manage', config, 'db_sync')

    templates.copy('glance', site.state, build, site.say)
    _configure(site, site.state)
    for name in ('images', 'staging'):
        (site.state / name).mkdir()


def service(site: endpoints.Site) -> process.Service:
    """Return the process, to be started."""
    return site.served(
        'glance',
        'glance.wsgi.api',
        site.where.glance_port,
        {
            'OS_GLANCE_CONFIG_DIR': str(site.state),
            'OS_GLANCE_CONFIG_FILES': 'glance-api.conf',
        },
    )


def _configure(site: endpoints.Site, state: pathlib.Path) -> pathlib.Path:
    staging = {'filesystem_store_datadir': state / 'staging'}
    return conf.write(
        state / 'glance-api.conf',
        {
            'DEFAULT': {
                'enabled_backends': 'fs:file',
                'enabled_import_methods': '[]',
                'worker_self_reference_url': site.where.url('image'),
            },
            'database': conf.sqlite(state / 'glance.db'),
            'glance_store': {'default_backend': 'fs'},
            'fs': {'filesystem_store_datadir': state / 'images'},
            'os_glance_staging_store': staging,
            'os_glance_tasks_store': staging,
            'paste_deploy': {
                'flavor': 'keystone',
                'config_file': site.venv / _PASTE,
            },
        },
        site.where.authtoken('glance'),
    )
