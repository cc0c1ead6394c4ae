# SPDX-License-Identifier: Apache-2.0
"""BMCs to test with: a real emulator, and one that fails as it is told."""

import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

import fixtures
import yaml

from metal_drivers_redfish.driver import RedfishDriver
from metal_drivers_tests.emulators import http, messages

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
        with self.log.open('w') as log:
            process = subprocess.Popen(
                [command, '--fake', '--config', config]
                + ['--interface', '127.0.0.1', '--port', str(port)],
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
                urllib.request.urlopen(f'{address}/', timeout=5).close()
                return
            except urllib.error.URLError:
                if process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                raise AssertionError(self.log.read_text()) from None

    def requests(self):
        """Method and path of each request so far."""
        lines = self.log.read_text().splitlines()
        return [line.split('"')[1] for line in lines if 'HTTP/1.1"' in line]


def _free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


class ScriptedBmc(http.HttpEmulator):
    """A BMC of one system, for faults; see ``fail``.

    :ivar system: what it has of the system.
    """

    def __init__(self):
        super().__init__()
        path = '/redfish/v1/Systems/1'
        self.system = {
            '@odata.id': path,
            'Id': '1',
            'UUID': '4C4C4544-0042-3510-8053-B4C04F4A4C32',
            'PowerState': 'On',
            'Status': {'State': 'Enabled', 'Health': 'OK'},
            'Actions': {
                '#ComputerSystem.Reset': {
                    'target': f'{path}/Actions/ComputerSystem.Reset',
                    'ResetType@Redfish.AllowableValues': [
                        'On',
                        'ForceOff',
                        'GracefulShutdown',
                    ],
                }
            },
        }

    @property
    def system_url(self):
        return f'{self.url}/redfish/v1/Systems/1'

    @property
    def resets(self):
        """The reset types that were asked for."""
        return [
            request.json()['ResetType']
            for request in self.requests
            if request.method == 'POST'
        ]

    def routes(self):
        path = '/redfish/v1/Systems/1'
        reset = f'{path}/Actions/ComputerSystem.Reset'
        return (
            http.route('GET', path, self.show),
            http.route('POST', reset, self.reset),
        )

    def show(self, request):
        return messages.json_reply(self.system)

    def reset(self, request):
        on = request.json()['ResetType'] == 'On'
        self.system['PowerState'] = 'On' if on else 'Off'
        return messages.Reply(204)


class Files(fixtures.Fixture):
    """An inventory and credentials, as a deployer writes them.

    :param systems: URLs of systems, by host.
    :ivar config: the options of a driver that reads them.
    """

    def __init__(self, systems, password=PASSWORD, **options):
        super().__init__()
        self._servers = {
            host: {'system': url, 'credentials': 'rack-1'}
            for host, url in systems.items()
        }
        self._users = {'rack-1': {'username': USER, 'password': password}}
        self._options = options

    def _setUp(self):
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.inventory = folder / 'inventory.yaml'
        self.credentials = folder / 'credentials.yaml'
        self.inventory.write_text(yaml.safe_dump(self._servers))
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
