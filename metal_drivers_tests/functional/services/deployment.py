# SPDX-License-Identifier: Apache-2.0
"""The services of a cloud, installed, configured and in the right order."""

import functools
import pathlib
from collections.abc import Callable

from metal_drivers_tests.functional.services import (
    command,
    conf,
    endpoints,
    glance,
    ironic_service,
    keystone,
    nova,
    placement,
    process,
    rabbit,
    venvs,
)

# The slowest first, so that the others fill the time.
_INSTALLED = ('nova', 'ironic', 'keystone', 'glance', 'placement')

Run = Callable[[process.Service], process.Service]


class Deployment:
    """A cloud on disk, and its processes.

    :param directory: for everything that it writes.
    :param ironic_options: added to the configuration of Ironic.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        where: endpoints.Endpoints,
        ironic_options: conf.Sections,
        say: venvs.Say,
    ) -> None:
        self._directory = directory
        self._where = where
        self._ironic_options = ironic_options
        self._say = say
        self._sites: dict[str, endpoints.Site] = {}

    @property
    def ironic_database(self) -> pathlib.Path:
        """The file with the database of Ironic."""
        return self._directory / 'ironic' / ironic_service.DATABASE

    @property
    def cell_database(self) -> pathlib.Path:
        """The file with the database of the cell of the computes."""
        return self._directory / 'nova' / nova.CELL

    def prepare(self, computes: int) -> None:
        """Install what is missing; write configuration and databases.

        :raises ServiceUnavailable: if something cannot be installed.
        """
        rabbit.ensure(self._say)
        venv = command.parallel(
            {
                name: functools.partial(venvs.ensure, name, self._say)
                for name in _INSTALLED
            }
        )
        self._sites = {
            name: endpoints.Site(
                path, self._directory / name, self._where, self._say
            )
            for name, path in venv.items()
        }
        self._nova = nova.Nova(self._sites['nova'])
        site = self._sites
        command.parallel(
            {
                'nova': lambda: self._nova.prepare(computes),
                'keystone': lambda: keystone.prepare(site['keystone']),
                'glance': lambda: glance.prepare(site['glance']),
                'ironic': self._prepare_ironic,
                'placement': lambda: placement.prepare(site['placement']),
            }
        )

    def _prepare_ironic(self) -> None:
        site = self._sites['ironic']
        ironic_service.create_database(site.venv, site.state, site.say)
        self.configure_ironic({})

    def configure_ironic(self, options: conf.Sections) -> None:
        """Write the configuration of Ironic, read when it starts."""
        site = self._sites['ironic']
        conf.write(
            site.state / 'ironic.conf',
            ironic_service.sections(site.state, self._where.ironic_port),
            self._ironic_options,
            options,
            self._where.authtoken('ironic'),
        )

    def start(self, run: Run) -> None:
        """Start everything but the computes, and wait until it answers.

        :param run: starts a process.
        """
        where, site = self._where, self._sites
        identity = run(keystone.service(site['keystone']))
        broker = rabbit.service(self._directory / 'rabbit', where.rabbit_port)
        run(broker)
        front = [
            (run(placement.service(site['placement'])), 'placement'),
            (run(glance.service(site['glance'])), 'image'),
            (run(self._ironic()), 'baremetal'),
        ]
        identity.wait_ready(lambda: process.answers(where.auth_url, 'v3'))
        keystone.register(where)
        broker.wait_ready(lambda: process.listens(where.rabbit_port))
        # Nova's services read the catalog once, when they start.
        run(self._nova.daemon('nova-conductor'))
        run(self._nova.daemon('nova-scheduler'))
        front.append((run(self._nova.api()), 'compute'))
        for service, kind in front:
            url = where.root(kind)
            service.wait_ready(functools.partial(process.answers, url))

    def _ironic(self) -> process.Service:
        site = self._sites['ironic']
        return ironic_service.service(
            site.venv, site.state / 'ironic.conf', site.state / 'ironic.log'
        )

    def compute(self, number: int) -> process.Service:
        """Return the process of a compute, to be started."""
        return self._nova.compute(number)
