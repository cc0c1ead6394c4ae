# SPDX-License-Identifier: Apache-2.0
"""The MAAS driver keeps the contract, on both releases, with TLS too."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from metal_drivers import conformance
from metal_drivers.drivers.maas import MaasDriver
from metal_drivers.model import Node, PowerState
from metal_drivers_tests import contract
from metal_drivers_tests.emulators import faults, maas, messages
from metal_drivers_tests.unit.drivers.maas import base

#: What a BMC was told, by what became of it.
_TOLD = {
    maas.Effect.ON: 'on',
    maas.Effect.CYCLE: 'restart',
    maas.Effect.DEPLOY: 'deploy',
    maas.Effect.REDEPLOY: 'deploy',
    maas.Effect.OFF: 'off',
    maas.Effect.SOFT_OFF: 'soft off',
}


class _OnLoopback(base.Watched):
    """Two deployed machines and one that is not."""

    driver: Any

    series = ''
    tls = False
    unknown_id = 'zzzzzz'
    secrets: Iterable[str] = ()

    def create_driver(self) -> MaasDriver:
        self.maas = self.start(self.series, machines=2, tls=self.tls)
        self.maas.add_machine(status=maas.Status.READY, owner=None)
        self.secrets = tuple(self.recorder.secrets)
        return self.driver_to(self.maas.maas_url)

    def create_unreachable_driver(self) -> MaasDriver:
        return self.driver_to(self.maas.maas_url.replace('127.0.0.1', '[::1]'))

    def create_unauthorised_driver(self) -> MaasDriver:
        key = self.keep_secret('consumer:t0ken:wr0ng')
        return self.driver_to(self.maas.maas_url, api_key=key)

    def create_silent_driver(self, address: str) -> MaasDriver:
        url = f'{self.maas.maas_url.partition(":")[0]}://{address}/MAAS'
        return self.driver_to(url, timeout=0.1, list_timeout=0.1)

    def driver_to(self, url: str, **more: Any) -> MaasDriver:
        options = {'api_key': self.maas.apikey}
        if self.tls:
            options['cafile'] = self.maas.cafile
        return self.driver_at(url, **options | more)

    # What a loopback MAAS can be brought to do.

    def requests_made(self) -> int:
        return len(self.maas.requests)

    def commands(self) -> list[conformance.Command]:
        return [
            conformance.Command(action.system_id, _TOLD[action.effect])
            for action in self.maas.actions
            if action.effect in _TOLD
        ]

    def switchable_nodes(self) -> Sequence[Node]:
        nodes: list[Node] = self.driver.list_nodes()
        return nodes

    def make_unknown(self, node: Node) -> Callable[[], None]:
        machine = self.maas.machine(node.id)
        machine.power = machine.cached = 'unknown'

        def undo() -> None:
            machine.power = machine.cached = 'on'

        return undo

    def make_unreachable(self, node: Node) -> Callable[[], None]:
        machine = self.maas.machine(node.id)
        machine.unreachable = True
        return lambda: setattr(machine, 'unreachable', False)

    def switch_outside(
        self, node: Node, state: PowerState
    ) -> Callable[[], None]:
        machine = self.maas.machine(node.id)
        machine.power = state.value
        return lambda: setattr(machine, 'power', 'on')

    def lose_reply(self) -> Callable[[], None]:
        rule = self.maas.fail(base.is_power, faults.close(performed=True))
        return lambda: self.maas.heal(rule)

    def hosts(self) -> dict[str, str]:
        return {
            machine.system_id: machine.hostname
            for machine in self.maas.machines.values()
            if machine.status is maas.Status.DEPLOYED
        }

    def lose_reply_to_proxy(self, status: int) -> Callable[[], None]:
        fault = faults.status(status, performed=True)
        rule = self.maas.fail(base.is_power, fault)
        return lambda: self.maas.heal(rule)

    def redirect_to(self, url: str) -> Callable[[], None]:
        fault = faults.status(307, headers=[('Location', url)])
        rule = self.maas.fail(base.is_power, fault, None)
        return lambda: self.maas.heal(rule)

    def fail_with(self, status: int, body: bytes = b'') -> Callable[[], None]:
        rule = self.maas.fail(
            messages.matching(), faults.status(status, body), None
        )
        return lambda: self.maas.heal(rule)


class _AnswersAtOnce(_OnLoopback):
    """A MAAS that does not wait for the BMC before it answers."""

    series = '3.4'

    def hold(self) -> Callable[[], None]:
        self.maas.hold()
        return self.maas.release


class TestMaas34(_AnswersAtOnce, contract.RemoteDriverContract):
    """3.4."""


class TestMaas37(_OnLoopback, contract.RemoteDriverContract):
    series = '3.7'


#: What of the contract has to do with a connection.
_CONNECTED = frozenset({'listing', 'resources', 'secrets', 'trouble'})


def _left_out() -> dict[str, None]:
    """The tests of all other rules, as those that there are not."""
    return {
        'test_' + rule.id.replace('-', '_'): None
        for rule in conformance.RULES
        if rule.topic not in _CONNECTED
    }


class TestMaasTls(
    type('_Connected', (_OnLoopback,), _left_out()),  # type: ignore[misc]
    contract.RemoteDriverContract,
):
    """The release makes no difference to TLS, nor does TLS to the rest."""

    series = '3.7'
    tls = True
