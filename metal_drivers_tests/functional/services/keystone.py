# SPDX-License-Identifier: Apache-2.0
"""Keystone, and the accounts and catalog in it."""

import os
import pathlib
from typing import Any

from metal_drivers_tests.functional.services import (
    conf,
    endpoints,
    process,
    rest,
    templates,
    users,
)

_MANAGE = 'keystone-manage'


def prepare(site: endpoints.Site) -> None:
    """Write configuration, keys and a database with ``admin`` in it."""

    def build(where: pathlib.Path) -> None:
        config = _configure(where)
        site.manage(_MANAGE, config, 'db_sync')
        owner = ['--keystone-user', str(os.geteuid())]
        owner += ['--keystone-group', str(os.getegid())]
        site.manage(_MANAGE, config, 'fernet_setup', *owner)
        bootstrap = ['bootstrap', '--bootstrap-password', users.PASSWORD]
        site.manage(_MANAGE, config, *bootstrap)

    templates.copy('keystone', site.state, build, site.say)
    _configure(site.state)


def service(site: endpoints.Site) -> process.Service:
    """Return the process, to be started."""
    return site.served(
        'keystone',
        'keystone.wsgi.api',
        site.where.keystone_port,
        {'OS_KEYSTONE_CONFIG_FILES': str(site.state / 'keystone.conf')},
    )


def _configure(state: pathlib.Path) -> pathlib.Path:
    keys = {'key_repository': state / 'fernet'}
    return conf.write(
        state / 'keystone.conf',
        {
            'database': conf.sqlite(state / 'keystone.db'),
            'token': {'provider': 'fernet'},
            'fernet_tokens': keys,
            'fernet_receipts': keys,
            # A quarter of a second for each password is for real ones.
            'identity': {'password_hash_rounds': 4},
        },
    )


def register(where: endpoints.Endpoints) -> None:
    """Create every user but ``admin``, and the catalog."""
    auth = users.TokenAuth(where.auth_url, users.ADMIN)
    Registration(rest.Rest(where.auth_url, auth)).run(where)


def add_service(
    where: endpoints.Endpoints, kind: str, name: str, url: str
) -> None:
    """Add a service to the catalog of a Keystone that has its region."""
    auth = users.TokenAuth(where.auth_url, users.ADMIN)
    Registration(rest.Rest(where.auth_url, auth)).add_service(kind, name, url)


class Registration:
    """Fills a Keystone that has only just been bootstrapped."""

    def __init__(self, api: rest.Rest) -> None:
        self._api = api

    def run(self, where: endpoints.Endpoints) -> None:
        """Create projects, users, and services with their endpoints."""
        roles = {
            role['name']: role['id']
            for role in self._api.request('GET', '/roles')['roles']
        }
        others = [u for u in users.USERS.values() if u != users.ADMIN]
        projects = {
            name: self._create('project', name=name, domain_id='default')
            for name in sorted({user.project for user in others})
        }
        for user in others:
            self._add_user(user, projects[user.project], roles)
        self._api.request('POST', '/regions', _region())
        for kind, (name, url) in where.catalog.items():
            self.add_service(kind, name, url)

    def add_service(self, kind: str, name: str, url: str) -> None:
        """Create one service with its endpoints."""
        service = self._create('service', type=kind, name=name)
        for interface in ('public', 'internal'):
            self._create(
                'endpoint',
                service_id=service,
                interface=interface,
                url=url,
                region_id=users.REGION,
            )

    def _add_user(
        self, user: users.User, project: str, roles: dict[str, str]
    ) -> None:
        account = self._create(
            'user',
            name=user.name,
            password=users.PASSWORD,
            domain_id='default',
            default_project_id=project,
        )
        for role in user.roles:
            grant = f'/projects/{project}/users/{account}/roles/{roles[role]}'
            self._api.request('PUT', grant)

    def _create(self, kind: str, **fields: Any) -> str:
        reply = self._api.request('POST', f'/{kind}s', {kind: fields})
        return str(reply[kind]['id'])


def _region() -> dict[str, dict[str, str]]:
    return {'region': {'id': users.REGION}}
