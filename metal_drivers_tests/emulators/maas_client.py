# SPDX-License-Identifier: Apache-2.0
"""Asks an emulated MAAS what python-libmaas would, without it."""

import base64
from collections.abc import Mapping

import fixtures
import requests

from metal_drivers_tests.emulators import maas, maas_api, maas_auth


class MaasClient(fixtures.Fixture):
    """A client of one emulator.

    :ivar apikey: of whom requests are, the administrator to begin with;
        None for nobody
    """

    def __init__(self, server: maas.MaasEmulator) -> None:
        super().__init__()
        self._server = server
        self.apikey: str | None = server.apikey

    def _setUp(self) -> None:
        self._session = requests.Session()
        # No proxy of the environment comes between.
        self._session.trust_env = False
        self._session.verify = getattr(self._server, 'cafile', True)
        self.addCleanup(self._session.close)

    def get(self, target: str) -> requests.Response:
        """Ask for something below ``/MAAS/api/2.0/``."""
        return self.send('GET', f'{maas_api.ROOT}/{target}')

    def query(self, system_id: str) -> requests.Response:
        return self.get(f'machines/{system_id}/?op=query_power_state')

    def power(
        self, system_id: str, target: str, **fields: str
    ) -> requests.Response:
        """Switch a machine ``on`` or ``off``."""
        return self.send(
            'POST',
            f'{maas_api.ROOT}/machines/{system_id}/?op=power_{target}',
            {
                name: base64.b64encode(value.encode()).decode()
                for name, value in fields.items()
            },
        )

    def send(
        self, method: str, target: str, encoded: Mapping[str, str] = {}
    ) -> requests.Response:
        """Send a request as it was recorded.

        :param encoded: fields of a POST, in base64
        """
        headers = {}
        body = None
        if method == 'POST':
            content_type, body = maas_api.multipart(list(encoded.items()))
            headers['Content-Type'] = content_type
        if self.apikey is not None:
            headers['Authorization'] = maas_auth.sign(self.apikey)
        return self._session.request(
            method,
            self._server.url + target,
            data=body,
            headers=headers,
            timeout=5,
        )
