# SPDX-License-Identifier: Apache-2.0
"""The scenes of the command, whatever the bare metal service is."""

import contextlib
import os
import pathlib
import shlex
import subprocess
import sys

import fixtures

from metal_drivers_tests.demo import backends
from metal_drivers_tests.emulators import nova as nova_emulator

LIST = (
    "node list -c Name -c 'Power State' -c Host -c 'Hypervisor State' "
    '-c Servers -c Note'
)

HOSTS = ('compute-01', 'compute-02', 'compute-03')


class DemoError(Exception):
    """A command did not end as it should."""


def play(scene: contextlib.ExitStack, metal: backends.Backend) -> None:
    """Tell it from begin to end.

    :param scene: ends what is started.
    :raises DemoError: a command did not end as it should.
    """
    say(metal.greeting)
    scene.enter_context(metal)
    nova = scene.enter_context(nova_emulator.NovaEmulator())
    for number, host in enumerate(HOSTS, start=1):
        metal.add(nova.add_host(host), number)
    nova.power_probe = metal.is_on
    nova.add_server('compute-02', name='somebodys-web-server')

    home = pathlib.Path(scene.enter_context(fixtures.TempDir()).path)
    config = home / 'metal.conf'
    config.write_text(
        '[metal_drivers]\n'
        'poll_interval = 1\n'
        '\n'
        f'{metal.section(home)}'
        '\n'
        '[nova]\n'
        'auth_type = none\n'
        f'endpoint_override = {nova.url}/v2.1\n'
    )
    say('This is all of the configuration:')
    show(config.read_text())

    say('Which driver is chosen, and why?')
    command(config, 'driver list')
    say('Is the configuration right?')
    command(config, 'check')
    say('The fleet: every node with its compute host.')
    command(config, LIST)
    say('An idle host is powered off; nova-compute is disabled before.')
    command(config, 'node power off compute-01 --yes')
    say('A host with a server on it is not.')
    command(config, 'node power off compute-02 --yes', status=1)
    command(config, LIST)
    say('Back on: power, nova-compute, and only then enabled again.')
    command(config, 'node power on compute-01')
    command(config, LIST)


def say(text: str) -> None:
    print(f'\n*** {text}\n', flush=True)


def line(text: str) -> None:
    print(f'    {text}'.rstrip(), flush=True)


def command(config: pathlib.Path, words: str, status: int = 0) -> None:
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


def show(text: str) -> None:
    print('\n'.join(f'    {line}' for line in text.splitlines()), flush=True)
