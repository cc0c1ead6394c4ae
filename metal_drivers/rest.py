# SPDX-License-Identifier: Apache-2.0
"""OpenStack's HTTP, at the one place where a reply becomes an error.

Both Nova and Ironic are spoken to through a keystoneauth adapter (the
SDK's proxies are such adapters) and raw requests: the objects that the
SDK makes cost 1.4 to 1.9 ms each, which for 10,000 nodes is 19 s.
"""

from __future__ import annotations

import contextlib
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from keystoneauth1 import access as ks_access
from keystoneauth1 import adapter as ks_adapter
from keystoneauth1 import exceptions as ks_exceptions
from keystoneauth1.identity import base as ks_identity
from oslo_utils import strutils

from metal_drivers import exceptions

#: How much of a foreign text goes into a message.
_MOST = 300

_USERINFO = re.compile(r'://[^/@\s]+@')

#: Where the services put the text of an error: Nova (``{"forbidden":
#: {"message": …}}``), Keystone (``{"error": …}``), Ironic
#: (``{"error_message": …}``, where … is mostly JSON once more).
_TEXT_KEYS = ('faultstring', 'message', 'description', 'title')


class Service:
    """One OpenStack service, and the errors of talking to it.

    :param connect: makes the keystoneauth adapter that finds the
        endpoint; called on first use, since it may itself do I/O.
    :param name: what messages call the service: ``Ironic``.
    :param section: the configuration section that leads there.
    """

    def __init__(
        self,
        connect: Callable[[], ks_adapter.Adapter],
        name: str,
        section: str,
    ) -> None:
        self.name = name
        self.section = section
        self._connect = connect
        self._adapter: ks_adapter.Adapter | None = None

    def url(self) -> str:
        """Where the service is, as configured or as Keystone says."""
        with self._errors('find its endpoint'):
            return clean(str(self._get_adapter().get_endpoint()))

    def access(self) -> ks_access.AccessInfo | None:
        """What Keystone says of our token; None where there is none."""
        with self._errors('get a token'):
            adapter = self._get_adapter()
            auth = adapter.auth or adapter.session.auth
            if not isinstance(auth, ks_identity.BaseIdentityPlugin):
                return None
            return auth.get_access(adapter.session)

    def newest_version(self) -> tuple[int, int] | None:
        """The newest microversion of the endpoint; None: it has none."""
        with self._errors('find its version'):
            data = self._get_adapter().get_endpoint_data()
        newest = data.max_microversion if data else None
        if newest is None:
            # keystoneauth passes over an endpoint that does not answer.
            with contextlib.suppress(exceptions.NotFoundError):
                self.call('GET', '/', 'find its version')
            return None
        return int(newest[0]), int(newest[1])

    def call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        microversion: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """One request; what its JSON says, None where there is no body.

        :param what: what is tried, for messages: ``list nodes``.
        :raises AuthenticationError: 401 and 403.
        :raises NotFoundError: 404.
        :raises BusyError: 409.
        :raises UnavailableError: no connection, or 429, 502, 503, 504.
        :raises TimedOutError: no reply in time.
        :raises RefusedError: another 4xx.
        :raises ProtocolError: another 5xx, or not the JSON that is due.
        """
        reply = self._send(method, path, what, microversion, body)
        if reply.status_code >= 300:
            error = self._error(reply, what)
            error.status = reply.status_code
            raise error
        if not reply.content:
            return None
        try:
            # Not reply.json(), which guesses at the charset: slow on MBs.
            return json.loads(reply.content)
        except ValueError as exc:
            raise exceptions.ProtocolError(
                f'{self._tried(what)} was answered '
                f'{reply.status_code} with {_kind(reply)}, not with JSON'
            ) from exc

    def pages(
        self,
        path: str,
        key: str,
        what: str,
        *,
        microversion: str | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list, following the links to the next.

        :param key: the name that the list has in each page.
        """
        seen = set()
        following: str | None = path
        while following:
            seen.add(following)
            page = self.call('GET', following, what, microversion=microversion)
            items = page.get(key) if isinstance(page, dict) else None
            if not isinstance(items, list) or not all(
                isinstance(item, dict) for item in items
            ):
                raise exceptions.ProtocolError(
                    f'{self._tried(what)} was answered without a list of {key}'
                )
            yield items
            # An empty page ends a list whose last page is exactly full.
            following = _next_page(page, key, path) if items else None
            if following in seen:
                raise exceptions.ProtocolError(
                    f'{self._tried(what)} was answered by a page that has '
                    f'itself for its next'
                )

    def _get_adapter(self) -> ks_adapter.Adapter:
        if self._adapter is None:
            self._adapter = self._connect()
        return self._adapter

    def _send(
        self,
        method: str,
        path: str,
        what: str,
        microversion: str | None,
        body: Mapping[str, Any] | None,
    ) -> requests.Response:
        extra: dict[str, Any] = {} if body is None else {'json': body}
        with self._errors(what):
            reply: requests.Response = self._get_adapter().request(
                path,
                method,
                microversion=microversion,
                raise_exc=False,
                # A redirection must not make a GET of a power request.
                redirect=method == 'GET',
                **extra,
            )
        return reply

    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except ks_exceptions.ClientException as exc:
            raise self._no_reply(exc, what) from exc
        except requests.RequestException as exc:
            # keystoneauth leaves alone what fails while a body is read.
            raise exceptions.UnavailableError(
                f'{self._tried(what)} got a reply that broke off '
                f'({type(exc).__name__})',
                cure=self._look,
            ) from exc

    @property
    def _look(self) -> str:
        return (
            f'Check that {self.name} is up and that [{self.section}] leads '
            f'to it.'
        )

    def _tried(self, what: str) -> str:
        return f'{self.name}: the request to {what}'

    def _no_reply(
        self, exc: ks_exceptions.ClientException, what: str
    ) -> exceptions.MetalError:
        tried = self._tried(what)
        said = clean(str(exc))
        match exc:
            case ks_exceptions.HttpError() if getattr(
                exc, 'http_status', 0
            ) in (401, 403):
                return exceptions.AuthenticationError(
                    f'{self.name}: Keystone did not accept the credentials '
                    f'({said})',
                    cure='Check the user, the password and the project of '
                    f'[{self.section}], or of the section with the '
                    'credentials that it uses.',
                )
            case ks_exceptions.ConnectTimeout():
                return exceptions.TimedOutError(
                    f'{tried} was not answered in time ({said})',
                    cure=f'{self._look} Its option timeout says how long '
                    'to wait.',
                )
            case ks_exceptions.SSLError():
                return exceptions.UnavailableError(
                    f'{tried} ended in TLS ({said})',
                    cure=f'Name the certificate authority with cafile in '
                    f'[{self.section}].',
                )
            case ks_exceptions.EndpointNotFound():
                return exceptions.ConfigurationError(
                    f'{self.name}: Keystone has no endpoint for it ({said})',
                    cure=f'Check region_name and valid_interfaces in '
                    f'[{self.section}].',
                    options=('region_name', 'valid_interfaces'),
                )
            case (
                ks_exceptions.AuthPluginException()
                | ks_exceptions.MissingAuthMethods()
            ):
                return exceptions.ConfigurationError(
                    f'{self.name}: the credentials are not complete ({said})',
                    cure=f'Check the credentials of [{self.section}].',
                )
            case ks_exceptions.AuthorizationFailure():
                return exceptions.AuthenticationError(
                    f'{self.name}: no token from Keystone ({said})'
                )
            case ks_exceptions.DiscoveryFailure():
                return exceptions.UnavailableError(
                    f'{tried} found no {self.name} there ({said})',
                    cure=self._look,
                )
            case _:
                return exceptions.UnavailableError(
                    f'{tried} found nobody there ({said})', cure=self._look
                )

    def _error(
        self, reply: requests.Response, what: str
    ) -> exceptions.MetalError:
        tried = self._tried(what)
        came = f'{reply.status_code}: {fault_text(reply)}'
        match reply.status_code:
            case 401:
                return exceptions.AuthenticationError(
                    f'{tried} was not accepted ({came})',
                    cure='Check the user, the password and the project of '
                    f'[{self.section}], or of the section with the '
                    'credentials that it uses.',
                )
            case 403:
                return exceptions.AuthenticationError(
                    f'{tried} is forbidden to this user ({came})',
                    cure='Give the user the role that this takes, or use '
                    'another user.',
                )
            case 404:
                return exceptions.NotFoundError(
                    f'{tried} found no such thing ({came})',
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
                    f'{tried} failed inside the service ({came})',
                    cure=f'See the log of {self.name}.',
                )
            case _:
                return exceptions.ProtocolError(
                    f'{tried} was answered with a redirection ({came})'
                )


def fault_text(reply: requests.Response) -> str:
    """What the service says is wrong, in its own words, cleaned."""
    try:
        found = _dig(json.loads(reply.content))
    except ValueError:
        found = ''
    if found:
        return clean(found)
    return f'{reply.reason or "no reason"}, with {_kind(reply)}'


def clean(text: str) -> str:
    """A foreign text for a message: one line, bounded, no credentials."""
    text = ' '.join(_USERINFO.sub('://***@', text).split())
    text = strutils.mask_password(text)
    return text if len(text) <= _MOST else text[: _MOST - 1] + '…'


def _dig(found: Any) -> str:
    """The text in any of the shapes in which the services put errors."""
    if isinstance(found, str):
        try:
            return _dig(json.loads(found)) or found
        except ValueError:
            return found
    if not isinstance(found, dict):
        return ''
    for key in _TEXT_KEYS:
        if isinstance(found.get(key), str):
            return _dig(found[key])
    for inner in found.values():
        if isinstance(inner, dict | str):
            text = _dig(inner)
            if text:
                return text
    return ''


def _kind(reply: requests.Response) -> str:
    if not reply.content:
        return 'an empty body'
    kind = reply.headers.get('Content-Type', '').partition(';')[0]
    return f'a body of type {kind or "unknown"}'


def _next_page(page: Mapping[str, Any], key: str, first: str) -> str | None:
    """The path of the next page, or None.

    Ironic has ``next``, Nova ``<things>_links``. Both give an absolute
    URL, built of whatever host the service believes it has; only its
    query is taken, so that proxies do not matter. And it is added to the
    query of the first page: Ironic leaves filters out of its links, so
    that the second page would be of all nodes.
    """
    link = page.get('next')
    if link is None:
        links = page.get(f'{key}_links') or ()
        link = next(
            (
                each.get('href')
                for each in links
                if isinstance(each, dict) and each.get('rel') == 'next'
            ),
            None,
        )
    if not isinstance(link, str) or '?' not in link:
        return None
    path, _, asked = first.partition('?')
    query = dict(urllib.parse.parse_qsl(asked, keep_blank_values=True))
    query |= urllib.parse.parse_qsl(link.partition('?')[2])
    return f'{path}?{urllib.parse.urlencode(query)}'
