# SPDX-License-Identifier: Apache-2.0
"""The certificate of a server: looked at once, for ``check``."""

from __future__ import annotations

import os
import socket
import ssl
import time
import urllib.parse
from typing import Any

from metal_drivers import _text
from metal_drivers.model import CheckResult, CheckStatus

#: Days that a certificate should at least have left.
ENOUGH = 14
#: Seconds for the connection and for the handshake, at most.
_TIMEOUT = 10.0

#: Of OpenSSL: what is wrong with a certificate, and what to do.
_FAULTS = {
    9: 'is not valid yet. Check the clock here, and the certificate',
    10: 'has expired. Renew it',
    18: 'is signed by itself',
    19: 'is signed by an authority that is not trusted',
    20: 'is signed by an authority that is not trusted, or the server does '
    'not send the whole chain',
    21: 'is signed by an authority that is not trusted, or the server does '
    'not send the whole chain',
    62: 'is not for that name. Use a name that it is for, or renew it',
    64: 'is not for that address. Use a name that it is for, or renew it',
}
_UNTRUSTED = (18, 19, 20, 21)


def check(
    name: str,
    url: str,
    context: ssl.SSLContext,
    trusted: str,
    timeout: float | None = None,
) -> CheckResult:
    """Whether the server has a certificate that is trusted, and for how
    long: a connection and a handshake, without any request.

    Where no connection can be made, perhaps for a proxy between, that is
    only a warning: the requests themselves tell what is wrong.

    :param name: of the result.
    :param context: verifies, as the client does.
    :param trusted: for messages: the file that is trusted.
    :param timeout: seconds that a request may take.
    """
    timeout = min(_TIMEOUT, timeout or _TIMEOUT)
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or '', parts.port or 443
    try:
        with (
            socket.create_connection((host, port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            found: Any = secure.getpeercert()
    except ssl.SSLCertVerificationError as exc:
        fault = _FAULTS.get(exc.verify_code)
        told = fault or f'is not accepted ({_text.clean(exc.verify_message)})'
        if exc.verify_code in _UNTRUSTED:
            told += f'. Trusted is {trusted}: name the right file with cafile'
        return CheckResult(
            name,
            CheckStatus.FAILED,
            f'the certificate of {host}:{port} {told}',
        )
    except ssl.SSLError as exc:
        return CheckResult(
            name,
            CheckStatus.FAILED,
            f'TLS handshake with {host}:{port} failed '
            f'({_text.clean(str(exc.reason or exc))}). Check that the '
            'service speaks TLS there',
        )
    except OSError as exc:
        return CheckResult(
            name,
            CheckStatus.WARNING,
            f'could not connect to {host}:{port} to look at the certificate '
            f'({_text.clean(str(exc))})',
        )
    return _judge(name, found, f'{host}:{port}', trusted)


def context_of(
    verify: bool | str, cert: tuple[str, str] | str | None = None
) -> tuple[ssl.SSLContext, str]:
    """How requests verifies, which OpenStack's clients are made with.

    :param verify: as requests has it.
    :param cert: a file with our own certificate, or two with its key.
    :returns: with it, what is trusted.
    :raises OSError: a file cannot be used.
    """
    from requests import utils

    trusted = (
        verify
        if isinstance(verify, str)
        else os.environ.get('REQUESTS_CA_BUNDLE')
        or os.environ.get('CURL_CA_BUNDLE')
        or utils.DEFAULT_CA_BUNDLE_PATH
    )
    if os.path.isdir(trusted):
        context = ssl.create_default_context(capath=trusted)
    else:
        context = ssl.create_default_context(cafile=trusted)
    if cert:
        context.load_cert_chain(*([cert] if isinstance(cert, str) else cert))
    return context, trusted


def _judge(name: str, found: Any, where: str, trusted: str) -> CheckResult:
    days = (
        ssl.cert_time_to_seconds(str(found['notAfter'])) - time.time()
    ) / 86400
    issuer = dict(pair for group in found.get('issuer', ()) for pair in group)
    by = _text.clean(
        issuer.get('commonName') or issuer.get('organizationName') or 'unknown'
    )
    detail = (
        f'verified by {trusted}: {where}, signed by {by}, {days:.0f} days left'
    )
    if days >= ENOUGH:
        return CheckResult(name, CheckStatus.OK, detail)
    return CheckResult(
        name, CheckStatus.WARNING, f'{detail}. Renew the certificate'
    )
