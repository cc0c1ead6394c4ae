# SPDX-License-Identifier: Apache-2.0
"""A fake BMC that speaks real Redfish: sushy-tools' emulator."""

import re
import uuid
from collections.abc import Sequence
from typing import Any

from metal_drivers_tests.functional.services import (
    base,
    process,
    rest,
    venvs,
)

# The emulator takes a random time of up to 11 seconds for each change of
# power, and reads its configuration as Python. A system for which there is a
# file is jammed.
_CONFIGURATION = """\
import os
import types
from sushy_tools.emulator.resources.systems import fakedriver
fakedriver.random = types.SimpleNamespace(randint=lambda low, high: {delay})
change = fakedriver.FakeDriver.set_power_state
def set_power_state(self, identity, state):
    if not os.path.exists(os.path.join({state!r}, identity)):
        change(self, identity, state)
fakedriver.FakeDriver.set_power_state = set_power_state
SUSHY_EMULATOR_FAKE_SYSTEMS = {systems!r}
SUSHY_EMULATOR_STATE_DIR = {state!r}
SUSHY_EMULATOR_AUTH_FILE = {users!r}
"""

USER, PASSWORD = 'admin', 'secret'
# The hash of that password, the quickest that bcrypt has.
_HASH = '$2b$04$T5/4BeTN41q4YRIqohEsaOCWzD/SM5LKdxFPQJOfwxkDIbXac/4CC'


class RedfishBMC(base.ServiceFixture):
    """Redfish systems of one BMC, all off at first unless said otherwise.

    It takes one user, with HTTP basic authentication.

    :param systems: their names.
    :param power: the state they start in, 'On' or 'Off'.
    :param power_delay: whole seconds that a change of power takes.

    :ivar address: the BMC's URL.
    :ivar system_ids: the systems' UUIDs, in the order of their names.
    """

    name = 'redfish'

    def __init__(
        self,
        systems: Sequence[str] = ('fake-1',),
        power: str = 'Off',
        power_delay: int = 1,
        say: venvs.Say | None = None,
    ) -> None:
        super().__init__(say)
        self._names = list(systems)
        self._power = power
        self._delay = power_delay

    @property
    def system_id(self) -> str:
        """The first system's UUID."""
        return self.system_ids[0]

    def _start(self) -> None:
        venv = venvs.ensure('sushy-tools', self.say)
        port = process.free_port()
        self.address = f'http://127.0.0.1:{port}'
        self.system_ids = [str(uuid.uuid4()) for _ in self._names]
        users = self.directory / 'users'
        users.write_text(f'{USER}:{_HASH}\n')
        config = self.directory / 'emulator.conf'
        config.write_text(
            _CONFIGURATION.format(
                delay=self._delay,
                systems=self._systems(),
                state=str(self.directory),
                users=str(users),
            )
        )
        emulator = str(venv / 'bin' / 'sushy-emulator')
        where = ['--interface', '127.0.0.1', '--port', str(port)]
        service = process.Service(
            'sushy-emulator',
            [emulator, '--fake', '--config', str(config), *where],
            self.directory / 'emulator.log',
        )
        self._service = self.useFixture(service)
        url = f'{self.address}/redfish/v1/Systems'
        auth = USER, PASSWORD
        self._service.wait_ready(lambda: process.answers(url, 'Members', auth))

    def _systems(self) -> list[dict[str, object]]:
        return [
            {
                'uuid': system_id,
                'name': name,
                'power_state': self._power,
                'external_notifier': False,
                'nics': [],
            }
            for name, system_id in zip(
                self._names, self.system_ids, strict=True
            )
        ]

    def driver_info(self, system_id: str | None = None) -> dict[str, str]:
        """Return what an Ironic node needs to reach a system, the first."""
        return _driver_info(self.address, system_id or self.system_id)

    def wrong_system(self) -> dict[str, str]:
        """Return the same for a system that this BMC does not have."""
        return self.driver_info(str(uuid.UUID(int=0)))

    def unreachable(self) -> dict[str, str]:
        """Return the same for an address where nothing listens."""
        address = f'http://127.0.0.1:{process.free_port()}'
        return _driver_info(address, self.system_id)

    def power_state(self, system_id: str | None = None) -> str:
        """Ask the BMC itself: 'On' or 'Off'."""
        bmc = rest.Rest(self.address, (USER, PASSWORD))
        path = f'/redfish/v1/Systems/{system_id or self.system_id}'
        system: dict[str, Any] = bmc.request('GET', path)
        return str(system['PowerState'])

    def url(self, system_id: str | None = None) -> str:
        """That of a system, the first."""
        path = f'/redfish/v1/Systems/{system_id or self.system_id}'
        return self.address + path

    def requests(self) -> list[str]:
        """Method and path of each request that it has answered."""
        log = self._service.log.read_text()
        return re.findall(r'"([A-Z]+ \S+) HTTP/1.1"', log)

    def jam(self, system_id: str) -> None:
        """Have a system accept every change of power, and make none."""
        (self.directory / system_id).touch()

    def pause(self) -> None:
        """Freeze the BMC: it takes connections and does not answer."""
        self._service.pause()

    def resume(self) -> None:
        """Undo ``pause``."""
        self._service.resume()


def _driver_info(address: str, system_id: str) -> dict[str, str]:
    return {
        'redfish_address': address,
        'redfish_system_id': f'/redfish/v1/Systems/{system_id}',
        'redfish_username': USER,
        'redfish_password': PASSWORD,
    }
