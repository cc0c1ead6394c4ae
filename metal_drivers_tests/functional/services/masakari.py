# SPDX-License-Identifier: Apache-2.0
"""Masakari beside a cloud: API and engine, unmodified, without monitors."""

import datetime
import functools
import os
from typing import Any

from metal_drivers_tests.functional.services import (
    base,
    cloud,
    conf,
    endpoints,
    errors,
    keystone,
    process,
    rabbit,
    rest,
    templates,
    users,
    venvs,
    waiting,
)

KIND = 'instance-ha'

#: What it writes into Nova for a host that a monitor reported.
REASON = 'Masakari detected host failed.'

_LISTENS = 'Starting ha_engine'


class Masakari(base.ServiceFixture):
    """Masakari, which is told by a test what monitors would tell it.

    Its waits are short: an evacuation of nothing takes some 3 seconds.

    :param around: the cloud whose hosts it watches.

    :ivar api: its API, as the administrator.
    :ivar engine: the process that recovers hosts.
    :ivar server: the process of the API.
    """

    name = 'masakari'

    def __init__(
        self, around: cloud.Cloud, say: venvs.Say | None = None
    ) -> None:
        super().__init__(say)
        self._where = around.where
        self._port = process.free_port()

    @property
    def url(self) -> str:
        """Its endpoint, as the catalog has it."""
        return f'http://127.0.0.1:{self._port}/v1'

    def _start(self) -> None:
        self._site = endpoints.Site(
            venvs.ensure('masakari', self.say),
            self.directory / 'masakari',
            self._where,
            self.say,
        )
        state = self._site.state
        templates.copy('masakari', state, self._build, self.say)
        self._config = self._configure()
        self.say('starting Masakari')
        self.server = self.useFixture(self._daemon('masakari-api'))
        self.engine = self.useFixture(self._daemon('masakari-engine'))
        auth = users.TokenAuth(self._where.auth_url, users.ADMIN)
        self.api = rest.Rest(self.url, auth)
        keystone.add_service(self._where, KIND, 'masakari', self.url)
        self.wait_api()
        self.engine.wait_ready(lambda: self.engine.logged(_LISTENS))

    def wait_api(self) -> None:
        """Wait until the API answers, after a ``start`` of it."""
        root = f'http://127.0.0.1:{self._port}/'
        self.server.wait_ready(functools.partial(process.answers, root))

    def create_segment(self, name: str, method: str = 'auto') -> str:
        """Return the uuid of a new segment."""
        body = {
            'name': name,
            'recovery_method': method,
            'service_type': 'compute',
        }
        reply = self.api.request('POST', '/segments', {'segment': body})
        return str(reply['segment']['uuid'])

    def delete_segment(self, segment: str) -> None:
        """Delete a segment and its hosts, once nothing is under way."""
        path = f'/segments/{segment}'

        def deleted() -> bool:
            try:
                self.api.request('DELETE', path)
            except errors.RequestFailed as error:
                if error.status != 409:
                    raise
                return False
            return True

        waiting.wait_until(deleted, f'{path} to be left alone', 60)

    def add_host(self, segment: str, name: str, **fields: Any) -> str:
        """Return the uuid of a compute host that is now watched."""
        body = {
            'name': name,
            'type': 'COMPUTE',
            'control_attributes': 'SSH',
            **fields,
        }
        path = f'/segments/{segment}/hosts'
        reply = self.api.request('POST', path, {'host': body})
        return str(reply['host']['uuid'])

    def host(self, segment: str, host: str) -> dict[str, Any]:
        """What it says of a host."""
        path = f'/segments/{segment}/hosts/{host}'
        found: dict[str, Any] = self.api.request('GET', path)['host']
        return found

    def report_down(self, name: str) -> str | None:
        """Tell it what a monitor does that saw a host go down.

        :returns: the uuid of the notification; None: it was ignored,
            because the host is under maintenance.
        """
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        body = {
            'type': 'COMPUTE_HOST',
            'hostname': name,
            'generated_time': now.isoformat(timespec='seconds'),
            'payload': {
                'event': 'STOPPED',
                'host_status': 'NORMAL',
                'cluster_status': 'OFFLINE',
            },
        }
        try:
            reply = self.api.request(
                'POST', '/notifications', {'notification': body}
            )
        except errors.RequestFailed as error:
            if error.status != 409 or 'maintenance' not in str(error):
                raise
            return None
        return str(reply['notification']['notification_uuid'])

    def wait_notification(self, notification: str) -> None:
        """Wait until what was reported has been dealt with."""
        path = f'/notifications/{notification}'

        def done() -> bool:
            found = self.api.request('GET', path)['notification']
            return found['status'] in ('finished', 'ignored', 'failed')

        waiting.wait_until(done, f'{path} to be finished', 60)

    def _build(self, scratch: Any) -> None:
        config = conf.write(
            scratch / 'masakari.conf',
            {
                'database': conf.sqlite(scratch / 'masakari.db'),
                # Even this program wants one.
                'taskflow': {'connection': f'sqlite:///{scratch}/taskflow.db'},
            },
        )
        self._site.manage('masakari-manage', config, 'db', 'sync')
        config.unlink()

    def _daemon(self, name: str) -> process.Service:
        command: list[str | os.PathLike[str]] = [
            self._site.program(name),
            '--config-file',
            self._config,
        ]
        log = self._site.state / f'{name}.log'
        return process.Service(
            name,
            command,
            log,
            {'HOME': str(self._site.state)},
            grace=0,
        )

    def _configure(self) -> Any:
        state, where = self._site.state, self._where
        paste = self._site.venv / 'etc' / 'masakari' / 'api-paste.ini'
        return conf.write(
            state / 'masakari.conf',
            {
                'DEFAULT': {
                    'transport_url': rabbit.url(where.rabbit_port),
                    'host': 'masakari',
                    'state_path': state,
                    'auth_strategy': 'keystone',
                    'masakari_api_listen': '127.0.0.1',
                    'masakari_api_listen_port': self._port,
                    'masakari_api_workers': 1,
                    'nova_catalog_admin_info': 'compute:nova:publicURL',
                    'os_region_name': users.REGION,
                    'os_privileged_user_name': 'masakari',
                    'os_privileged_user_password': users.PASSWORD,
                    'os_privileged_user_tenant': 'service',
                    'os_privileged_user_auth_url': where.auth_url,
                    'os_user_domain_name': 'Default',
                    'os_project_domain_name': 'Default',
                    'duplicate_notification_detection_interval': 1,
                    # The default is 180.
                    'wait_period_after_service_update': 1,
                    'periodic_fuzzy_delay': 0,
                },
                'database': conf.sqlite(state / 'masakari.db'),
                'taskflow': {
                    'connection': f'sqlite:///{state}/taskflow.db?timeout=30'
                },
                'oslo_concurrency': {'lock_path': state / 'lock'},
                'wsgi': {'api_paste_config': paste},
            },
            where.authtoken('masakari'),
        )
