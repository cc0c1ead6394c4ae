# SPDX-License-Identifier: Apache-2.0
"""Reads the configuration that a deployment is given, as the services do."""

import pathlib

from keystoneauth1 import loading
from oslo_config import cfg

from metal_drivers import conf as metal_conf
from metal_drivers.watcher import options
from metal_drivers_tests.unit import watcher_options

TOP = pathlib.Path(__file__).parents[3]
CONTRIB = TOP / 'contrib'
#: Groups of Watcher's that we read, with what keystoneauth adds.
_SHARED = ('nova', 'watcher_clients_auth')


class UnknownOptionError(AssertionError):
    """The configuration has what no service reads."""


def read(path: pathlib.Path) -> cfg.ConfigOpts:
    """The configuration in a file, with every option in it registered.

    :raises UnknownOptionError: something in it is not an option of ours, or
        of Watcher's groups that we read.
    :raises cfg.Error: a value is not of its option's type.
    """
    found: dict[str, dict[str, list[str]]] = {}
    cfg.ConfigParser(str(path), found).parse()
    conf = cfg.ConfigOpts()
    for group, opts in (*metal_conf.list_opts(), *options.list_opts()):
        conf.register_opts(opts, group=group)
    watcher_options.register_watcher(conf)
    for group in _SHARED:
        (auth_type,) = found.get(group, {}).get('auth_type', ['none'])
        conf.register_opts(
            loading.get_auth_plugin_conf_options(auth_type), group=group
        )
    conf([f'--config-file={path}'], default_config_dirs=[])
    for section, values in found.items():
        for name in values:
            if section not in conf or name not in conf[section]:
                raise UnknownOptionError(f'[{section}] {name} in {path}')
            conf[section][name]
    return conf
