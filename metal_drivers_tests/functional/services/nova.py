# SPDX-License-Identifier: Apache-2.0
"""Nova: API, conductor, scheduler, and computes with the fake driver."""

import functools
import pathlib

from metal_drivers_tests.functional.services import (
    conf,
    endpoints,
    process,
    rabbit,
    templates,
)

# Nova fills these in from its configuration each time it reads them, so
# that a copied database fits any directory and any port.
_CELL0 = 'sqlite:////{path}_cell0?{query}'
_CELL1 = 'sqlite:////{path}?{query}'
_BROKER = 'rabbit://guest:guest@{hostname}:{port}/'

#: The file with the database of the cell of the computes.
CELL = 'cell'

REPORT_INTERVAL = 2
SERVICE_DOWN_TIME = 10


def compute_host(number: int) -> str:
    """Return the name of a compute host, counted from 1."""
    return f'compute-{number:02d}'


def hypervisor_id(number: int) -> str:
    """Return the UUID of a compute's hypervisor, counted from 1."""
    return f'00000000-0000-4000-8000-{number:012d}'


class Nova:
    """The processes of one Nova, and their configuration."""

    def __init__(self, site: endpoints.Site) -> None:
        self._site = site
        self._where = site.where
        self._state = site.state

    def prepare(self, computes: int) -> None:
        """Write configuration, empty databases, and the computes' ids."""
        templates.copy('nova', self._state, self._build, self._site.say)
        self._configure(self._state)
        for number in range(1, computes + 1):
            self._configure_compute(number)

    def api(self) -> process.Service:
        """Return the API's process, to be started."""
        paste = self._site.venv / 'etc' / 'nova' / 'api-paste.ini'
        return self._site.served(
            'nova-api',
            'nova.wsgi.osapi_compute',
            self._where.nova_port,
            {
                'OS_NOVA_CONFIG_DIR': str(self._state),
                'OS_NOVA_CONFIG_FILES': f'{paste};nova.conf',
            },
        )

    def daemon(self, name: str) -> process.Service:
        """Return 'nova-conductor' or 'nova-scheduler', to be started."""
        return self._process(name, name, [])

    def compute(self, number: int) -> process.Service:
        """Return a nova-compute, to be started."""
        name = compute_host(number)
        return self._process('nova-compute', name, [self._state / name])

    def _process(
        self, program: str, name: str, directories: list[pathlib.Path]
    ) -> process.Service:
        files = [d / 'nova.conf' for d in (self._state, *directories)]
        command: list[str | pathlib.Path] = [self._site.program(program)]
        for path in files:
            command += ['--config-file', path]
        log = self._state / f'{name}.log'
        # They may take their whole graceful_shutdown_timeout.
        return process.Service(name, command, log, grace=0)

    def _build(self, scratch: pathlib.Path) -> None:
        config = self._configure(scratch)
        manage = functools.partial(self._site.manage, 'nova-manage', config)
        manage('api_db', 'sync')
        cell0 = ['--database_connection', _CELL0]
        manage('cell_v2', 'map_cell0', *cell0)
        cell1 = ['--database_connection', _CELL1, '--transport-url', _BROKER]
        manage('cell_v2', 'create_cell', '--name', 'cell1', *cell1)
        manage('db', 'sync')

    def _configure_compute(self, number: int) -> None:
        state = self._state / compute_host(number)
        options = {'host': compute_host(number), 'state_path': state}
        conf.write(state / 'nova.conf', {'DEFAULT': options})
        # From here the driver takes its hypervisor's id, if told to.
        (state / 'compute_id').write_text(hypervisor_id(number))

    def _configure(self, state: pathlib.Path) -> pathlib.Path:
        account = self._where.account('nova')
        return conf.write(
            state / 'nova.conf',
            {
                'DEFAULT': {
                    'transport_url': rabbit.url(self._where.rabbit_port),
                    # Plain fake.FakeDriver makes up an id in each process,
                    # with which nova-compute starts only once.
                    'compute_driver': 'fake.FakeDriverWithoutFakeNodes',
                    'state_path': state,
                    'my_ip': '127.0.0.1',
                    'report_interval': REPORT_INTERVAL,
                    'service_down_time': SERVICE_DOWN_TIME,
                    'periodic_fuzzy_delay': 0,
                    'update_resources_interval': 3,
                    'heal_instance_info_cache_interval': -1,
                },
                'api_database': conf.sqlite(state / 'api'),
                'database': conf.sqlite(state / CELL),
                'conductor': {'workers': 1},
                'scheduler': {
                    'workers': 1,
                    'discover_hosts_in_cells_interval': 2,
                },
                'oslo_concurrency': {'lock_path': state / 'lock'},
                'placement': account | {'username': 'placement'},
                'glance': account,
                'neutron': account,
                'service_user': {
                    **account,
                    'send_service_user_token': True,
                },
            },
            self._where.authtoken('nova'),
        )
