# SPDX-License-Identifier: Apache-2.0
"""Rules about hooks: what is told to them, and when.

Without hooks none of these has a step to take.
"""

from __future__ import annotations

from metal_drivers import exceptions
from metal_drivers.hooks import Event
from metal_drivers.model import Outcome, PowerState
from metal_drivers.power.facts import Facts
from metal_drivers.power.rules import Step, Tell, Wait, refuse
from metal_drivers.power.values import Telling

#: The events after which nothing of an earlier one is left, where they
#: succeed.
_CLEAN = {
    Event.BEFORE_ENABLE: Event.AFTER_ON,
    Event.AFTER_ON: Event.AFTER_ON,
    Event.AFTER_OFF: Event.AFTER_OFF,
    Event.BEFORE_ON: Event.BEFORE_ON,
    Event.UNDONE: Event.UNDONE,
}


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
    if told is None or not undone_is_due(facts):
        return None
    return Tell(Event.UNDONE, told.hooks)


def undone_is_due(facts: Facts) -> bool:
    """Whether they have yet to be told."""
    return (
        facts.telling(Event.BEFORE_OFF) is not None
        and facts.telling(Event.UNDONE) is None
        and facts.decided is not None
        and not facts.decided.outcome.good
    )


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


def problems(facts: Facts) -> str:
    """What hooks could not do, and were not told to do later."""
    latest: dict[tuple[Event, str], str] = {}
    refused = _refused(facts)
    for told in facts.told:
        failed = {failure.hook: str(failure) for failure in told.failures}
        for hook in told.hooks:
            if told.event in _CLEAN:
                place = _CLEAN[told.event], hook
                latest[place] = failed.get(hook, '')
            if told.event is Event.UNDONE and hook in refused:
                latest[place] = ''
    found = [said.rstrip('.') for said in latest.values() if said]
    others = facts.marker is not None and not facts.own
    if undone_is_due(facts) and not others:
        hooks = ', '.join(facts.order.hooks)
        found.append(
            f'The hooks ({hooks}) were told that it powers off, and not yet '
            'that it does not'
        )
    if not found:
        return ''
    where = facts.host or facts.order.node_id
    return (
        f'{". ".join(found)}. `metal-drivers node recover {where}` tries again'
    )


def remark(facts: Facts) -> str:
    """What to do about a hook that refused, and may have done something."""
    told = facts.telling(Event.UNDONE)
    failed = {failure.hook for failure in told.failures} if told else set()
    if failed.isdisjoint(_refused(facts)):
        return ''
    return (
        'If the hook did anything before, `metal-drivers node recover '
        f'{facts.host or facts.order.node_id}` undoes it'
    )


def _refused(facts: Facts) -> set[str]:
    """The hooks that refused the power off; to have them told that it is
    not to be is a precaution."""
    told = facts.telling(Event.BEFORE_OFF)
    return {failure.hook for failure in told.failures} if told else set()


def _told(facts: Facts, event: Event) -> Telling | Tell | None:
    """What came of it; or that they are to be told. None: there are none."""
    if not facts.order.hooks:
        return None
    return facts.telling(event) or Tell(event, facts.order.hooks)
