# SPDX-License-Identifier: Apache-2.0
"""Which hosts an executable has yet to be told the end of, in a folder that
several processes share."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import tempfile
import threading
import urllib.parse
from collections.abc import Iterator

from metal_drivers import exceptions
from metal_drivers.hooks.base import HookEvent, HookNote

LOG = logging.getLogger(__name__)

_SUFFIX = '.json'


class Pending:
    """One file for each host, from before its power off until it is back.

    :param folder: its path, absolute.
    :param cure: what to do where the folder cannot be used.
    :raises ConfigurationError: of all methods: the folder cannot be used.
    """

    def __init__(self, folder: str, cure: str) -> None:
        self._folder, self._cure = pathlib.Path(folder), cure

    def add(self, event: HookEvent) -> None:
        text = json.dumps({'host': event.host, 'node_id': event.node_id})
        path = self._path(event)
        # Whole or not at all: others read it at any time.
        part = path.with_suffix(f'.{os.getpid()}-{threading.get_ident()}')
        try:
            part.write_text(text, encoding='utf-8')
            part.replace(path)
        except OSError as exc:
            with contextlib.suppress(OSError):
                part.unlink()
            raise self._error('written to', exc) from exc

    def remove(self, event: HookEvent) -> None:
        try:
            self._path(event).unlink(missing_ok=True)
        except OSError as exc:
            raise self._error('written to', exc) from exc

    def notes(self) -> dict[str, HookNote]:
        """By the name of the host. A file that is not ours is left out."""
        found = {}
        for path, text in self._texts():
            try:
                told = json.loads(text)
                host, node_id = str(told['host']), str(told['node_id'])
            except (ValueError, LookupError, TypeError):
                LOG.warning('%s is not a note of ours: ignored', path)
                continue
            found[host] = HookNote(
                'the executable is to be told when it is back', node_id
            )
        return found

    def check(self) -> str:
        """The folder, in which a file could be made.

        :raises ConfigurationError: none can.
        """
        try:
            with tempfile.TemporaryFile(dir=self._folder):
                return str(self._folder)
        except OSError as exc:
            raise self._error('written to', exc) from exc

    def _texts(self) -> Iterator[tuple[pathlib.Path, bytes]]:
        try:
            # Of a folder that is not there, glob() says that it is empty.
            names = os.listdir(self._folder)
            for path in sorted(map(self._folder.joinpath, names)):
                with contextlib.suppress(FileNotFoundError):  # just removed
                    if path.suffix == _SUFFIX:
                        yield path, path.read_bytes()
        except OSError as exc:
            raise self._error('read', exc) from exc

    def _path(self, event: HookEvent) -> pathlib.Path:
        name = urllib.parse.quote(event.node_id, safe='')
        return self._folder / f'{name}{_SUFFIX}'

    def _error(self, how: str, exc: OSError) -> exceptions.ConfigurationError:
        return exceptions.ConfigurationError(
            f'{self._folder} cannot be {how}: {exc.strerror or exc}',
            cure=self._cure,
            options=('state_dir',),
        )
