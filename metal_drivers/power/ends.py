# SPDX-License-Identifier: Apache-2.0
"""How a transition ends before it is through."""

from __future__ import annotations

from oslo_log import log

from metal_drivers import exceptions
from metal_drivers.model import Outcome

LOG = log.getLogger(__name__)


class Ended(Exception):
    """A transition is at its end before it is through."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


class NotThere(Ended):
    """A request was sent, and the node has not followed it."""


class Cancelled(Ended):
    """Waiting was ended from outside."""


def ended(exc: Exception) -> Ended:
    """The end that an exception makes of a transition."""
    match exc:
        case Ended():
            return exc
        case exceptions.RefusedError():
            return Ended(Outcome.REFUSED, str(exc))
        case exceptions.TimedOutError():
            return Ended(Outcome.TIMED_OUT, str(exc))
        case exceptions.MetalError():
            return Ended(Outcome.FAILED, str(exc))
    # A driver of others may break its contract. What it says may hold a
    # secret: it goes no further than a debugging log.
    LOG.debug('A transition has ended', exc_info=exc)
    return Ended(
        Outcome.FAILED,
        f'{type(exc).__name__}, which a driver must not raise; see the log '
        'with --debug, and tell the author of the driver',
    )
