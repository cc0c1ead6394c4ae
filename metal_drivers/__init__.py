# SPDX-License-Identifier: Apache-2.0
"""Bare metal drivers for OpenStack Watcher.

::

    from metal_drivers import get_driver

    with get_driver(conf) as driver:
        for node in driver.list_nodes():
            print(node.name, node.power_state.value)
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

__all__ = [
    'AuthenticationError',
    'BusyError',
    'Capability',
    'ConfigurationError',
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
    'get_driver',
]
