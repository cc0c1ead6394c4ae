# SPDX-License-Identifier: Apache-2.0
"""How a transition ends before it is through."""

from __future__ import annotations

from metal_drivers import exceptions
from metal_drivers.model import Outcome


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


def ended(exc: Ended | exceptions.MetalError) -> Ended:
    """The end that an error of a service makes of a transition."""
    match exc:
        case Ended():
            return exc
        case exceptions.RefusedError():
            return Ended(Outcome.REFUSED, str(exc))
        case exceptions.TimedOutError():
            return Ended(Outcome.TIMED_OUT, str(exc))
        case _:
            return Ended(Outcome.FAILED, str(exc))
