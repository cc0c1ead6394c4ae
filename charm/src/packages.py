# SPDX-License-Identifier: Apache-2.0
"""Packages of the system that metal-drivers needs."""

from __future__ import annotations

import pathlib

from machine import Machine, read

#: Those that Watcher's packages may not have brought.
PACKAGES = (
    'python3-cliff',
    'python3-keystoneauth1',
    'python3-libmaas',
    'python3-openstacksdk',
    'python3-pip',
    'python3-rich',
    'python3-stevedore',
    'python3-yaml',
)


def install(machine: Machine) -> None:
    """Install what is not there.

    :raises CommandFailed: apt failed.
    """
    wanted = [name for name in PACKAGES if not _is_there(machine, name)]
    if not wanted:
        return
    # Another run of apt, such as that of unattended-upgrades, is waited for.
    apt_get = ('apt-get', '-o', 'DPkg::Lock::Timeout=300', '--yes')
    machine.run_checked(*apt_get, 'update', timeout=900)
    machine.run_checked(
        *apt_get, 'install', '--no-install-recommends', *wanted, timeout=1800
    )
    machine.home.mkdir(parents=True, exist_ok=True)
    with _note(machine).open('a') as file:
        file.write(''.join(f'{name}\n' for name in wanted))


def give_up(machine: Machine) -> None:
    """Leave what was installed here to ``apt autoremove``.

    It is not removed: something else may need it by now.

    :raises CommandFailed: apt failed.
    """
    names = read(_note(machine)).split()
    if names:
        machine.run_checked('apt-mark', 'auto', *names)


def _is_there(machine: Machine, name: str) -> bool:
    found = machine.run('dpkg-query', '-W', '-f=${Status}', name)
    return found.stdout.strip() == 'install ok installed'


def _note(machine: Machine) -> pathlib.Path:
    return machine.home / 'packages'
