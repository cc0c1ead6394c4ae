# SPDX-License-Identifier: Apache-2.0
"""The way to MAAS: the options, the URL, the certificates and the API key."""

from __future__ import annotations

import os
import re
import ssl
import traceback
import urllib.parse
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from metal_drivers import _text, base, exceptions
from metal_drivers.drivers.maas.nodes import FILTERS

GROUP = f'{base.NAMESPACE}.maas'

#: Seconds for one request.
TIMEOUT = 60

#: Seconds for a list of machines. MAAS takes 0.1 s for each of them at
#: its slowest, so that this is enough for about 3000.
LIST_TIMEOUT = 300

_FALLBACK = 'maas_client'

#: The part of every address that follows the configured one.
API = '/api/2.0/'

_KEY = re.compile('[!-9;-~]+(:[!-9;-~]+){2}')
_SHAPE = 'It has three parts, "consumer:token:secret"; copy it from MAAS.'


def options() -> list[cfg.Opt]:
    return [
        cfg.StrOpt(
            'url',
            deprecated_group=_FALLBACK,
            help='Where MAAS is, for example '
            'http://maas.example.org:5240/MAAS.',
        ),
        cfg.StrOpt(
            'api_key',
            secret=True,
            deprecated_group=_FALLBACK,
            help='The API key of a MAAS user, who is an administrator or '
            'owns the machines: consumer:token:secret.',
        ),
        cfg.StrOpt(
            'api_key_file',
            help='A file with the API key; it overrides api_key. It is '
            'read again when it has changed.',
        ),
        cfg.IntOpt(
            'timeout',
            default=TIMEOUT,
            min=1,
            deprecated_group=_FALLBACK,
            help='How long a request may take, in seconds. The list of '
            'machines has list_timeout.',
        ),
        cfg.IntOpt(
            'list_timeout',
            default=LIST_TIMEOUT,
            min=1,
            help='How long the list of machines may take, in seconds. MAAS '
            'takes up to 0.1 s for each machine: with more than 3000, or a '
            'slower MAAS, set more.',
        ),
        cfg.StrOpt(
            'cafile',
            help='A file with the certificates of the trusted certificate '
            'authorities, in PEM format. By default those of the system.',
        ),
        cfg.BoolOpt(
            'insecure',
            default=False,
            help='Whether to trust any certificate. Anyone on the network '
            'path can then read the API key.',
        ),
        cfg.ListOpt(
            'tags',
            default=[],
            help='Only machines that have all of these tags.',
        ),
        cfg.ListOpt(
            'not_tags',
            default=[],
            help='Only machines that have none of these tags.',
        ),
        cfg.ListOpt(
            'pools',
            default=[],
            help='Only machines of one of these resource pools.',
        ),
        cfg.ListOpt(
            'zones',
            default=[],
            help='Only machines of one of these zones.',
        ),
        cfg.IntOpt(
            'max_concurrent',
            default=4,
            min=1,
            help='How many requests are made at once. A region worker '
            'serves no more than four.',
        ),
    ]


def missing(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The options that have to be set, and are not."""
    names = [] if config.get('url') else ['url']
    if not (config.get('api_key') or config.get('api_key_file')):
        names.append('api_key')
    return tuple(names)


def filters(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """What to ask MAAS for; only what runs something concerns us."""
    wanted = {'status': ['deployed']}
    for option, name in FILTERS.items():
        if config.get(option):
            wanted[name] = list(config[option])
    return wanted


def base_url(url: str, section: str) -> str:
    """The root of the API: ``…/MAAS/api/2.0/``.

    :param url: as configured, with or without the part of the API.
    :raises ConfigurationError: it is not one that can be used.
    """
    url = url.strip()
    problem = ''
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ('http', 'https') and parts.hostname
        if '@' in url:
            # It may hold a password, so that it is not shown.
            problem = 'has a user in it'
        elif not usable or parts.port == 0:
            problem = f'is not an http or https URL: {_text.clean(url)!r}'
    except ValueError:
        problem = f'cannot be read: {_text.clean(url)!r}'
    if problem:
        raise exceptions.ConfigurationError(
            f'MAAS: [{section}] url {problem}',
            cure='It is, for example, http://maas.example.org:5240/MAAS; '
            'the key goes into api_key or api_key_file.',
            options=('url',),
        )
    path = parts.path.partition(API.rstrip('/'))[0].rstrip('/')
    return f'{parts.scheme}://{parts.netloc}{path}{API}'


def tls_context(
    url: str, cafile: str | None, insecure: bool, section: str
) -> ssl.SSLContext | None:
    """What to make of the certificate; None where there is no TLS.

    :raises ConfigurationError: the file cannot be used.
    """
    if not url.startswith('https:'):
        return None
    if insecure:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        # Made here and not by aiohttp, which reads SSL_CERT_FILE once,
        # when it is imported.
        return ssl.create_default_context(cafile=cafile or None)
    except (OSError, ValueError) as exc:
        raise exceptions.ConfigurationError(
            f'MAAS: [{section}] cafile {cafile} cannot be used: {exc}',
            cure='It is a file of certificates in PEM format.',
            options=('cafile',),
        ) from exc


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
