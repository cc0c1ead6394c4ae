# SPDX-License-Identifier: Apache-2.0
"""Who has an account in the cloud, and how each authenticates."""

import dataclasses
import time
from typing import Any

import requests
import requests.auth

from metal_drivers_tests.functional.services import rest

# No word that may stand in a message anyway: tests look for it there.
PASSWORD = 'p4ss-0f-this-cloud'
REGION = 'RegionOne'

# Well below the hour that Keystone gives a token.
_TOKEN_SECONDS = 1200


@dataclasses.dataclass(frozen=True)
class User:
    """An account with roles in one project, all in the default domain."""

    name: str
    project: str
    roles: tuple[str, ...]


ADMIN = User('admin', 'admin', ('admin',))
_SERVICES = (
    'placement',
    'nova',
    'ironic',
    'glance',
    'watcher',
    'masakari',
)
USERS = {
    user.name: user
    for user in (
        ADMIN,
        *(User(n, 'service', ('admin', 'service')) for n in _SERVICES),
        User('joe', 'demo', ('member', 'reader')),
    )
}


def options(
    auth_url: str, user: str, system_scope: bool = False
) -> dict[str, str]:
    """Return what keystoneauth's password plugin needs.

    The names are the same in an oslo.config section and in its constructor,
    but for ``auth_type``.

    :raises KeyError: for a user that there is not.
    """
    account = USERS[user]
    known = {
        'auth_type': 'password',
        'auth_url': auth_url,
        'username': account.name,
        'password': PASSWORD,
        'user_domain_id': 'default',
    }
    if system_scope:
        return {**known, 'system_scope': 'all'}
    return {
        **known,
        'project_name': account.project,
        'project_domain_id': 'default',
    }


class TokenAuth(requests.auth.AuthBase):
    """Puts a token of Keystone into each request of requests.

    :param auth_url: with ``/v3``.
    :param system_scope: for all of the cloud instead of the user's project.
    """

    def __init__(
        self, auth_url: str, user: User, system_scope: bool = False
    ) -> None:
        self._keystone = rest.Rest(auth_url)
        self._user = user
        self._system_scope = system_scope
        self._token = ''
        self._issued = float('-inf')

    def __call__(
        self, request: requests.PreparedRequest
    ) -> requests.PreparedRequest:
        """Add the header; called by requests."""
        if time.monotonic() - self._issued > _TOKEN_SECONDS:
            self._token = self._issue()
            self._issued = time.monotonic()
        request.headers['X-Auth-Token'] = self._token
        return request

    def _issue(self) -> str:
        domain = {'id': 'default'}
        scope: dict[str, Any] = {'system': {'all': True}}
        if not self._system_scope:
            project = {'name': self._user.project, 'domain': domain}
            scope = {'project': project}
        who = {
            'name': self._user.name,
            'domain': domain,
            'password': PASSWORD,
        }
        identity = {'methods': ['password'], 'password': {'user': who}}
        body = {'auth': {'identity': identity, 'scope': scope}}
        return self._keystone.send('POST', '/auth/tokens', body).headers[
            'X-Subject-Token'
        ]
