# SPDX-License-Identifier: Apache-2.0
"""Servers that are no MAAS, for the tests of what goes wrong."""

import socket
import threading
import time

from metal_drivers_tests.unit.drivers.maas import base


class FaultTestCase(base.MaasTestCase):
    """Every test ends in seconds."""

    def setUp(self) -> None:
        super().setUp()
        self.heard: list[bytes] = []
        begin = time.monotonic()
        self.addCleanup(lambda: self.assertLess(time.monotonic() - begin, 5))

    def listening(self, reply: bytes | None, to: bytes = b'') -> str:
        """Where a server says this to everybody, or nothing at all.

        :param to: what a request begins with that gets the reply; to
            others nothing is said.
        """
        server = socket.create_server(('127.0.0.1', 0))
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    break
                kept.append(connection)
                if reply is not None:
                    said = connection.recv(65536)
                    self.heard.append(said)
                    if said.startswith(to):
                        connection.sendall(reply)
                        connection.close()
            for connection in [*kept, server]:
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)
        return f'127.0.0.1:{server.getsockname()[1]}'
