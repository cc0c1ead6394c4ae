# SPDX-License-Identifier: Apache-2.0
"""Where the services of one cloud listen, and what they share."""

import dataclasses
import pathlib

from metal_drivers_tests.functional.services import (
    command,
    conf,
    process,
    users,
    venvs,
)


def _port() -> int:
    return dataclasses.field(default_factory=process.free_port)


@dataclasses.dataclass(frozen=True)
class Endpoints:
    """Ports on 127.0.0.1, chosen when this is made, and their URLs."""

    neutron_port: int
    keystone_port: int = _port()
    placement_port: int = _port()
    nova_port: int = _port()
    glance_port: int = _port()
    ironic_port: int = _port()
    rabbit_port: int = _port()

    @property
    def auth_url(self) -> str:
        """Keystone, with ``/v3``."""
        return f'http://127.0.0.1:{self.keystone_port}/v3'

    @property
    def catalog(self) -> dict[str, tuple[str, str]]:
        """For each service type its name and its URL."""
        return {
            'identity': ('keystone', self.auth_url),
            'placement': ('placement', _url(self.placement_port)),
            'compute': ('nova', f'{_url(self.nova_port)}/v2.1'),
            'image': ('glance', _url(self.glance_port)),
            'network': ('neutron', _url(self.neutron_port)),
            'baremetal': ('ironic', _url(self.ironic_port)),
        }

    def url(self, service_type: str) -> str:
        """Return the URL that the catalog has for a service type."""
        return self.catalog[service_type][1]

    def root(self, service_type: str) -> str:
        """Return the URL at which a service lists its versions."""
        scheme, host = self.url(service_type).split('://')
        return f'{scheme}://{host.partition("/")[0]}/'

    def account(self, user: str) -> dict[str, str]:
        """Return the options with which a service calls another."""
        region = {'region_name': users.REGION}
        return {**users.options(self.auth_url, user), **region}

    def authtoken(self, user: str) -> conf.Sections:
        """Return how a service checks the tokens that it is sent."""
        return {
            'keystone_authtoken': {
                **users.options(self.auth_url, user),
                'www_authenticate_uri': self.auth_url,
                'service_token_roles_required': True,
            }
        }


def _url(port: int) -> str:
    return f'http://127.0.0.1:{port}'


@dataclasses.dataclass(frozen=True)
class Site:
    """What one service of a cloud is given.

    :ivar venv: its virtual environment.
    :ivar state: the directory for its configuration, databases and logs.
    """

    venv: pathlib.Path
    state: pathlib.Path
    where: Endpoints
    say: venvs.Say

    def program(self, name: str) -> pathlib.Path:
        """Return the path of a program of the service."""
        return self.venv / 'bin' / name

    def manage(self, program: str, config: pathlib.Path, *words: str) -> None:
        """Run one of the service's management commands to its end."""
        command.run(self.program(program), '--config-file', config, *words)

    def served(
        self,
        name: str,
        module: str,
        port: int,
        environment: dict[str, str],
        *arguments: str | pathlib.Path,
    ) -> process.Service:
        """Return a process that serves ``module.application``.

        :param arguments: for an application that parses them itself.
        """
        script = pathlib.Path(__file__).with_name('serve.py')
        return process.Service(
            name,
            [
                self.program('python'),
                '-sP',
                script,
                module,
                str(port),
                *arguments,
            ],
            self.state / f'{name}.log',
            environment,
            grace=2,
        )
