# SPDX-License-Identifier: Apache-2.0
"""What follows from the facts: from an answer, beside the answer itself;
which request comes next, whose work may not have ended, and what hooks could
not do."""

from __future__ import annotations

import dataclasses
import datetime
from typing import NamedTuple

from metal_drivers import ages
from metal_drivers.compute import markers
from metal_drivers.events import Step as Event
from metal_drivers.hooks import Event as HookEvent
from metal_drivers.model import (
    Capability,
    ComputeService,
    Node,
    OffMode,
    PowerState,
)
from metal_drivers.power.facts import Facts
from metal_drivers.power.values import Fact, Foreign, What

#: What is up without a report in so many seconds does not report by the
#: time that Nova shows (the memcache driver of ``[servicegroup]``).
_SILENT = 600.0
#: Nova's ``service_down_time``, by default: what is called up for longer
#: than this, in seconds, is up.
_DOWN_TIME = 60.0


# An answer.


def learn(
    facts: Facts, what: What, fact: Fact, today: datetime.datetime
) -> Facts:
    """Know an answer.

    :param today: the time of day.
    """
    before = facts.of(what)
    known = facts.change(**{what.value: fact}, turn=facts.turn + 1)
    if what is What.NODE:
        return _saw(known, fact, today)
    if what is What.SERVICE and fact.value is not None:
        return _heard(known, fact, fact.value, today)
    if what is What.UNPLACED and fact.error is None:
        # Those that came after nova-compute was disabled cannot land
        # here.
        first = facts.awaited is None or (
            before is not None and before.turn < facts.when('disabled')
        )
        return known.change(
            awaited=fact.value if first else facts.awaited & fact.value,
            awaited_since=fact.answered if first else facts.awaited_since,
        )
    if what is What.CLAIM:
        other, last_sent, powered_on = fact.value
        return known.change(
            claim=dataclasses.replace(fact, value=other),
            last_sent=last_sent,
            powered_on=powered_on,
        )
    return known


def _saw(facts: Facts, fact: Fact, today: datetime.datetime) -> Facts:
    if fact.error is not None:
        if not facts.following:
            return facts
        # Till it can be asked again, what the node does is not known.
        node = dataclasses.replace(
            facts.member.node,
            power_state=PowerState.UNKNOWN,
            fault=fact.error.message,
        )
        return _with(facts, node)
    node = fact.value
    seen = ages.as_seen(node, facts.order.capabilities, today)
    known = _with(facts, node).change(age=f', {seen}' if seen else '')
    if node.settled and facts.first is None:
        known = known.change(first=node.power_state, mode_since=fact.answered)
    sent = facts.sent
    if sent and node.target is facts.order.state and not sent.taken:
        known = known.change(sent=dataclasses.replace(sent, taken=True))
    if not node.settled or node.power_state is not PowerState.ON:
        return known.change(on_since=None, baseline=None)
    if facts.on_since is None:
        # What nova-compute said before is of another start, perhaps.
        known = known.change(on_since=fact.answered, baseline=None)
    return known


def _with(facts: Facts, node: Node) -> Facts:
    return facts.change(member=dataclasses.replace(facts.member, node=node))


def _heard(
    facts: Facts,
    fact: Fact,
    service: ComputeService,
    today: datetime.datetime,
) -> Facts:
    known = facts
    marker = facts.marker
    if marker and not facts.own:
        # Counted from here by a clock that nobody sets.
        if facts.foreign is None or facts.foreign.marker != marker:
            known = known.change(
                foreign=Foreign(
                    marker, fact.answered, marker.age(today), fact.turn
                )
            )
        # What comes after our request is of a run that began later.
        first = facts.found is None or facts.baseline is None
        if first and facts.sent is None:
            known = known.change(found=marker)
        elif marker != facts.found and not marker.under_way:
            # It was off since, so whether it is on is to be asked again.
            known = known.change(found=marker, on_since=None, baseline=None)
    state = facts.member.node.power_state
    if not service.up and (
        state is PowerState.OFF or facts.on_since is not None
    ):
        known = known.change(seen_down=True)
    if known.on_since is not None and (
        facts.baseline is None or _said(service) != _said(facts.baseline)
    ):
        # Whoever changed that has moved the time of it, too.
        known = known.change(baseline=service)
    reported = service.updated_at
    return known.change(
        silent=reported is None
        or (today - reported).total_seconds() > _SILENT,
        up_since=(facts.up_since or fact.answered) if service.up else None,
    )


def seen_back(facts: Facts) -> bool:
    """Whether nova-compute is known to run since the node is on.

    Nova goes on to say ``up`` for a while after a host went off. So
    it has to be seen down first, or to report once more.
    """
    fact, service, before = facts.service, facts.compute, facts.baseline
    if fact is None or service is None or facts.on_since is None:
        return False
    if facts.seen_down or not service.up:
        return service.up
    if facts.silent:
        since = max(facts.up_since or 0.0, facts.on_since)
        return fact.answered - since >= _DOWN_TIME
    return (
        before is not None
        and _said(before) == _said(service)
        and service.updated_at != before.updated_at
    )


def _said(service: ComputeService) -> tuple[str, str | None]:
    """What people change of it."""
    return service.status, service.disabled_reason


