# SPDX-License-Identifier: Apache-2.0
"""The contract of metal-drivers: with the emulator of sushy-tools, and with
a BMC that fails as it is told."""

from metal_drivers_redfish.driver import RedfishDriver
from metal_drivers_tests import contract
from metal_drivers_tests.emulators import faults, messages
from tests import bmcs

_WHAT = {'On': 'on', 'ForceOff': 'off', 'GracefulShutdown': 'soft off'}


class Contract(contract.RemoteDriverContract):
    """Two systems at one BMC, which is :attr:`bmc`."""

    secrets = (bmcs.PASSWORD,)
    list_requests = 2  # one for each server

    def driver_of(self, urls, password=bmcs.PASSWORD, **options):
        files = self.useFixture(bmcs.Files(urls, password, **options))
        return RedfishDriver(files.config)

    def hosts(self):
        return {host: host for host in self.bmc.urls}

    def switchable_nodes(self):
        return self.driver.list_nodes()

    def create_unreachable_driver(self):
        return self.driver_of(_moved(self.bmc.urls, '127.0.0.1:1'))

    def create_unauthorised_driver(self):
        return self.driver_of(self.bmc.urls, 'wr0ng-Password')

    def create_silent_driver(self, address):
        return self.driver_of(_moved(self.bmc.urls, address), timeout=1)


class TestEmulator(Contract):
    """What every BMC is to pass."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bmc = bmcs.SushyEmulator('compute-01', 'compute-02')
        cls.bmc.setUp()
        cls.addClassCleanup(cls.bmc.cleanUp)

    def create_driver(self):
        return self.driver_of(self.bmc.urls)

    def requests_made(self):
        return len(self.bmc.requested())


class TestScripted(Contract):
    """What takes a BMC that does as it is told."""

    def create_driver(self):
        self.bmc = self.useFixture(bmcs.ScriptedBmc())
        return self.driver_of(self.bmc.urls)

    def requests_made(self):
        return len(self.bmc.requests)

    def commands(self):
        return [
            (f'compute-{path[-1]}', _WHAT.get(kind, kind))
            for path, kind in self.bmc.resets
        ]

    def _system(self, node):
        return self.bmc.systems[bmcs.PATH.format(node.id[-1])]

    def make_unknown(self, node):
        return self._change(node, None)

    def switch_outside(self, node, state):
        return self._change(node, state.value.capitalize())

    def _change(self, node, value):
        system = self._system(node)
        former, system['PowerState'] = system['PowerState'], value
        return lambda: system.update(PowerState=former)

    def make_unreachable(self, node):
        path = bmcs.PATH.format(node.id[-1])
        return self._fail(messages.matching(None, f'{path}.*'), faults.close())

    def hold(self):
        return self.bmc.hold()

    def lose_reply_to_proxy(self, status):
        lost = faults.status(status, performed=True)
        return self._fail(messages.matching('POST'), lost)

    def redirect_to(self, url):
        moved = faults.status(307, headers=[('Location', url)])
        return self._fail(messages.matching('POST'), moved)

    def lose_reply(self):
        lost = faults.close(performed=True)
        return self._fail(messages.matching('POST'), lost)

    def fail_with(self, status, body=b''):
        return self._fail(messages.matching(), faults.status(status, body))

    def _fail(self, match, fault):
        rule = self.bmc.fail(match, fault, None)
        return lambda: self.bmc.heal(rule)


def _moved(urls, address):
    """The same systems at another BMC."""
    return {
        host: '/'.join(['http:', '', address, *url.split('/')[3:]])
        for host, url in urls.items()
    }
