# SPDX-License-Identifier: Apache-2.0
"""Each step of a power change, for a listener and for the log."""

from __future__ import annotations

import dataclasses
import enum
import json
import logging
from collections.abc import Callable

from metal_drivers.fleet import Member
from metal_drivers.model import Outcome, PowerState

LOG = logging.getLogger(__name__)


class Step(enum.Enum):
    """A step of a transition, as it is taken."""

    ASKED = 'asked'
    SLOT = 'waiting for a slot'
    WAITING = 'waiting'
    DISABLED = 'nova-compute disabled'
    SCHEDULING = 'waiting for the scheduler'
    SOFT_OFF = 'soft power off'
    HARD_OFF = 'hard power off'
    POWER_ON = 'power on'
    STATE = 'state seen'
    SERVICE = 'waiting for nova-compute'
    ENABLED = 'nova-compute enabled'
    UNDONE = 'undone'
    #: The last step is one of these three.
    DONE = 'done'
    REFUSED = 'refused'
    FAILED = 'failed'

    @property
    def last(self) -> bool:
        return self in (Step.DONE, Step.REFUSED, Step.FAILED)


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One step, of one node."""

    member: Member
    step: Step
    detail: str = ''
    #: What the node is to become; None: what an earlier run has left of
    #: it is cleared up.
    target: PowerState | None = None
    #: The name of the driver.
    backend: str = ''
    #: Seconds since the transition was begun.
    duration: float = 0.0
    #: How it ended; with the last step only.
    outcome: Outcome | None = None
    #: The availability zone of the host, while it is known.
    zone: str | None = None

    @property
    def node_id(self) -> str:
        return self.member.node.id

    @property
    def host(self) -> str:
        """The compute host; empty where the node matches none."""
        return self.member.host.name if self.member.host else ''

    def __str__(self) -> str:
        """One line of ``key=value``; texts are in quotes, as in JSON."""
        fields = {
            'node': self.node_id,
            'name': self.member.node.name,
            'host': self.host,
            'backend': self.backend,
            'target': self.target.value if self.target else 'recovered',
            'step': self.step.value,
            'duration': f'{self.duration:.3f}',
            'outcome': self.outcome.value if self.outcome else '',
            'detail': self.detail,
        }
        return ' '.join(
            f'{key}={_quoted(value)}' for key, value in fields.items() if value
        )


#: Called in the thread that does the work. What it raises is logged.
Watcher = Callable[[Event], None]


def publish(event: Event, watch: Watcher) -> None:
    """To the log and to the listener, whose errors are only logged."""
    LOG.info('power %s', event)
    try:
        watch(event)
    except Exception as exc:
        # Its message may hold private data: log only the type.
        LOG.warning(
            'Event listener raised %s at step %r',
            type(exc).__name__,
            event.step.value,
        )
        LOG.debug('Event listener', exc_info=True)


def _quoted(value: str) -> str:
    if all(char.isalnum() or char in '-_.:/' for char in value):
        return value
    return json.dumps(value)