# The request for power.


def modes(facts: Facts) -> tuple[OffMode, ...]:
    """The ways to power it off that are tried, in this order."""
    if facts.goal is PowerState.ON:
        return (OffMode.HARD,)
    soft = (
        Capability.SOFT_OFF in facts.order.capabilities
        and facts.member.node.soft_off
    )
    return tuple(
        mode
        for mode in facts.settings.off_modes
        if soft or mode is OffMode.HARD
    )


def more(facts: Facts) -> bool:
    """Whether there is another way to try after this one."""
    return facts.mode + 1 < len(modes(facts))


class Request(NamedTuple):
    """What :class:`rules.Send` takes."""

    mode: OffMode
    event: Event
    seconds: float
    timeout: float | None = None


def request(facts: Facts, mode: OffMode | None = None) -> Request:
    """The request in that mode; by default, the one that is next."""
    settings = facts.settings
    if mode is None:
        # What a node can may change on the way.
        found = modes(facts) or (OffMode.HARD,)
        mode = found[min(facts.mode, len(found) - 1)]
    if facts.goal is PowerState.ON:
        return Request(mode, Event.POWER_ON, settings.power_on_timeout)
    if mode is OffMode.HARD:
        return Request(mode, Event.HARD_OFF, settings.power_off_timeout)
    seconds = settings.soft_off_timeout
    limited = Capability.SOFT_OFF_TIMEOUT in facts.order.capabilities
    return Request(mode, Event.SOFT_OFF, seconds, seconds if limited else None)


def kind(facts: Facts) -> markers.MarkerKind:
    """The marker to write before it."""
    if facts.goal is PowerState.ON:
        return markers.MarkerKind.POWERING_ON
    if OffMode.SOFT in modes(facts) and not facts.tells_end:
        return markers.MarkerKind.SHUTTING_DOWN
    return markers.MarkerKind.POWERING_OFF


def time_limit(facts: Facts) -> float:
    """For how many seconds a request is tried."""
    if facts.order.state is None or not facts.changing:
        on = facts.order.state is PowerState.ON
        settings = facts.settings
        return settings.power_on_timeout if on else settings.power_off_timeout
    return request(facts).seconds


def deadline(facts: Facts) -> float:
    """Until when that is, in seconds."""
    since = facts.mode_since
    began = facts.began if since is None else since
    return began + time_limit(facts) + facts.excused


# Another process.


def aftermath(facts: Facts, marker: markers.Marker) -> float:
    """For how many seconds after another process's last request the node may
    follow it.

    A service that tells when changes end shows what is under way; of
    another only the time-outs are known.
    """
    if facts.tells_end:
        return 0.0
    if marker.kind.of_power_on:
        return facts.settings.aftermath_on
    return facts.settings.aftermath


def following(facts: Facts, now: float) -> float:
    """For how many seconds the node may still follow another process."""
    foreign = facts.foreign
    if foreign is None:
        return 0.0
    return foreign.left(now, aftermath(facts, foreign.marker))


def shutting_down(facts: Facts, marker: markers.Marker | None) -> bool:
    """Whether the system may be shutting down, however old the marker."""
    kind = markers.MarkerKind.SHUTTING_DOWN
    return not facts.tells_end and marker is not None and marker.kind is kind


def may_shut_down(facts: Facts) -> str:
    """What such a marker means for a node that is on, for a message."""
    marker = facts.found
    if marker is None or not shutting_down(facts, marker):
        return ''
    return (
        f'. A soft power off was sent at {marker.when:%H:%M:%S} UTC or later '
        'and had no effect in time: if the operating system still shuts '
        'down, the host powers off by itself'
    )


# Hooks.

#: The events after which nothing of an earlier one is left, where they
#: succeed.
_CLEAN = {
    HookEvent.BEFORE_ENABLE: HookEvent.AFTER_ON,
    HookEvent.AFTER_ON: HookEvent.AFTER_ON,
    HookEvent.AFTER_OFF: HookEvent.AFTER_OFF,
    HookEvent.BEFORE_ON: HookEvent.BEFORE_ON,
    HookEvent.UNDONE: HookEvent.UNDONE,
}


def undone_is_due(facts: Facts) -> bool:
    """Whether hooks have yet to be told that it is not powered off."""
    return (
        facts.telling(HookEvent.BEFORE_OFF) is not None
        and facts.telling(HookEvent.UNDONE) is None
        and facts.decided is not None
        and not facts.decided.outcome.good
    )


def problems(facts: Facts) -> str:
    """What hooks could not do, and were not told to do later."""
    latest: dict[tuple[HookEvent, str], str] = {}
    refused = _refused(facts)
    for told in facts.told:
        failed = {failure.hook: str(failure) for failure in told.failures}
        for hook in told.hooks:
            if told.event in _CLEAN:
                place = _CLEAN[told.event], hook
                latest[place] = failed.get(hook, '')
            if told.event is HookEvent.UNDONE and hook in refused:
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
    told = facts.telling(HookEvent.UNDONE)
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
    told = facts.telling(HookEvent.BEFORE_OFF)
    return {failure.hook for failure in told.failures} if told else set()
