# SPDX-License-Identifier: Apache-2.0
"""Accounts of the real cloud that a test makes for itself."""

from typing import Any

import fixtures
import keystoneauth1.session

from metal_drivers_tests.functional.services import users


class TemporaryUser(fixtures.Fixture):
    """An account in Watcher's project.

    :param roles: by default, those of Watcher's own.

    :ivar options: its options for an oslo.config section.
    """

    password = 'T3mporary-s3cret'

    def __init__(
        self,
        cloud: Any,
        name: str,
        roles: tuple[str, ...] = users.USERS['watcher'].roles,
    ) -> None:
        super().__init__()
        self._cloud = cloud
        self._name = name
        self._roles = roles

    def _setUp(self) -> None:
        self._keystone = self._cloud.rest('identity')
        body = {
            'name': self._name,
            'password': self.password,
            'domain_id': 'default',
        }
        reply = self._keystone.request('POST', '/users', {'user': body})
        self._id = reply['user']['id']
        self.addCleanup(self._delete)
        project = self._find('projects', users.USERS['watcher'].project)
        for role in self._roles:
            grant = f'/projects/{project}/users/{self._id}/roles'
            self._keystone.request(
                'PUT', f'{grant}/{self._find("roles", role)}'
            )
        self.options = {
            **self._cloud.keystone_options('watcher'),
            'username': self._name,
            'password': self.password,
        }

    def _find(self, kind: str, name: str) -> str:
        reply = self._keystone.request('GET', f'/{kind}?name={name}')
        (found,) = reply[kind]
        return str(found['id'])

    def _delete(self) -> None:
        self._keystone.request('DELETE', f'/users/{self._id}')

    def session(self) -> keystoneauth1.session.Session:
        """A session of its own."""
        import keystoneauth1.identity

        options: dict[str, Any] = dict(self.options)
        del options['auth_type']
        return keystoneauth1.session.Session(
            keystoneauth1.identity.V3Password(**options)
        )

    def change_password(self) -> None:
        """Set another one, which nobody knows."""
        body = {'user': {'password': 'an0ther-s3cret'}}
        self._keystone.request('PATCH', f'/users/{self._id}', body)

    def revoke_token(self, session: keystoneauth1.session.Session) -> str:
        """Give the session a new token, end it, and return it.

        A new one, since Ironic does not ask again for some minutes about
        a token that it has seen.
        """
        session.invalidate()
        token = str(session.get_token())
        self._keystone.request(
            'DELETE', '/auth/tokens', headers={'X-Subject-Token': token}
        )
        return token
