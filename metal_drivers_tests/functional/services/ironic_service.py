# SPDX-License-Identifier: Apache-2.0
"""Ironic's API and conductor in one process: configuration and start."""

import pathlib

from metal_drivers_tests.functional.services import (
    command,
    conf,
    process,
    templates,
    venvs,
)

HOST = 'ironic-fixture'
DATABASE = 'ironic.sqlite'

# The defaults need tools such as ipmitool, without which the conductor does
# not start: every interface has to be named.
_INTERFACES = {
    'bios': 'fake,no-bios',
    'boot': 'fake',
    'console': 'fake,no-console',
    'deploy': 'fake',
    'firmware': 'fake,no-firmware',
    'inspect': 'fake,no-inspect',
    'management': 'fake',
    'network': 'noop',
    'power': 'fake',
    'raid': 'fake,no-raid',
    'rescue': 'fake,no-rescue',
    'storage': 'noop',
    'vendor': 'fake,no-vendor',
}
_REDFISH = {
    'boot': 'redfish-virtual-media',
    'bios': 'redfish',
    'deploy': 'ramdisk',
    'firmware': 'redfish',
    'inspect': 'redfish',
    'management': 'redfish',
    'power': 'redfish',
    'raid': 'redfish',
    'vendor': 'redfish',
}


def sections(
    state: pathlib.Path, port: int, redfish: bool = False
) -> conf.Sections:
    """Return the configuration that every Ironic here shares."""
    enabled = dict(_INTERFACES)
    if redfish:
        for kind, name in _REDFISH.items():
            enabled[kind] += f',{name}'
    hardware = 'fake-hardware,redfish' if redfish else 'fake-hardware'
    return {
        'DEFAULT': {
            # API and conductor call each other directly: no broker.
            'rpc_transport': 'none',
            'host': HOST,
            'state_path': state,
            'enabled_hardware_types': hardware,
            **{
                f'enabled_{kind}_interfaces': names
                for kind, names in enabled.items()
            },
        },
        'database': conf.sqlite(state / DATABASE),
        'api': {'host_ip': '127.0.0.1', 'port': port},
        'redfish': {'connection_attempts': 1},
    }


def create_database(
    venv: pathlib.Path, state: pathlib.Path, say: venvs.Say
) -> None:
    """Put an empty database into ``state``."""

    def build(where: pathlib.Path) -> None:
        path = conf.write(where / 'ironic.conf', sections(where, port=1))
        # "upgrade" alters constraints, which SQLite cannot do.
        sync = venv / 'bin' / 'ironic-dbsync'
        command.run(sync, '--config-file', path, 'create_schema')
        path.unlink()

    templates.copy('ironic', state, build, say)


def service(
    venv: pathlib.Path, config: pathlib.Path, log: pathlib.Path
) -> process.Service:
    """Return the process, to be started."""
    return process.Service(
        'ironic',
        [venv / 'bin' / 'ironic', '--config-file', config],
        log,
        # The master forks a worker that dies again and again, for ever.
        fatal='Forking too fast',
    )
