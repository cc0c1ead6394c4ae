# SPDX-License-Identifier: Apache-2.0
"""Bare metal drivers for OpenStack Watcher.

::

    from metal_drivers import connect

    with connect(conf) as connection:
        for result in connection.power_off(['compute-01']):
            print(result.name, result.outcome.value, result.detail)
"""

from metal_drivers.base import MetalDriver
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
from metal_drivers.model import Capability, Node, OffMode, PowerState
from metal_drivers.selector import get_driver
from metal_drivers.services import Connection, connect

__all__ = [
    'AuthenticationError',
    'BusyError',
    'Capability',
    'ConfigurationError',
    'Connection',
    'DriverError',
    'MetalDriver',
    'MetalError',
    'Node',
    'NotFoundError',
    'OffMode',
    'PowerState',
    'ProtocolError',
    'RefusedError',
    'TimedOutError',
    'UnavailableError',
    'UnsupportedError',
    'connect',
    'get_driver',
]
