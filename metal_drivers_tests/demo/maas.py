# SPDX-License-Identifier: Apache-2.0
"""A loopback server that answers as MAAS 3.7 does, slowly."""

import pathlib
from collections.abc import Callable

from metal_drivers_tests.emulators import maas, nova


class Maas:
    name = 'MAAS'
    greeting = 'Starting what answers as MAAS does, with three machines.'

    def __init__(self, say: Callable[[str], None]) -> None:
        self._service = maas.MaasEmulator()

    def __enter__(self) -> object:
        return self._service.__enter__()

    def __exit__(self, *exc_info: object) -> None:
        self._service.__exit__(*exc_info)

    def add(self, host: nova.Host, number: int) -> None:
        self._service.add_machine(
            hostname=host.name,
            tags=['rack1'],
            bmc_seconds=0.2,
            on_seconds=1,
            off_seconds=1,
        )

    def is_on(self, host: str) -> bool:
        return self._service.machine(host).power == 'on'

    def section(self, home: pathlib.Path) -> str:
        key = home / 'maas.key'
        key.write_text(self._service.apikey)
        key.chmod(0o600)
        return (
            '[watcher.metal.drivers.maas]\n'
            f'url = {self._service.maas_url}\n'
            f'api_key_file = {key}\n'
        )
