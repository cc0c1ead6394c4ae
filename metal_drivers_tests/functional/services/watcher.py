# SPDX-License-Identifier: Apache-2.0
"""Watcher beside a cloud: API, decision engine and applier, unmodified."""

import functools
import os
import pathlib
import subprocess
from typing import Any

from metal_drivers_tests.functional.services import (
    base,
    cloud,
    conf,
    endpoints,
    keystone,
    process,
    rabbit,
    rest,
    templates,
    users,
    venvs,
    waiting,
)

KIND = 'infra-optim'

# What the daemons log once they take messages. One that comes earlier is
# lost: it has no queue yet.
_LISTENS = 'Starting service monitoring service'

_COMMAND_SECONDS = 90


class Watcher(base.ServiceFixture):
    """Watcher with this project installed beside it, and nothing else.

    It is configured as a deployer would do it, but for the short times.

    :param around: the cloud that it is to optimise.

    :ivar api: its API, as the administrator.
    :ivar applier: the process of watcher-applier.
    """

    name = 'watcher'

    def __init__(
        self, around: cloud.Cloud, say: venvs.Say | None = None
    ) -> None:
        super().__init__(say)
        self._where = around.where
        self._port = process.free_port()

    def _start(self) -> None:
        self._site = endpoints.Site(
            venvs.ensure('watcher', self.say),
            self.directory / 'watcher',
            self._where,
            self.say,
        )
        self._prepare()
        self.say('starting Watcher')
        api = self.useFixture(self._api())
        engine = self._daemon('watcher-decision-engine')
        self.useFixture(engine)
        self.applier = self._daemon('watcher-applier')
        self.useFixture(self.applier)
        url = f'http://127.0.0.1:{self._port}'
        auth = users.TokenAuth(self._where.auth_url, users.ADMIN)
        self.api = rest.Rest(url, auth)
        keystone.add_service(self._where, KIND, 'watcher', url)
        api.wait_ready(functools.partial(process.answers, f'{url}/'))
        engine.wait_ready(lambda: engine.logged(_LISTENS))
        self.wait_applier()

    def wait_applier(self) -> None:
        """Wait until the applier takes plans, after a ``start`` of it."""
        self.applier.wait_ready(lambda: self.applier.logged(_LISTENS))

    def openstack(
        self, *words: str, user: str = 'admin'
    ) -> subprocess.CompletedProcess[str]:
        """Run ``openstack`` to its end, as a user of Watcher does."""
        options = users.options(self._where.auth_url, user)
        account = {f'OS_{name.upper()}': v for name, v in options.items()}
        return subprocess.run(
            [self._site.program('openstack'), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            env={**process.clean_environment(), **account},
            check=False,
        )

    def wait_state(
        self, path: str, *states: str, timeout: float = 120
    ) -> dict[str, Any]:
        """Wait until an audit, a plan or an action is in one of ``states``.

        :param path: as in '/v1/audits/UUID'.
        """

        def reached() -> dict[str, Any] | None:
            headers = {'OpenStack-API-Version': f'{KIND} latest'}
            found: dict[str, Any] = self.api.request(
                'GET', path, headers=headers
            )
            return found if found['state'] in states else None

        what = f'{path} to be {" or ".join(states)}'
        return waiting.wait_until(reached, what, timeout) or {}

    def _prepare(self) -> None:
        state = self._site.state

        def build(scratch: pathlib.Path) -> None:
            config = self._configure(scratch)
            # "upgrade" alters constraints, which SQLite cannot do.
            self._site.manage('watcher-db-manage', config, 'create_schema')
            config.unlink()

        templates.copy('watcher', state, build, self.say)
        self._config = self._configure(state)

    def _api(self) -> process.Service:
        return self._site.served(
            'watcher-api',
            'watcher.wsgi.api',
            self._port,
            {},
            '--config-file',
            self._config,
        )

    def _daemon(self, name: str) -> process.Service:
        command: list[str | os.PathLike[str]] = [
            self._site.program(name),
            '--config-file',
            self._config,
        ]
        log = self._site.state / f'{name}.log'
        # What it does at an orderly end is worth nothing here.
        return process.Service(name, command, log, grace=0)

    def _configure(self, state: pathlib.Path) -> pathlib.Path:
        where = self._where
        return conf.write(
            state / 'watcher.conf',
            {
                'DEFAULT': {
                    'transport_url': rabbit.url(where.rabbit_port),
                    'state_path': state,
                },
                'database': conf.sqlite(state / 'watcher.db'),
                'watcher_clients_auth': users.options(
                    where.auth_url, 'watcher'
                ),
                # Without storage, for which there would be a Cinder.
                'collector': {'collector_plugins': 'compute,metal'},
                'metal_drivers': {'poll_interval': 1},
            },
            where.authtoken('watcher'),
        )
