# SPDX-License-Identifier: Apache-2.0
"""The bare metal services that the demonstration can be run with."""

import pathlib
from collections.abc import Callable
from typing import Protocol

from metal_drivers_tests.demo import ironic, maas
from metal_drivers_tests.emulators import nova


class Backend(Protocol):
    """A bare metal service, for as long as the context.

    :ivar name: what it is called at the end
    :ivar greeting: what is said before it is started
    """

    name: str
    greeting: str

    def __enter__(self) -> object: ...

    def __exit__(self, *exc_info: object) -> None: ...

    def add(self, host: nova.Host, number: int) -> None:
        """Have a machine for this compute host, switched on."""

    def is_on(self, host: str) -> bool:
        """Whether the machine of that compute host is."""

    def section(self, home: pathlib.Path) -> str:
        """The part of the configuration that leads there.

        :param home: where a file may be put
        """


BACKENDS: dict[str, Callable[[Callable[[str], None]], Backend]] = {
    'ironic': ironic.Ironic,
    'maas': maas.Maas,
}
