# SPDX-License-Identifier: Apache-2.0
"""What happens on the way, for whoever watches."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable

from metal_drivers.fleet import Member


class Step(enum.Enum):
    """A step of a transition, as it is taken."""

    WAITING = 'waiting'
    DISABLED = 'nova-compute disabled'
    SOFT_OFF = 'soft power off'
    HARD_OFF = 'hard power off'
    POWER_ON = 'power on'
    STATE = 'state seen'
    SERVICE = 'waiting for nova-compute'
    ENABLED = 'nova-compute enabled'
    GIVEN_BACK = 'given back'


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One step, of one node."""

    member: Member
    step: Step
    detail: str = ''


#: Called in the thread that does the work; must not raise.
Watcher = Callable[[Event], None]
