# SPDX-License-Identifier: Apache-2.0
"""Ironic, through openstacksdk.

The SDK finds the endpoint, authenticates and negotiates the version; its
proxy's raw requests do the rest. Not used of it: objects for each node,
``set_node_power_state(wait=True)``, which looks at ``power_state`` alone,
and the retries of 409 and 503, which spend 15 s on a refusal that stands.

``connection`` is the way there, ``nodes`` reads what Ironic tells of a node,
and ``driver`` keeps the contract, with ``checks``.
"""

from metal_drivers.drivers.ironic.driver import IronicDriver

__all__ = ['IronicDriver']
