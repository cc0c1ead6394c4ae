# SPDX-License-Identifier: Apache-2.0
"""BMCs to test with: a real emulator, and one that fails as it is told."""

import base64
import pathlib
import socket
import subprocess
import sys
import time
import uuid

import fixtures
import requests
import yaml

from metal_drivers_redfish.driver import RedfishDriver
from metal_drivers_tests.emulators import http, messages

PATH = '/redfish/v1/Systems/{}'
RESET = '/Actions/ComputerSystem.Reset'
USER, PASSWORD = 'admin', 's3cret-Bmc'
# What bcrypt makes of that password.
_HASH = '$2b$04$C8DeqkVgeXCBxXE3Zs379eM8O8QwS24nR1aLKHduxHCkwjCeBO7cS'
# The emulator takes its configuration as Python, and up to 11 seconds at
# random for each change of power: here none.
_CONFIGURATION = """\
import types
from sushy_tools.emulator.resources.systems import fakedriver
fakedriver.random = types.SimpleNamespace(randint=lambda low, high: 0)
SUSHY_EMULATOR_FAKE_SYSTEMS = {systems!r}
SUSHY_EMULATOR_STATE_DIR = {folder!r}
SUSHY_EMULATOR_AUTH_FILE = {users!r}
"""


class SushyEmulator(fixtures.Fixture):
    """The emulator of sushy-tools, with systems that are on.

    :ivar urls: those of the systems, by the hosts on them.
    """

    def __init__(self, *hosts):
        super().__init__()
        self._ids = {host: str(uuid.uuid4()) for host in hosts}

    def _setUp(self):
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.log = folder / 'log'
        users = folder / 'users'
        users.write_text(f'{USER}:{_HASH}\n')
        config = folder / 'emulator.conf'
        config.write_text(
            _CONFIGURATION.format(
                systems=[
                    {
                        'uuid': system,
                        'name': host,
                        'power_state': 'On',
                        'external_notifier': False,
                        'nics': [],
                    }
                    for host, system in self._ids.items()
                ],
                folder=str(folder),
                users=str(users),
            )
        )
        port = _free_port()
        address = f'http://127.0.0.1:{port}/redfish/v1'
        self.urls = {
            host: f'{address}/Systems/{system}'
            for host, system in self._ids.items()
        }
        command = pathlib.Path(sys.executable).with_name('sushy-emulator')
        where = ['--interface', '127.0.0.1', '--port', str(port)]
        with self.log.open('w') as log:
            process = subprocess.Popen(
                [command, '--fake', '--config', config, *where],
                stdout=log,
                stderr=log,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        self._wait(process, address)

    def _wait(self, process, address):
        deadline = time.monotonic() + 60
        while True:
            try:
                requests.get(f'{address}/', timeout=5)
                return
            except requests.ConnectionError:
                if process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                raise AssertionError(self.log.read_text()) from None

    def requested(self):
        """Method and path of each request so far."""
        lines = self.log.read_text().splitlines()
        return [line.split('"')[1] for line in lines if 'HTTP/1.1"' in line]


def _free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


class ScriptedBmc(http.HttpEmulator):
    """A BMC of two systems, for faults; see ``fail``.

    :ivar systems: what it has of each, by path.
    :ivar resets: path and reset type of each command that was carried out.
    :ivar users: what the Authorization header has to be.
    """

    def __init__(self):
        super().__init__()
        self.users = {basic(USER, PASSWORD)}
        self.resets = []
        self.held = None
        self.systems = {path: _system(path) for path in map(PATH.format, 'AB')}

    @property
    def urls(self):
        """Those of the systems, by the hosts on them."""
        return {
            f'compute-{path[-1]}': self.url + path for path in self.systems
        }

    def routes(self):
        path = PATH.format('(?P<name>.)')
        return (
            http.route('GET', path, self.show),
            http.route('POST', f'{path}{RESET}', self.reset),
        )

    def before(self, request):
        if request.headers.get('Authorization') not in self.users:
            raise messages.Refusal(messages.json_reply({}, 401))

    def show(self, request, name):
        return messages.json_reply(self.systems[PATH.format(name)])

    def reset(self, request, name):
        path, kind = PATH.format(name), request.json()['ResetType']
        self.resets.append((path, kind))
        state = {'PowerState': 'On' if kind == 'On' else 'Off'}
        if self.held is None:
            self.systems[path] |= state
        else:
            self.held.append((path, state))
        return messages.Reply(204)

    def hold(self):
        """Carry nothing out until the returned function is called."""
        self.held = []

        def release():
            held, self.held = self.held, None
            for path, state in held:
                self.systems[path] |= state

        return release


def basic(user, password):
    both = f'{user}:{password}'.encode()
    return f'Basic {base64.b64encode(both).decode()}'


def _system(path):
    return {
        '@odata.id': path,
        'Id': path[-1],
        'UUID': f'4C4C4544-0042-3510-8053-B4C04F4A4C3{path[-1]}',
        'PowerState': 'On',
        'Status': {'State': 'Enabled', 'Health': 'OK'},
        'Actions': {
            '#ComputerSystem.Reset': {
                'target': f'{path}{RESET}',
                'ResetType@Redfish.AllowableValues': [
                    'On',
                    'ForceOff',
                    'GracefulShutdown',
                ],
            }
        },
    }


class Files(fixtures.Fixture):
    """An inventory and credentials, as a deployer writes them.

    :param systems: URLs of systems, by host.
    :param uuid: of each system; any where it is None.
    :ivar config: the options of a driver that reads them.
    """

    def __init__(self, systems, password=PASSWORD, uuid=None, **options):
        super().__init__()
        self._servers = {
            host: {'system': url, 'credentials': 'rack-1'}
            | ({'uuid': uuid} if uuid else {})
            for host, url in systems.items()
        }
        self._users = {'rack-1': {'username': USER, 'password': password}}
        self._options = options

    def _setUp(self):
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.inventory = folder / 'inventory.yaml'
        self.credentials = folder / 'credentials.yaml'
        self.inventory.write_text(
            yaml.safe_dump(self._servers, sort_keys=False)
        )
        self.credentials.write_text(yaml.safe_dump(self._users))
        self.credentials.chmod(0o600)
        self.config = {
            **{
                opt.dest: opt.default
                for opt in RedfishDriver.get_config_opts()
            },
            'inventory_file': str(self.inventory),
            'credentials_file': str(self.credentials),
            **self._options,
        }
