# SPDX-License-Identifier: Apache-2.0
"""Bare metal drivers for OpenStack Watcher.

::

    from metal_drivers import connect

    with connect(conf) as connection:
        for result in connection.power_off(['compute-01']):
            print(result.name, result.outcome.value, result.detail)
"""

from typing import TYPE_CHECKING, Any

from metal_drivers.base import (
    ConfigState,
    ConfigStatus,
    MetalDriver,
    OpenStackClients,
    named,
)
from metal_drivers.compatibility import CONTRACT
from metal_drivers.exceptions import (
    AuthenticationError,
    BusyError,
    ConfigurationError,
    DriverError,
    MetalError,
    NotFoundError,
    ProtocolError,
    RefusedError,
    TimedOutError,
    UnavailableError,
    UnsupportedError,
)
from metal_drivers.model import (
    Capability,
    CheckResult,
    CheckStatus,
    Node,
    OffMode,
    Outcome,
    PowerResult,
    PowerState,
)

if TYPE_CHECKING:
    from metal_drivers.selector import get_driver
    from metal_drivers.services import Connection, connect
else:
    # Whoever writes a driver needs nothing of what opens them.
    _LATER = {
        'get_driver': 'selector',
        'Connection': 'services',
        'connect': 'services',
    }

    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f'{__name__} has no {name}')
        import importlib

        module = importlib.import_module(f'{__name__}.{_LATER[name]}')
        globals()[name] = found = getattr(module, name)
        return found


__all__ = [
    'CONTRACT',
    'AuthenticationError',
    'BusyError',
    'Capability',
    'CheckResult',
    'CheckStatus',
    'ConfigState',
    'ConfigStatus',
    'ConfigurationError',
    'Connection',
    'DriverError',
    'MetalDriver',
    'MetalError',
    'Node',
    'NotFoundError',
    'OffMode',
    'OpenStackClients',
    'Outcome',
    'PowerResult',
    'PowerState',
    'ProtocolError',
    'RefusedError',
    'TimedOutError',
    'UnavailableError',
    'UnsupportedError',
    'connect',
    'get_driver',
    'named',
]
