"""The tests of the ACME driver: the contract, on a controller that is one
on loopback."""

import acme

from metal_drivers_tests import contract
from metal_drivers_tests.emulators import http, messages


class AcmeController(http.HttpEmulator):
    def __init__(self):
        super().__init__()
        self.sockets = {
            key: {'id': key, 'label': f'compute-{key}', 'power': 'on'}
            for key in ('a1', 'a2')
        }

    def routes(self):
        return (
            http.route('GET', '/sockets', self.list),
            http.route('GET', '/sockets/(?P<key>.+)', self.show),
            http.route('PUT', '/sockets/(?P<key>.+)', self.switch),
        )

    def list(self, request):
        return messages.json_reply([*self.sockets.values()])

    def show(self, request, key):
        if key not in self.sockets:
            return messages.json_reply({}, 404)
        return messages.json_reply(self.sockets[key])

    def switch(self, request, key):
        self.sockets[key] |= request.json()
        return self.show(request, key)


class TestAcme(contract.RemoteDriverContract):
    secrets = ('s3cret',)

    def create_driver(self):
        controller = self.useFixture(AcmeController())
        return acme.AcmeDriver({'url': controller.url, 'token': 's3cret'})

    def create_unreachable_driver(self):
        return acme.AcmeDriver(
            {'url': 'http://127.0.0.1:1', 'token': 's3cret'}
        )
