# SPDX-License-Identifier: Apache-2.0
"""A real Ironic, and what metal-drivers does with it.

The bare metal service is real: Ironic, standalone, with hardware that
exists in memory. The compute service is a loopback server that answers as
Nova does, and whose computes live and die with the power of their node.
"""

import contextlib
import os
import pathlib
import shlex
import signal
import subprocess
import sys
from types import FrameType

import fixtures

from metal_drivers_tests.emulators import nova as nova_emulator
from metal_drivers_tests.functional.services import errors, ironic

LIST = (
    "node list -c Name -c 'Power State' -c Host -c 'Hypervisor State' "
    '-c Servers -c Note'
)

HOSTS = ('compute-01', 'compute-02', 'compute-03')


class DemoError(Exception):
    """A command did not end as it should."""


def main() -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with contextlib.ExitStack() as scene:
            _play(scene)
    except KeyboardInterrupt:
        _say('Interrupted; what was started has been stopped.')
        return 1
    except (DemoError, errors.ServiceError) as exc:
        _say(f'The demonstration failed: {exc}')
        return 1
    _say('Ironic and the compute service are stopped, their data is gone.')
    return 0


def _play(scene: contextlib.ExitStack) -> None:
    _say('Starting a real Ironic, with three machines that only pretend.')
    metal = scene.enter_context(ironic.StandaloneIronic(say=_say))
    nova = scene.enter_context(nova_emulator.NovaEmulator())
    nodes = {
        host: metal.enroll(
            f'rack1-{number:02}',
            extra={'compute_node_id': nova.add_host(host).hypervisor_id},
        )
        for number, host in enumerate(HOSTS, start=1)
    }
    nova.power_probe = lambda host: (
        metal.node(nodes[host])['power_state'] == 'power on'
    )
    nova.add_server('compute-02', name='somebodys-web-server')

    home = scene.enter_context(fixtures.TempDir()).path
    config = pathlib.Path(home, 'metal.conf')
    config.write_text(
        '[metal_drivers]\n'
        'poll_interval = 1\n'
        '\n'
        '[watcher.metal.drivers.ironic]\n'
        'auth_type = none\n'
        f'endpoint_override = {metal.url}\n'
        '\n'
        '[nova]\n'
        'auth_type = none\n'
        f'endpoint_override = {nova.url}/v2.1\n'
    )
    _say('This is all of the configuration:')
    _print(config.read_text())

    _say('Which driver is chosen, and why?')
    _command(config, 'driver list')
    _say('Does it all lead to where it is meant to?')
    _command(config, 'check')
    _say('The fleet: every node with its compute host.')
    _command(config, LIST)
    _say('An idle host is switched off; nova-compute is disabled before.')
    _command(config, 'node power off compute-01 --yes')
    _say('A host with a server on it is not.')
    _command(config, 'node power off compute-02 --yes', status=1)
    _command(config, LIST)
    _say('Back on: power, nova-compute, and only then enabled again.')
    _command(config, 'node power on compute-01')
    _command(config, LIST)


def _command(config: pathlib.Path, words: str, status: int = 0) -> None:
    """Run ``metal-drivers``, and show what a terminal would show."""
    print(f'$ metal-drivers --config-file metal.conf {words}', flush=True)
    done = subprocess.run(
        [
            sys.executable,
            '-m',
            'metal_drivers.cli.main',
            f'--config-file={config}',
            *shlex.split(words),
        ],
        # Wide enough for a table.
        env=os.environ | {'COLUMNS': '160', 'CLIFF_FIT_WIDTH': '1'},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    print(flush=True)
    if done.returncode != status:
        raise DemoError(
            f'"metal-drivers {words}" ended with {done.returncode}, not '
            f'{status}'
        )


def _say(text: str) -> None:
    print(f'\n*** {text}\n', flush=True)


def _print(text: str) -> None:
    print('\n'.join(f'    {line}' for line in text.splitlines()), flush=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == '__main__':
    sys.exit(main())
