# SPDX-License-Identifier: Apache-2.0
"""Who may read and write the files of the configuration."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from metal_drivers import exceptions, sources
from metal_drivers._openstack import groups
from metal_drivers.doctor import cures
from metal_drivers.doctor.model import Finding, Place, failed, ok, warning

#: An option that names a file which is run.
_RUN = 'executable'
#: Options that name a file with a secret end so.
_FILES = ('key_file', 'keyfile', 'password_file', 'token_file', 'secret_file')


def modes(place: Place) -> Iterator[Finding]:
    """The rights on configuration files, and on files with secrets."""
    secret = {
        setting.path
        for setting in place.settings
        if place.ours.is_secret(setting)
    }
    paths = {path: path in secret for path in sources.files(place.config)}
    for path in _named(place, _RUN):
        paths[path] = False
    for path in _named(place, *_FILES):
        paths[path] = True
    bad = False
    for path, has_secrets in paths.items():
        for found in _mode(path, has_secrets):
            bad = True
            yield found
    if paths and not bad:
        files = '1 file is' if len(paths) == 1 else f'{len(paths)} files are'
        yield ok('file modes', f'{files} protected')


def _mode(path: str, has_secrets: bool) -> Iterator[Finding]:
    try:
        mode = os.stat(path).st_mode
    except OSError as exc:
        yield failed(
            'file modes',
            f'{path} cannot be found: {exc.strerror}. Correct the option '
            'that names it, or create the file',
        )
        return
    if has_secrets and mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IXOTH):
        yield warning(
            'file modes',
            f'{path} holds a secret, and everyone can read it (mode '
            f'{stat.S_IMODE(mode):04o}). Let only its owner and the group '
            'of the service read it',
            cures.words('chmod', 'o-rwx', '--', path),
        )
    if mode & stat.S_IWOTH:
        yield warning(
            'file modes',
            f'everyone can write {path} (mode {stat.S_IMODE(mode):04o}). '
            'Let only its owner write it',
            cures.words('chmod', 'go-w', '--', path),
        )


def _named(place: Place, *ends: str) -> Iterator[str]:
    """The files that options of ours name whose names end so."""
    for group in place.ours.groups.values():
        options = [
            opt for opt in group.options or () if opt.dest.endswith(ends)
        ]
        if group.name.lower() not in {
            setting.group for setting in place.settings
        }:
            continue
        try:
            found = groups.peek(place.config, group.name, options)
        except exceptions.ConfigurationError:
            continue
        yield from (str(path) for path in found.values() if path)
