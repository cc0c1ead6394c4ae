# SPDX-License-Identifier: Apache-2.0
"""Whose disabling of nova-compute it is.

There is no database of ours: the reason that Nova keeps with a disabled
service is the mark, and what lacks the mark is somebody else's.
"""

from __future__ import annotations

import datetime

from metal_drivers.model import ComputeService

_MARK = 'metal-drivers/1'


def reason(node_id: str, when: datetime.datetime) -> str:
    """The reason to disable with; within Nova's 255 characters."""
    at = when.astimezone(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
    return f'{_MARK} powered off to save energy, {at}, node {node_id}'[:255]


def is_ours(disabled_reason: str | None) -> bool:
    """Whether the reason is one that :func:`reason` makes."""
    return (disabled_reason or '').startswith(f'{_MARK} ')


def ours(service: ComputeService | None) -> bool:
    """Whether the service is disabled, and that was us."""
    return (
        service is not None
        and not service.enabled
        and is_ours(service.disabled_reason)
    )
