# SPDX-License-Identifier: Apache-2.0
"""Where MAAS is, and how it proves to be what it says it is."""

from __future__ import annotations

import ssl
import urllib.parse

from metal_drivers import exceptions, foreign

#: The part of every address that follows the configured one.
API = '/api/2.0/'


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
            problem = f'is not an http or https URL: {foreign.clean(url)!r}'
    except ValueError:
        problem = f'cannot be read: {foreign.clean(url)!r}'
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
