# SPDX-License-Identifier: Apache-2.0
"""The API key of MAAS: from the configuration, or from a file that may
change, and never seen in any text."""

from __future__ import annotations

import os
import re
import traceback
import urllib.parse
from collections.abc import Mapping
from typing import Any

from metal_drivers import exceptions

_KEY = re.compile('[!-9;-~]+(:[!-9;-~]+){2}')
_SHAPE = 'It has three parts, "consumer:token:secret"; copy it from MAAS.'


class ApiKey:
    """The key, as it is now.

    :param config: the values ``api_key`` and ``api_key_file``; the file
        goes first.
    :param section: for messages: where these values stand.
    """

    def __init__(self, config: Mapping[str, Any], section: str) -> None:
        self._key: str | None = config.get('api_key')
        self._path: str | None = config.get('api_key_file')
        self._section = section
        self._seen: tuple[int, ...] = ()
        #: All that was ever secret here: a reply may quote an old key.
        self._secrets: set[str] = set()

    def current(self) -> str:
        """The key; read again where its file has changed.

        :raises ConfigurationError: there is none, or it is malformed.
        """
        if self._path:
            self._read(self._path)
        key = (self._key or '').strip()
        if not _KEY.fullmatch(key):
            where = self._path or f'[{self._section}] api_key'
            raise exceptions.ConfigurationError(
                f'MAAS: the API key in {where} is malformed',
                cure=_SHAPE,
                options=('api_key_file' if self._path else 'api_key',),
            )
        for part in (key, *key.split(':')):
            self._secrets |= {part, urllib.parse.quote(part, safe='')}
        return key

    def redact(self, text: str) -> str:
        """The text without any part of the key."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, '***')
        return text

    def chainable(self, exc: BaseException) -> BaseException | None:
        """The error, unless it or what it was caused by tells the key.

        aiohttp's errors may have the headers of their request in them.
        """
        links: list[BaseException] = []
        link: BaseException | None = exc
        while link is not None and link not in links:
            links.append(link)
            link = link.__cause__ or link.__context__
        text = '\n'.join([*traceback.format_exception(exc), *map(repr, links)])
        return exc if self.redact(text) == text else None

    def _read(self, path: str) -> None:
        try:
            stat = os.stat(path)
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if seen == self._seen:
                return
            with open(path, 'rb') as file:
                # What is not ASCII is no key; it must not end up in the
                # error of a codec.
                self._key = file.read().decode('ascii', 'replace')
        except OSError as exc:
            raise exceptions.ConfigurationError(
                f'MAAS: the API key cannot be read from {path}: '
                f'{exc.strerror}',
                cure=f'Check [{self._section}] api_key_file.',
                options=('api_key_file',),
            ) from exc
        self._seen = seen

    def __repr__(self) -> str:
        return f'<ApiKey of [{self._section}]>'
