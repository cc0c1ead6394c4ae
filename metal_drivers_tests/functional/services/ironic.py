# SPDX-License-Identifier: Apache-2.0
"""A real Ironic by itself: no Keystone, no broker, one SQLite file."""

import pathlib

from metal_drivers_tests.functional.services import (
    baremetal,
    base,
    command,
    conf,
    ironic_service,
    process,
    rest,
    venvs,
)

_HASH = (
    'import bcrypt, sys;'
    'print(bcrypt.hashpw(sys.argv[1].encode(), bcrypt.gensalt(4)).decode())'
)


class StandaloneIronic(base.ServiceFixture, baremetal.BareMetal):
    """Ironic with ``fake-hardware``, and ``redfish`` if asked for.

    :param auth: 'noauth' or 'http_basic'.
    :param redfish: whether the real redfish hardware type is enabled.
    :param power_delay: seconds that the fake power interface takes; it is
        paid twice for a real change. 'MIN,MAX' is random.
    :param workers: size of the conductor's pool; 42, about the least it
        takes, makes a 503 easy to provoke.
    :param max_limit: nodes in one page of a listing at most.
    :param lock_retries: how often the conductor itself tries to lock a
        node, a second apart, before it answers 409.
    :param sync_interval: seconds between two looks at all power states.

    :ivar url: the endpoint, without ``/v1``.
    :ivar username: for http_basic, else None.
    :ivar password: for http_basic, else None.
    :ivar log: the file with its log.
    """

    name = 'ironic'

    def __init__(
        self,
        auth: str = 'noauth',
        redfish: bool = False,
        power_delay: float | str = 0,
        workers: int = 300,
        max_limit: int = 1000,
        lock_retries: int = 3,
        sync_interval: int = 120,
        say: venvs.Say | None = None,
    ) -> None:
        super().__init__(say)
        basic = auth == 'http_basic'
        self.auth = auth
        self.username = 'admin' if basic else None
        # No word that is anywhere else, as tests look for it.
        self.password = 's3cret-4711' if basic else None
        self._redfish = redfish
        self._options: conf.Sections = {
            'DEFAULT': {'auth_strategy': auth},
            'api': {'max_limit': max_limit},
            'conductor': {
                'node_locked_retry_attempts': lock_retries,
                'sync_power_state_interval': sync_interval,
                'workers_pool_size': workers,
            },
            'fake': {'power_delay': power_delay},
        }

    def _start(self) -> None:
        venv = venvs.ensure('ironic', self.say)
        state = self.directory / 'state'
        ironic_service.create_database(venv, state, self.say)
        port = process.free_port()
        self.url = f'http://127.0.0.1:{port}'
        config = conf.write(
            self.directory / 'ironic.conf',
            ironic_service.sections(state, port, self._redfish),
            self._options,
            self._users(venv),
        )
        self.log = self.directory / 'ironic.log'
        self.baremetal_api = rest.Rest(self.url, self._credentials)
        self.baremetal_database = state / ironic_service.DATABASE
        service = ironic_service.service(venv, config, self.log)
        self._service = self.useFixture(service)
        # At the end nothing is worth the seconds that an orderly one takes.
        self.addCleanup(service.release)
        self._wait()

    @property
    def _credentials(self) -> tuple[str, str] | None:
        if self.username is None or self.password is None:
            return None
        return self.username, self.password

    def restart(self, crash: bool = False) -> None:
        """Stop and start it again, with the same URL and database.

        :param crash: end it by SIGKILL instead of SIGTERM, so that what it
            was doing is left half done.
        """
        self.stop(crash)
        self.start()

    def stop(self, crash: bool = False) -> None:
        """Stop it; connections are refused until ``start``."""
        if crash:
            self._service.kill()
        else:
            self._service.stop()

    def start(self) -> None:
        """Start it after ``stop`` and wait until it answers."""
        self._service.start()
        self._wait()

    def pause(self) -> None:
        """Freeze it: connections are taken, nothing is answered."""
        self._service.pause()

    def resume(self) -> None:
        """Undo ``pause``."""
        self._service.resume()

    def _wait(self) -> None:
        # Drivers are listed only once the conductor has registered.
        self._service.wait_ready(
            lambda: process.answers(
                f'{self.url}/v1/drivers',
                'fake-hardware',
                auth=self._credentials,
            )
        )

    def _users(self, venv: pathlib.Path) -> conf.Sections:
        if self.password is None:
            return {}
        # bcrypt is at hand where Ironic is installed, not here.
        python = venv / 'bin' / 'python'
        hashed = command.run(python, '-I', '-c', _HASH, self.password)
        path = self.directory / 'htpasswd'
        path.write_text(f'{self.username}:{hashed}')
        return {'DEFAULT': {'http_basic_auth_user_file': path}}
