# SPDX-License-Identifier: Apache-2.0
"""A Keystone that issues v3 tokens for passwords.

The replies were taken from a running Keystone (API v3.14); the messages
of schema errors are shorter.
"""

import dataclasses
import datetime
import threading
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from metal_drivers_tests.emulators import http, messages

_ROLES = ('reader', 'manager', 'member', 'admin')
_LIFETIME = datetime.timedelta(hours=1)
_INTERFACES = ('public', 'internal', 'admin')
_UNAUTHORIZED = 'The request you have made requires authentication.'


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """An entry of the catalog, the same for each interface."""

    type: str
    name: str
    region: str
    url: str


class KeystoneEmulator(http.HttpEmulator):
    """Tokens, and a catalog of the other emulators.

    Hand ``valid`` to the other emulators as their ``valid_token``.

    :param users: passwords by user name, in the domain ``default``
    :param projects: which names (or ids) a token may be scoped to
    :ivar roles: those of every user
    """

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        projects: Iterable[str] = ('admin', 'service'),
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self.users = dict(users or {'admin': 'secret'})
        self.projects = tuple(projects)
        self.roles: tuple[str, ...] = _ROLES
        self._lock = threading.Lock()
        self._endpoints: list[Endpoint] = []
        self._tokens: dict[str, dict[str, Any]] = {}

    def _setUp(self) -> None:
        super()._setUp()
        self.add_endpoint('identity', f'{self.url}/v3', name='keystone')

    # What a test controls.

    @property
    def auth_url(self) -> str:
        return f'{self.url}/v3'

    def add_endpoint(
        self,
        type: str,
        url: str,
        region: str = 'RegionOne',
        name: str | None = None,
    ) -> None:
        """Put a service into the catalog of tokens issued from now on."""
        with self._lock:
            self._endpoints.append(Endpoint(type, name or type, region, url))

    def valid(self, token: str) -> bool:
        """The token was issued here and has not been expired."""
        with self._lock:
            return token in self._tokens

    def expire_tokens(self) -> None:
        """Let every token that was issued be refused, without warning."""
        with self._lock:
            self._tokens.clear()

    # How it answers.

    def routes(self) -> Iterable[http.Route]:
        return (
            http.route('GET', '/', self._root),
            http.route('GET', '/v3/?', self._v3),
            http.route('POST', '/v3/auth/tokens', self._issue),
            http.route('GET', '/v3/auth/tokens', self._show),
        )

    def after(
        self, request: messages.Request, reply: messages.Reply
    ) -> messages.Reply:
        return reply.with_headers(
            ('Vary', 'X-Auth-Token'),
            ('x-openstack-request-id', messages.request_id()),
        )

    def not_found(self, request: messages.Request) -> messages.Reply:
        page = (
            b'<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>'
            b'\n<h1>Not Found</h1>\n<p>The requested URL was not found on '
            b'the server. If you entered the URL manually please check your '
            b'spelling and try again.</p>\n'
        )
        return messages.Reply(404, page, 'text/html; charset=utf-8')

    def _root(self, request: messages.Request) -> messages.Reply:
        version = _version(request.host_url)
        return messages.json_reply(
            {'versions': {'values': [version]}},
            300,
            [('Location', f'{request.host_url}/v3/')],
        )

    def _v3(self, request: messages.Request) -> messages.Reply:
        return messages.json_reply({'version': _version(request.host_url)})

    def _issue(self, request: messages.Request) -> messages.Reply:
        try:
            body = request.json()
        except ValueError:
            raise _refuse(
                400,
                'Bad Request',
                'Expecting to find valid JSON in request body. The server '
                'could not comply with the request since it is either '
                'malformed or otherwise incorrect. The client is assumed to '
                'be in error.',
            ) from None
        try:
            identity = body['auth']['identity']
            user = identity['password']['user']
            name, password = user['name'], user['password']
        except (KeyError, TypeError):
            raise _refuse(
                400, 'Bad Request', "'identity' is a required property"
            ) from None
        if self.users.get(name) != password:
            raise self._unauthorized()
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        token = {
            'methods': ['password'],
            'user': {
                'domain': {'id': 'default', 'name': 'Default'},
                'id': _id('user', name),
                'name': name,
                'password_expires_at': None,
            },
            'audit_ids': [uuid.uuid4().hex[:22]],
            'expires_at': _time(now + _LIFETIME),
            'issued_at': _time(now),
        } | self._scope(body['auth'].get('scope'))
        key = uuid.uuid4().hex
        with self._lock:
            self._tokens[key] = token
        return _token_reply(key, token, 201)

    def _show(self, request: messages.Request) -> messages.Reply:
        if not self.valid(request.headers.get('X-Auth-Token', '')):
            raise self._unauthorized()
        key = request.headers.get('X-Subject-Token', '')
        with self._lock:
            token = self._tokens.get(key)
        if token is None:
            raise _refuse(404, 'Not Found', 'Could not recognize Fernet token')
        return _token_reply(key, token, 200)

    def _scope(self, scope: Any) -> dict[str, Any]:
        if not isinstance(scope, dict):
            return {}
        rights: dict[str, Any] = {
            'roles': [{'id': _id('role', r), 'name': r} for r in self.roles],
            'catalog': self._catalog(),
        }
        if 'system' in scope:
            return rights | {'system': {'all': True}}
        asked = scope.get('project', {})
        for name in self.projects:
            key = _id('project', name)
            if asked.get('name') == name or asked.get('id') in (name, key):
                project = {
                    'domain': {'id': 'default', 'name': 'Default'},
                    'id': key,
                    'name': name,
                }
                return rights | {'project': project, 'is_domain': False}
        raise self._unauthorized()

    def _catalog(self) -> list[dict[str, Any]]:
        services: dict[str, dict[str, Any]] = {}
        with self._lock:
            endpoints = list(self._endpoints)
        for endpoint in endpoints:
            service = services.setdefault(
                endpoint.type,
                {
                    'endpoints': [],
                    'id': _id('service', endpoint.type),
                    'type': endpoint.type,
                    'name': endpoint.name,
                },
            )
            service['endpoints'] += [
                {
                    'id': _id(endpoint.type, endpoint.region, interface),
                    'interface': interface,
                    'region_id': endpoint.region,
                    'url': endpoint.url,
                    'region': endpoint.region,
                }
                for interface in _INTERFACES
            ]
        return list(services.values())

    def _unauthorized(self) -> messages.Refusal:
        refusal = _refuse(401, 'Unauthorized', _UNAUTHORIZED)
        header = ('WWW-Authenticate', f'Keystone uri="{self.auth_url}"')
        return messages.Refusal(refusal.reply.with_headers(header))


def _refuse(status: int, title: str, message: str) -> messages.Refusal:
    error = {'code': status, 'message': message, 'title': title}
    return messages.Refusal(messages.json_reply({'error': error}, status))


def _token_reply(
    key: str, token: dict[str, Any], status: int
) -> messages.Reply:
    return messages.json_reply(
        {'token': token}, status, [('X-Subject-Token', key)]
    )


def _version(host_url: str) -> dict[str, Any]:
    return {
        'id': 'v3.14',
        'status': 'stable',
        'updated': '2020-04-07T00:00:00Z',
        'links': [{'rel': 'self', 'href': f'{host_url}/v3/'}],
        'media-types': [
            {
                'base': 'application/json',
                'type': 'application/vnd.openstack.identity-v3+json',
            }
        ],
    }


def _id(*parts: str) -> str:
    """An id that is the same in each run."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, '/'.join(parts)).hex


def _time(moment: datetime.datetime) -> str:
    return moment.strftime('%Y-%m-%dT%H:%M:%S.%fZ')
