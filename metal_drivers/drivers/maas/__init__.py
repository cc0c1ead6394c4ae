# SPDX-License-Identifier: Apache-2.0
"""MAAS, through python-libmaas.

``native`` and ``loop`` own the thread in which every coroutine runs,
``address`` and ``connection`` the way to MAAS, ``credentials`` the key.
``client`` is where libmaas is touched, ``replies`` where what comes back
becomes JSON or an error, ``machines`` reads what MAAS tells of a machine,
``driver`` keeps the contract, with ``options`` and ``checks``.
"""

from metal_drivers.drivers.maas.driver import MaasDriver

__all__ = ['MaasDriver']
