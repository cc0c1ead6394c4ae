# SPDX-License-Identifier: Apache-2.0
"""Rules about hooks: what is told to them, and when.

Without hooks none of these has a step to take.
"""

from __future__ import annotations

from metal_drivers import exceptions
from metal_drivers.hooks import Event
from metal_drivers.model import Outcome, PowerState
from metal_drivers.power import conclusions
from metal_drivers.power.facts import Facts
from metal_drivers.power.rules import Step, Tell, Wait, refuse
from metal_drivers.power.values import Telling


def before_off(facts: Facts, now: float) -> Step | None:
    """The hooks in use are told, one after the other. If one of them fails,
    or takes too long, nothing is sent.
    """
    told = _told(facts, Event.BEFORE_OFF)
    if isinstance(told, Tell):
        return told
    if told is None or not told.failures:
        return None
    return refuse('; '.join(str(failure) for failure in told.failures))


def after_off(facts: Facts, now: float) -> Step | None:
    """The hooks are told that the host is off."""
    if not off_is_due(facts):
        return None
    return Tell(Event.AFTER_OFF, facts.order.hooks)


def off_is_due(facts: Facts) -> bool:
    """Whether the hooks have yet to be told that it is off."""
    return (
        bool(facts.order.hooks)
        and facts.goal is PowerState.OFF
        and facts.ending[0] is Outcome.DONE
        and facts.telling(Event.AFTER_OFF) is None
    )


def undone(facts: Facts, now: float) -> Step | None:
    """The hooks that were told of the power off are told that it is not to
    be.
    """
    told = facts.telling(Event.BEFORE_OFF)
    if told is None or not conclusions.undone_is_due(facts):
        return None
    return Tell(Event.UNDONE, told.hooks)


def before_on(facts: Facts, now: float) -> Step | None:
    """The hooks are told that the host is about to be powered on, which it is
    whatever they do.
    """
    told = _told(facts, Event.BEFORE_ON)
    return told if isinstance(told, Tell) else None


def before_enable(facts: Facts) -> Step | None:
    """Before nova-compute is enabled, which it is whatever they do."""
    told = _told(facts, Event.BEFORE_ENABLE)
    return told if isinstance(told, Tell) else None


def after_on(facts: Facts, now: float) -> Step | None:
    """Once the host is back; one that is busy is told again later."""
    told = _told(facts, Event.AFTER_ON)
    if told is None or isinstance(told, Tell):
        return told
    busy = tuple(
        failure.hook
        for failure in told.failures
        if isinstance(failure.error, exceptions.BusyError)
    )
    (first, *_) = (t for t in facts.told if t.event is Event.AFTER_ON)
    until = first.answered + facts.settings.service_up_timeout
    if not busy or now >= until:
        return None
    if facts.waited < told.turn:
        return Wait(until, f'for hook {", ".join(busy)}')
    return Tell(Event.AFTER_ON, busy)


def _told(facts: Facts, event: Event) -> Telling | Tell | None:
    """What came of it; or that they are to be told. None: there are none."""
    if not facts.order.hooks:
        return None
    return facts.telling(event) or Tell(event, facts.order.hooks)
