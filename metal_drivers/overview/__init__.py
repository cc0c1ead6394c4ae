# SPDX-License-Identifier: Apache-2.0
"""What the fleet is doing now, for ``fleet`` and ``metrics``.

==========  ==============================================
``asking``  asks each service for its lists, and how long it took
``status``  what the lists tell: of each host, and in all
==========  ==============================================
"""

from metal_drivers.overview.asking import Answers, Asked, ask
from metal_drivers.overview.status import (
    DisabledBy,
    HostStatus,
    Lists,
    Overview,
    Watts,
    take,
)

__all__ = [
    'Answers',
    'Asked',
    'DisabledBy',
    'HostStatus',
    'Lists',
    'Overview',
    'Watts',
    'ask',
    'take',
]
