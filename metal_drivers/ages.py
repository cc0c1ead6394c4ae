# SPDX-License-Identifier: Apache-2.0
"""How old what is known of a node is, in words."""

from __future__ import annotations

import datetime
from collections.abc import Collection

from metal_drivers.model import Capability, Node

#: Seconds up to which a state counts as asked live, where it was.
_LIVE = 60.0


def ago(when: datetime.datetime, now: datetime.datetime) -> str:
    """``61 min ago``."""
    seconds = max(0.0, (now - when).total_seconds())
    if seconds < 60:
        return f'{seconds:.0f} s ago'
    if seconds < 2 * 3600:
        return f'{seconds // 60:.0f} min ago'
    if seconds < 2 * 86400:
        return f'{seconds // 3600:.0f} h ago'
    return f'{seconds // 86400:.0f} days ago'


def as_seen(
    node: Node, capabilities: Collection[Capability], now: datetime.datetime
) -> str:
    """How the node's power state is known, unless it was asked live just
    now: ``as seen 61 min ago``; empty where it was.

    :param capabilities: those of the driver that was asked for the node.
    """
    live = Capability.LIVE_QUERY in capabilities
    if node.observed_at is None:
        return '' if live else 'as last reported'
    if live and (now - node.observed_at).total_seconds() < _LIVE:
        return ''
    return f'as seen {ago(node.observed_at, now)}'
