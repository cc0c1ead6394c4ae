# SPDX-License-Identifier: Apache-2.0
"""What is recorded of power changes, and where."""

from __future__ import annotations

import os
from collections.abc import Iterator

from metal_drivers import conf, energy, exceptions
from metal_drivers.doctor.model import Finding, Place, failed, ok, warning


def recorded(place: Place) -> Iterator[Finding]:
    """Whether the history can be written, and the watts be read."""
    try:
        energy.Watts.from_conf(place.config)
    except exceptions.ConfigurationError as exc:
        yield failed('idle_watts', str(exc))
    path = conf.settings(place.config).history_file
    if not path:
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        yield failed(
            'history',
            f'the folder of {path} is not there: power changes are not '
            'recorded. Create it, for the user of the service',
        )
    elif os.path.exists(path) and not os.path.isfile(path):
        yield failed(
            'history',
            f'{path} is not a regular file: power changes are not recorded. '
            'Name another in [metal_drivers] history_file',
        )
    elif not os.access(path if os.path.exists(path) else folder, os.W_OK):
        yield warning(
            'history',
            f'this user may not write {path}: what it does is not recorded. '
            'Run this command as the user of the service, or let this one '
            'write it',
        )
    else:
        yield ok('history', path)
