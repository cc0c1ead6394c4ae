# SPDX-License-Identifier: Apache-2.0
"""What comes back from MAAS, and what it means.

The body of a 401 may hold the true secret in clear, so nothing of it is
ever repeated. Other bodies are, without any part of the key.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from typing import Any

from metal_drivers import _text, exceptions
from metal_drivers.drivers.maas import connection

#: What is tried with a list of machines, which has a time-out of its own.
LIST = 'list machines'

_TIME_OUTS = {LIST: 'list_timeout'}

# Of OpenSSL: what authorities that are not known end in.
_UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})


#: What MAAS says of a call that it does not offer. All that are made are
#: in its description, but to nobody it offers little.
_UNSIGNED = b'Unrecognised signature'


class _UnreachableError(exceptions.UnavailableError):
    """No connection: whatever is asked, it will end like this."""


def concerns_all(error: exceptions.MetalError) -> bool:
    """Whether the next request would end in the same way."""
    if isinstance(error, exceptions.AuthenticationError):
        return error.status != 403
    return isinstance(error, _UnreachableError | exceptions.ConfigurationError)


class Replies:
    """Turns replies, and the lack of one, into JSON or our errors.

    :param section: where the configuration is.
    :param url: where MAAS is, fit for a message.
    :param key: what must not be seen.
    """

    def __init__(self, section: str, url: str, key: connection.ApiKey) -> None:
        self._section = section
        self._url = url
        self._key = key

    def read(
        self,
        what: str,
        status: int,
        content_type: str,
        headers: Mapping[str, str],
        content: bytes,
    ) -> Any:
        """The JSON of a good reply.

        :raises MetalError: of the kind that the reply is.
        """
        if not 200 <= status < 300:
            error = self._error(what, status, content_type, headers, content)
            error.status = status
            raise error
        came = f'a body of type {self._say(content_type) or "unknown"}'
        if content_type.endswith('/json'):
            try:
                return json.loads(content)
            except ValueError:
                came = 'JSON that cannot be read'
        # Not chained: the error of the parser has the body in it.
        raise self._odd(what, came)

    def late(
        self, what: str, seconds: float, exc: BaseException
    ) -> exceptions.TimedOutError:
        error = exceptions.TimedOutError(
            f'{_tried(what)} was not answered within {seconds:g} s',
            cure=f'Check MAAS at {self._url}; [{self._section}] '
            f'{_TIME_OUTS.get(what, "timeout")} sets how long to wait.',
        )
        error.__cause__ = exc
        return error

    def closed(self, what: str) -> exceptions.UnavailableError:
        return exceptions.UnavailableError(
            f'{_tried(what)} was cancelled: the driver has been closed',
            cure='Try again with a new driver.',
        )

    def strange(self, what: str, exc: Exception) -> exceptions.ProtocolError:
        """Something that libmaas cannot read."""
        error = self._odd(what, f'an unexpected response ({_kind(exc)})')
        error.__cause__ = self._key.chainable(exc)
        return error

    def no_maas(
        self, what: str, exc: exceptions.MetalError
    ) -> exceptions.ProtocolError:
        """Another server answers, which does not know the API."""
        error = self._odd(what, f'{exc.status}: no MAAS at that URL')
        error.status = exc.status
        error.__cause__ = exc
        return error

    def broken(
        self, exc: BaseException, what: str
    ) -> exceptions.UnavailableError:
        """No reply, or an incomplete one."""
        option = f'[{self._section}] url'
        cure = f'Check that MAAS is up and that {option} leads there.'
        kind: type[exceptions.UnavailableError] = _UnreachableError
        cause = _underlying(exc)
        said = self._say(_reason(cause))
        match cause:
            case ssl.SSLCertVerificationError():
                came = f'failed: certificate not trusted ({said})'
                cure = self._certificate_cure(cause)
            case ssl.SSLError():
                came = (
                    f'failed: TLS handshake with {self._url} failed ({said})'
                )
                cure = f'Check whether {option} is https or http.'
            case TimeoutError():
                came = f'could not connect to {self._url} in time ({said})'
                if self._url.startswith('https:'):
                    cure += ' Check whether it is https or http.'
            case OSError() if cause is not exc:
                came = f'could not connect to {self._url} ({said})'
            case _:
                kind = exceptions.UnavailableError
                came = f'got an incomplete reply ({said})'
        error = kind(f'{_tried(what)} {came}', cure=cure)
        error.__cause__ = self._key.chainable(exc)
        return error

    def plain(self, what: str) -> exceptions.UnavailableError:
        """The server speaks http where https was expected."""
        return _UnreachableError(
            f'{_tried(what)} failed: {self._url} speaks http, not https',
            cure=f'Check the port in [{self._section}] url, and whether it '
            'is https or http.',
        )

    def _certificate_cure(self, exc: ssl.SSLCertVerificationError) -> str:
        if exc.verify_code in _UNKNOWN_ISSUER:
            return (
                'Name the certificate authority with '
                f'[{self._section}] cafile.'
            )
        return (
            f'Check the certificate of MAAS, and that [{self._section}] url '
            'has the name that is in it.'
        )

    def _odd(self, what: str, came: str) -> exceptions.ProtocolError:
        return exceptions.ProtocolError(
            f'{_tried(what)} was answered with {came}',
            cure=f'Check that [{self._section}] url leads to MAAS itself.',
        )

    def _error(
        self,
        what: str,
        status: int,
        content_type: str,
        headers: Mapping[str, str],
        content: bytes,
    ) -> exceptions.MetalError:
        tried = _tried(what)
        if status == 401:
            return self._not_known(tried, content)
        page = content_type == 'text/html'
        said = '' if page else self._say(_reason_of(content))
        came = f'{status}: {said or _nothing(page)}'
        match status:
            case 400 if content.startswith(_UNSIGNED) and not page:
                return exceptions.AuthenticationError(
                    f'{tried} arrived without the Authorization header '
                    f'({came})',
                    cure='Find out why a proxy or front end drops that '
                    f'header, or set [{self._section}] url to MAAS itself.',
                )
            case 403:
                return exceptions.AuthenticationError(
                    f'{tried} is forbidden to this user ({status})',
                    cure='Use the API key of an administrator, or of the '
                    'owner of the machine; a locked machine refuses both.',
                )
            case 404 if not page:
                return exceptions.NotFoundError(
                    f'{tried} failed: not found ({came})',
                    cure='Check the system_id.',
                )
            case 503 if b'already in progress' in content and not page:
                return exceptions.BusyError(f'{tried} conflicts ({came})')
            case 429 | 500 | 502 | 503 | 504:
                return exceptions.UnavailableError(
                    f'{tried} cannot be served now ({came})',
                    cure='Try again later; if that does not help, see the '
                    f'logs of MAAS and where [{self._section}] url leads.',
                )
            case _ if 400 <= status < 500 and not page:
                return exceptions.RefusedError(
                    f'{tried} was refused ({came})',
                    cure='See the logs of MAAS for why.',
                )
            case _ if 300 <= status < 400:
                where = self._say(headers.get('Location', ''))
                return self._odd(what, f'{status}, a redirection to {where}')
            case _:
                return self._odd(what, came)

    def _not_known(self, tried: str, content: bytes) -> exceptions.MetalError:
        if b'timestamp' in content:
            return exceptions.AuthenticationError(
                f'{tried} was not accepted: the clock here is more than '
                'five minutes behind that of MAAS (401)',
                cure='Set the clock of this machine, or that of MAAS.',
            )
        if b'Nonce' in content:
            # aiohttp has sent it again, over a connection that had ended.
            return exceptions.UnavailableError(
                f'{tried} succeeded, but the reply was lost (401)',
                cure='Try again.',
            )
        return exceptions.AuthenticationError(
            f'{tried} was not accepted: MAAS does not know the API key (401)',
            cure=f'Check [{self._section}] api_key, or api_key_file.',
        )

    def _say(self, text: str) -> str:
        return _text.clean(self._key.redact(text))


def _tried(what: str) -> str:
    return f'MAAS: the request to {what}'


def _kind(exc: BaseException) -> str:
    return type(exc).__name__


def _underlying(exc: BaseException) -> BaseException:
    """What aiohttp could not connect for; else the error itself."""
    for name in ('certificate_error', 'os_error'):
        cause = getattr(exc, name, None)
        if isinstance(cause, BaseException):
            return cause
    return exc


def _reason(exc: BaseException) -> str:
    if hasattr(exc, 'request_info'):
        # What it says may be a quotation of what came.
        return _kind(exc)
    number = getattr(exc, 'errno', None) or 0
    if number > 0 and not isinstance(exc, ssl.SSLError):
        # asyncio puts its own call in the place of the reason.
        return os.strerror(number)
    return getattr(exc, 'strerror', None) or str(exc) or _kind(exc)


def _nothing(page: bool) -> str:
    return 'a page of HTML' if page else 'no reason given'


def _reason_of(content: bytes) -> str:
    """The reason in the body: text, or JSON of field and reasons."""
    text = content.decode('utf-8', 'replace')
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if not isinstance(found, dict):
        return text
    reasons = {
        field: ' '.join(map(str, each)) if isinstance(each, list) else each
        for field, each in found.items()
    }
    return '; '.join(f'{field}: {each}' for field, each in reasons.items())
