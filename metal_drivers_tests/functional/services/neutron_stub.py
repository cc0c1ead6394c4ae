# SPDX-License-Identifier: Apache-2.0
"""What Nova takes for a Neutron in which there is nothing.

Nova asks Neutron for ports and security groups even of a server without any
network, and answers 500 where the catalog has no network endpoint.
"""

import http.server
import json
import threading

import fixtures

from metal_drivers_tests.functional.services import process


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self) -> None:
        """Answer ``/v2.0/THINGS`` with no things, else the versions."""
        parts = self.path.split('?')[0].strip('/').split('/')
        body: dict[str, list[object]]
        if len(parts) > 1:
            body = {parts[1].replace('-', '_'): []}
        else:
            href = f'http://{self.headers["Host"]}/v2.0/'
            links = [{'rel': 'self', 'href': href}]
            body = {
                'versions': [
                    {'id': 'v2.0', 'status': 'CURRENT', 'links': links}
                ]
            }
        encoded = json.dumps(body).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal belongs to the tests."""


class NeutronStub(fixtures.Fixture):
    """The stub, in a thread of the test process.

    :ivar port: on 127.0.0.1.
    """

    port: int

    def _setUp(self) -> None:
        self.port = process.free_port()
        server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', self.port), _Handler
        )
        self.addCleanup(server.server_close)
        thread = threading.Thread(
            target=server.serve_forever, name='neutron-stub', daemon=True
        )
        thread.start()
        self.addCleanup(server.shutdown)
