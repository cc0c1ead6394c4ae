# SPDX-License-Identifier: Apache-2.0
"""The service of the sample driver, on loopback, under full control."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from metal_drivers import conformance
from metal_drivers.model import Node, PowerState
from metal_drivers_tests.emulators import faults, http, messages
from metal_drivers_tests.unit.conformance.sample import SampleDriver

TOKEN = 's3cret/t0ken+4711'


@dataclasses.dataclass
class Machine:
    """One machine; what it really does, and what is known of it."""

    id: str
    name: str
    power: str | None = 'on'
    target: str | None = None
    soft: bool = True
    fault: str | None = None
    known: bool = True
    alias: str | None = None

    @property
    def names(self) -> set[str]:
        """What a host on it may be called."""
        return {self.name, f'{self.name}.example', self.alias or self.name}

    def view(self) -> dict[str, Any]:
        power = self.power if self.known else None
        return dataclasses.asdict(self) | {'power': power}


class SampleService(http.HttpEmulator):
    """``machines`` of them, all on."""

    def __init__(self, machines: int = 3) -> None:
        super().__init__()
        names = [f'm{number}' for number in range(1, machines + 1)]
        self.machines = {
            name: Machine(name, f'metal-{name}') for name in names
        }
        # Nobody can tell the hosts of these two apart by this name.
        self.machines['m2'].alias = self.machines['m3'].alias = 'rack-2'
        self.commands: list[conformance.Command] = []
        self.held = False
        self._lock = threading.Lock()

    def routes(self) -> Iterable[http.Route]:
        one = '/machines/(?P<key>[^/]+)'
        return (
            http.route('GET', '/machines', self._list),
            http.route('GET', one, self._show),
            http.route('PUT', one, self._switch),
        )

    def before(self, request: messages.Request) -> None:
        if request.headers.get('X-Token') != TOKEN:
            raise messages.Refusal(messages.json_reply({}, 401))

    def release(self) -> None:
        """Carry out what is under way, and hold nothing any longer."""
        with self._lock:
            self.held = False
            for machine in self.machines.values():
                if machine.target is not None:
                    machine.power, machine.target = machine.target, None

    def _list(self, request: messages.Request) -> messages.Reply:
        like = (request.last('like') or '').casefold()
        with self._lock:
            found = [*self.machines.values()]
            if 'like' in request.query:
                found = [
                    each
                    for each in found
                    if like == each.id or like in each.names
                ]
                names = {name for each in found for name in each.names}
                found += [
                    each
                    for each in self.machines.values()
                    if each not in found and each.names & names
                ]
            views = [machine.view() for machine in found]
        return messages.json_reply(views)

    def _show(self, request: messages.Request, key: str) -> messages.Reply:
        with self._lock:
            if key not in self.machines:
                return messages.json_reply({}, 404)
            return messages.json_reply(self.machines[key].view())

    def _switch(self, request: messages.Request, key: str) -> messages.Reply:
        body = request.json()
        with self._lock:
            machine = self.machines.get(key)
            if machine is None:
                return messages.json_reply({}, 404)
            what = body['power']
            if what == 'soft off' and not machine.soft:
                return messages.json_reply({}, 400)
            self.commands.append(
                conformance.Command(key, what, body.get('timeout'))
            )
            wanted = what.removeprefix('soft ')
            if wanted == 'restart':
                wanted = 'on'
            if machine.power != wanted:
                machine.target = wanted
            if machine.target is not None and not self.held:
                machine.power, machine.target = machine.target, None
            return messages.json_reply(machine.view())


class SampleHooks(conformance.Hooks):
    """All hooks, for a driver of this class.

    :param service: started.
    """

    secrets = (TOKEN,)
    unknown_id = 'zzzz'
    patience = 2.0
    poll_interval = 0.01

    def __init__(
        self,
        service: SampleService,
        driver: type[SampleDriver] = SampleDriver,
    ) -> None:
        self.service, self.kind = service, driver

    def create_driver(self) -> SampleDriver:
        return self.kind({'url': self.service.url, 'token': TOKEN})

    def create_unreachable_driver(self) -> SampleDriver:
        return self.kind({'url': 'http://127.0.0.1:1', 'token': TOKEN})

    def create_unauthorised_driver(self) -> SampleDriver:
        return self.kind({'url': self.service.url, 'token': 'wr0ng'})

    def create_silent_driver(self, address: str) -> SampleDriver:
        return self.kind(
            {'url': f'http://{address}', 'token': TOKEN, 'timeout': 0.05}
        )

    def switchable_nodes(self) -> Sequence[Node]:
        return [
            Node(machine.id, machine.name, PowerState.ON)
            for machine in self.service.machines.values()
        ]

    def hosts(self) -> dict[str, str]:
        return {
            machine.id: machine.name
            for machine in self.service.machines.values()
        }

    def requests_made(self) -> int:
        return len(self.service.requests)

    def commands(self) -> Sequence[conformance.Command]:
        return list(self.service.commands)

    def make_unknown(self, node: Node) -> Callable[[], object]:
        machine = self.service.machines[node.id]
        machine.known = False
        return lambda: setattr(machine, 'known', True)

    def make_unreachable(self, node: Node) -> Callable[[], object]:
        machine = self.service.machines[node.id]
        machine.known, machine.fault = False, 'its BMC does not answer'

        def undo() -> None:
            machine.known, machine.fault = True, None

        return undo

    def switch_outside(self, node: Node, state: PowerState) -> None:
        self.service.machines[node.id].power = state.value

    def hold(self) -> Callable[[], object]:
        self.service.held = True
        return self.service.release

    def lose_reply(self) -> Callable[[], object]:
        rule = self.service.fail(
            messages.matching('PUT'), faults.close(performed=True)
        )
        return lambda: self.service.heal(rule)

    def lose_reply_to_proxy(self, status: int) -> Callable[[], object]:
        rule = self.service.fail(
            messages.matching('PUT'), faults.status(status, performed=True)
        )
        return lambda: self.service.heal(rule)

    def redirect_to(self, url: str) -> Callable[[], object]:
        fault = faults.status(307, headers=[('Location', url)])
        rule = self.service.fail(messages.matching('PUT'), fault, None)
        return lambda: self.service.heal(rule)

    def fail_with(
        self, status: int, body: bytes = b''
    ) -> Callable[[], object]:
        rule = self.service.fail(
            messages.matching(), faults.status(status, body), None
        )
        return lambda: self.service.heal(rule)
