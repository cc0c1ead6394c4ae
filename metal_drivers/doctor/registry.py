# SPDX-License-Identifier: Apache-2.0
"""All checks, in the order in which they are made and shown."""

from __future__ import annotations

from metal_drivers.doctor import (
    history,
    hosts,
    installation,
    options,
    rights,
    services,
)
from metal_drivers.doctor.model import Check

_OPTIONS = 'options'
_SERVICES = ('driver', 'nova', _OPTIONS)
_METAL = 'the bare metal service'
_BOTH = f'{_METAL} and Nova'

CHECKS = (
    Check('configuration', 'Which files are read.', options.files),
    Check(
        _OPTIONS,
        'Where each value comes from, and whether it is valid.',
        options.values,
    ),
    Check(
        'unknown options',
        'Options and sections that nothing reads.',
        options.unknown,
    ),
    Check(
        'repeated options',
        'Options that are set more than once, and which file wins.',
        options.repeated,
    ),
    Check(
        'file modes',
        'Who can read the files with secrets, and write the others.',
        rights.modes,
    ),
    Check(
        'history',
        'Whether power changes can be recorded, and with which watts.',
        history.recorded,
        needs=(_OPTIONS,),
    ),
    Check(
        'installation',
        'Which Watcher is installed, and whether a second copy hides it.',
        installation.copies,
    ),
    Check(
        'driver',
        'The selected driver and its service.',
        services.driver,
        asks=_METAL,
    ),
    Check(
        'other drivers',
        'Drivers that cannot be used as they are.',
        services.others,
    ),
    Check('hooks', 'The hooks in use.', services.hooks, asks='the hooks'),
    Check(
        'nova',
        'Nova and its nova-compute services.',
        services.nova,
        asks='Nova',
    ),
    Check(
        'matching',
        'Which node runs which compute host.',
        hosts.matching,
        needs=_SERVICES,
        asks=_BOTH,
    ),
    Check(
        'mismatches',
        'Nodes without a compute host, and the likely reason.',
        hosts.mismatches,
        needs=('matching',),
    ),
    Check(
        'disabled hosts',
        'Hosts that are on, with nova-compute disabled by metal-drivers.',
        hosts.disabled,
        needs=('matching',),
    ),
    Check(
        'protected hosts',
        'Patterns of protected_hosts that match nothing.',
        hosts.protected,
        needs=('matching',),
    ),
    Check(
        'unreliable hosts',
        'Hosts that failed to power on.',
        hosts.unreliable,
        needs=('matching',),
    ),
)
