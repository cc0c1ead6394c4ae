# SPDX-License-Identifier: Apache-2.0
"""MAAS, through python-libmaas.

``connection`` is the way to MAAS: options, URL, certificates, key.
``native`` and ``loop`` own the thread in which every coroutine runs, and
``session`` the connections of that loop. ``client`` is where libmaas is
touched, ``replies`` where what comes back becomes JSON or an error. ``nodes``
reads what MAAS tells of a machine, ``power`` looks at one and changes its
power, ``driver`` keeps the contract, with ``checks``.
"""

from metal_drivers.drivers.maas.driver import MaasDriver

__all__ = ['MaasDriver']
