# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in talking to an OpenStack service, as our errors:
what was tried, what came back, and what to do about it."""

from __future__ import annotations

import requests
from keystoneauth1 import exceptions as ks_exceptions

from metal_drivers import _text, exceptions


class Failures:
    """The errors of one service.

    :param name: what messages call it.
    :param section: the configuration section that leads to it.
    """

    def __init__(self, name: str, section: str) -> None:
        self._name = name
        self._section = section

    @property
    def _look(self) -> str:
        return (
            f'Check that {self._name} is up and that [{self._section}] leads '
            f'to it.'
        )

    def tried(self, what: str) -> str:
        """How a message begins."""
        return f'{self._name}: the request to {what}'

    def no_token(
        self, auth_url: str | None, exc: ks_exceptions.ClientException
    ) -> exceptions.MetalError:
        """Keystone gave no token, for whatever reason."""
        error = self.no_reply(exc, 'get a token')
        if isinstance(exc, ks_exceptions.SSLError) or not isinstance(
            error, exceptions.UnavailableError
        ):
            return error
        url = _text.clean(str(auth_url))
        what = f'no token from Keystone at {url} ({_text.clean(str(exc))})'
        if isinstance(error, exceptions.TimedOutError):
            what = f'no token from Keystone: no answer in time from {url}'
        elif isinstance(exc, ks_exceptions.ConnectFailure):
            why = _reason(exc)
            what = f'no token from Keystone: could not connect to {url}'
            what += f' ({why})' if why else ''
        return type(error)(
            f'{self._name}: {what}',
            cure='Check that Keystone is up and that auth_url leads to it, '
            f'in [{self._section}] or in the section with the credentials '
            'that it uses.',
        )

    def no_reply(
        self, exc: ks_exceptions.ClientException, what: str
    ) -> exceptions.MetalError:
        """keystoneauth got no reply, or has no endpoint to ask."""
        tried = self.tried(what)
        said = _text.clean(str(exc))
        match exc:
            case ks_exceptions.HttpError() if getattr(
                exc, 'http_status', 0
            ) in (401, 403):
                return exceptions.AuthenticationError(
                    f'{self._name}: Keystone did not accept the credentials '
                    f'({said})',
                    cure='Check the user, the password and the project of '
                    f'[{self._section}], or of the section with the '
                    'credentials that it uses.',
                )
            case ks_exceptions.ConnectTimeout():
                return exceptions.TimedOutError(
                    f'{tried} was not answered in time ({said})',
                    cure=f'{self._look} Its option timeout sets how long '
                    'to wait.',
                )
            case ks_exceptions.SSLError():
                return exceptions.UnavailableError(
                    f'{tried} failed: TLS handshake failed ({said})',
                    cure=f'Name the certificate authority with cafile in '
                    f'[{self._section}].',
                )
            case ks_exceptions.EndpointNotFound():
                return exceptions.ConfigurationError(
                    f'{self._name}: Keystone has no endpoint for it ({said})',
                    cure=f'Check region_name and valid_interfaces in '
                    f'[{self._section}].',
                    options=('region_name', 'valid_interfaces'),
                )
            case (
                ks_exceptions.AuthPluginException()
                | ks_exceptions.MissingAuthMethods()
            ):
                return exceptions.ConfigurationError(
                    f'{self._name}: the credentials are incomplete ({said})',
                    cure=f'Check the credentials of [{self._section}].',
                )
            case ks_exceptions.AuthorizationFailure():
                return exceptions.AuthenticationError(
                    f'{self._name}: no token from Keystone ({said})'
                )
            case ks_exceptions.DiscoveryFailure():
                return exceptions.UnavailableError(
                    f'{tried} failed: no {self._name} at that URL ({said})',
                    cure=self._look,
                )
            case _:
                if why := _reason(exc):
                    # The address; then comes how urllib3 puts it.
                    said = f'{said.partition(": HTTP")[0]}: {why}'
                return exceptions.UnavailableError(
                    f'{tried} could not connect ({said})', cure=self._look
                )

    def broken(
        self, exc: requests.RequestException, what: str
    ) -> exceptions.UnavailableError:
        """An incomplete reply."""
        return exceptions.UnavailableError(
            f'{self.tried(what)} got an incomplete reply '
            f'({type(exc).__name__})',
            cure=self._look,
        )

    def of_reply(
        self, reply: requests.Response, what: str
    ) -> exceptions.MetalError:
        """A reply whose status is not a good one."""
        error = self._sort(reply, what)
        error.status = reply.status_code
        return error

    def _sort(
        self, reply: requests.Response, what: str
    ) -> exceptions.MetalError:
        tried = self.tried(what)
        came = f'{reply.status_code}: {_text.fault_text(reply)}'
        match reply.status_code:
            case 401:
                return exceptions.AuthenticationError(
                    f'{tried} was not accepted ({came})',
                    cure='Check the user, the password and the project of '
                    f'[{self._section}], or of the section with the '
                    'credentials that it uses.',
                )
            case 403:
                return exceptions.AuthenticationError(
                    f'{tried} is forbidden to this user ({came})',
                    cure='Give the user the role that this needs, or use '
                    'another user.',
                )
            case 404:
                return exceptions.NotFoundError(
                    f'{tried} failed: not found ({came})',
                    cure='Check the name, and whether this user may see it.',
                )
            case 409:
                return exceptions.BusyError(f'{tried} conflicts ({came})')
            case 429 | 502 | 503 | 504:
                return exceptions.UnavailableError(
                    f'{tried} cannot be served now ({came})',
                    cure='Try again later.',
                )
            case status if 400 <= status < 500:
                return exceptions.RefusedError(f'{tried} was refused ({came})')
            case status if status >= 500:
                return exceptions.UnavailableError(
                    f'{tried} failed in the service ({came})',
                    cure=f'See the log of {self._name}.',
                )
            case _:
                return exceptions.ProtocolError(
                    f'{tried} was answered with a redirection ({came})'
                )


def _reason(exc: BaseException) -> str:
    """What the operating system said, in its words; empty: nothing."""
    seen: list[BaseException] = []
    link: BaseException | None = exc
    while link is not None and link not in seen:
        seen.append(link)
        if isinstance(link, OSError) and link.errno and link.strerror:
            return _text.clean(link.strerror)
        link = link.__cause__ or link.__context__
    return ''
