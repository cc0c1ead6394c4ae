# SPDX-License-Identifier: Apache-2.0
"""A real Ironic, standalone, with hardware that exists in memory."""

import pathlib
from collections.abc import Callable

from metal_drivers_tests.emulators import nova
from metal_drivers_tests.functional.services import ironic


class Ironic:
    name = 'Ironic'
    greeting = 'Starting a real Ironic, with three machines that only pretend.'

    def __init__(self, say: Callable[[str], None]) -> None:
        self._service = ironic.StandaloneIronic(say=say)
        self._nodes: dict[str, str] = {}

    def __enter__(self) -> object:
        return self._service.__enter__()

    def __exit__(self, *exc_info: object) -> None:
        self._service.__exit__(*exc_info)

    def add(self, host: nova.Host, number: int) -> None:
        self._nodes[host.name] = self._service.enroll(
            f'rack1-{number:02}',
            extra={'compute_node_id': host.hypervisor_id},
        )

    def is_on(self, host: str) -> bool:
        node = self._service.node(self._nodes[host])
        return bool(node['power_state'] == 'power on')

    def section(self, home: pathlib.Path) -> str:
        return (
            '[watcher.metal.drivers.ironic]\n'
            'auth_type = none\n'
            f'endpoint_override = {self._service.url}\n'
        )
