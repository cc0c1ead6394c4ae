# SPDX-License-Identifier: Apache-2.0
"""OpenStack's HTTP, at the one place where a reply becomes an error.

Both Nova and Ironic are spoken to through a keystoneauth adapter (the
SDK's proxies are such adapters) and raw requests: the objects that the
SDK makes cost 1.4 to 1.9 ms each, which for 10,000 nodes is 19 s.
"""

from __future__ import annotations

import contextlib
import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from keystoneauth1 import access as ks_access
from keystoneauth1 import adapter as ks_adapter
from keystoneauth1 import exceptions as ks_exceptions
from keystoneauth1 import session as ks_session
from keystoneauth1.identity import base as ks_identity

from metal_drivers import _text, exceptions
from metal_drivers._openstack import errors, transport


class Service:
    """One OpenStack service, and the errors of talking to it.

    :param connect: makes the keystoneauth adapter that finds the
        endpoint; called on first use, since it may itself do I/O.
    :param name: what messages call the service: ``Ironic``.
    :param section: the configuration section that leads there.
    :param session: the keystoneauth session behind the adapter.
    """

    def __init__(
        self,
        connect: Callable[[], ks_adapter.Adapter],
        name: str,
        section: str,
        session: ks_session.Session | None = None,
    ) -> None:
        self.name = name
        self.section = section
        #: How many seconds its clock is ahead, once a reply has told.
        self.ahead: float | None = None
        self._failures = errors.Failures(name, section)
        self._connect = connect
        self._session = session
        self._adapter: ks_adapter.Adapter | None = None

    def url(self) -> str:
        """Where the service is, as configured or as Keystone says."""
        with self._errors('find its endpoint'):
            return _text.clean(str(self._get_adapter().get_endpoint()))

    def access(self) -> ks_access.AccessInfo | None:
        """What Keystone says of our token; None where there is none."""
        with self._errors('get a token'):
            adapter = self._get_adapter()
            auth = adapter.auth or adapter.session.auth
            if not isinstance(auth, ks_identity.BaseIdentityPlugin):
                return None
            return auth.get_access(adapter.session)

    def rights(self) -> tuple[frozenset[str] | None, str]:
        """The roles of our user, and a text that names them and where they
        hold. None: there is no Keystone, and every user may act."""
        access = self.access()
        if access is None:
            return None, 'no Keystone: every user may act'
        roles = frozenset(access.role_names or ())
        scope = (
            'the system'
            if access.system_scoped
            else f'project {access.project_name or access.project_id}'
        )
        named = ', '.join(sorted(roles)) or 'none'
        return roles, f'{access.username} has the roles {named} in {scope}'

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
        :raises UnavailableError: no connection, or 429 or 5xx.
        :raises TimedOutError: no reply in time.
        :raises RefusedError: another 4xx.
        :raises ProtocolError: not the JSON that is due.
        """
        reply = self._send(method, path, what, microversion, body)
        if reply.status_code >= 300:
            raise self._failures.of_reply(reply, what)
        if not reply.content:
            return None
        try:
            # Not reply.json(), which guesses at the charset: slow on MBs.
            return json.loads(reply.content)
        except ValueError as exc:
            raise exceptions.ProtocolError(
                f'{self._failures.tried(what)} was answered '
                f'{reply.status_code} with {_text.kind(reply)}, '
                'not with JSON'
            ) from exc

    def pages(
        self,
        path: str,
        key: str,
        what: str,
        *,
        microversion: str | None = None,
        most: int | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list, following the links to the next.

        :param key: the name that the list has in each page.
        :param most: how many requests it may take; None: any number.
        :raises ProtocolError: it would take more.
        """
        seen: set[str] = set()
        following: str | None = path
        while following:
            if len(seen) == most:
                raise exceptions.ProtocolError(
                    f'{self._failures.tried(what)} would take more than '
                    f'{most} requests',
                    cure='Ask for less.',
                )
            seen.add(following)
            page = self.call('GET', following, what, microversion=microversion)
            items = page.get(key) if isinstance(page, dict) else None
            if not isinstance(items, list) or not all(
                isinstance(item, dict) for item in items
            ):
                raise exceptions.ProtocolError(
                    f'{self._failures.tried(what)} was answered '
                    f'without a list of {key}'
                )
            yield items
            # An empty page ends a list whose last page is exactly full.
            following = _next_page(page, key, path) if items else None
            if following in seen:
                raise exceptions.ProtocolError(
                    f'{self._failures.tried(what)} was answered by a page '
                    'whose "next" link points to the same page'
                )

    def _get_adapter(self) -> ks_adapter.Adapter:
        self._log_in()
        if self._adapter is None:
            self._adapter = self._connect()
        return self._adapter

    def _log_in(self) -> None:
        """Have a token, so that a Keystone that is not there is not taken
        for a service that is not."""
        if self._session is None:
            return
        auth = self._session.auth
        if not isinstance(auth, ks_identity.BaseIdentityPlugin):
            return
        try:
            if auth.auth_ref is None:
                self._try_auth_url(str(auth.auth_url))
            auth.get_access(self._session)
        except ks_exceptions.ClientException as exc:
            raise self._failures.no_token(auth.auth_url, exc) from exc

    def _try_auth_url(self, auth_url: str) -> None:
        """Refuse a URL that asks for a token before it tells its version.

        Given that of another service, keystoneauth 5.18 would look for a
        version with a token, while it holds the lock that getting a token
        takes, and hang for ever.
        """
        assert self._session is not None  # noqa: S101, the caller has looked
        reply = self._session.get(
            auth_url, authenticated=False, raise_exc=False
        )
        if reply.status_code == 401:
            raise exceptions.ConfigurationError(
                f'{self.name}: the auth_url {_text.clean(auth_url)} is not '
                'that of Keystone: it asks for a token',
                cure=f'Fix auth_url in [{self.section}], or in the section '
                'with the credentials that it uses.',
                options=('auth_url',),
            )

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
            adapter = self._get_adapter()
            reply: requests.Response = adapter.request(
                path,
                method,
                microversion=microversion,
                raise_exc=False,
                # Left out, the SDK before 4.15 retries once in any case.
                connect_retries=adapter.connect_retries,
                # A redirection must not make a GET of a power request.
                redirect=method == 'GET',
                **extra,
            )
            self.ahead = transport.ahead_of(reply.headers.get('Date'))
        return reply

    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except ks_exceptions.ClientException as exc:
            raise self._failures.no_reply(exc, what) from exc
        except requests.RequestException as exc:
            # keystoneauth leaves alone what fails while a body is read.
            raise self._failures.broken(exc, what) from exc


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
