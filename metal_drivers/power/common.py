# SPDX-License-Identifier: Apache-2.0
"""Rules that powering off, powering on and recovery have in common."""

from __future__ import annotations

import dataclasses

from metal_drivers import exceptions, guards
from metal_drivers.compute import markers
from metal_drivers.events import Step as Event
from metal_drivers.model import Node, Outcome, PowerState
from metal_drivers.power import conclusions
from metal_drivers.power.facts import Facts
from metal_drivers.power.rules import (
    Decide,
    Disable,
    End,
    Need,
    NextMode,
    Step,
    Wait,
    outcome_of,
    refuse,
    time_out,
    transient,
)
from metal_drivers.power.values import What

# Before anything is asked of a service.


def cancelled(facts: Facts, now: float) -> Step | None:
    """Once it is cancelled, nothing more is started."""
    if not facts.cancelled or _finished(facts):
        return None
    state = facts.member.node.power_state.value
    if facts.sent is None:
        detail = (
            'cancelled before a power request was sent; its last reported '
            f'power state was {state}'
        )
    else:
        detail = (
            f'cancelled after power {facts.goal.value} was requested; its '
            f'last reported power state was {state}'
        )
    if facts.goal is PowerState.ON and facts.on_since is not None:
        detail = (
            f'on, but cancelled before nova-compute on {facts.host} was '
            'confirmed to be up. Run the same command again once it is'
        )
    return Decide(Outcome.FAILED, detail)


def _finished(facts: Facts) -> bool:
    """Whether it has ended well, and that only remains to be said."""
    if facts.goal is PowerState.ON:
        return facts.enabled_well
    seen = facts.node.turn if facts.node else 0
    return facts.following and facts.arrived and seen > facts.when('sent')


def _claim_needed(facts: Facts) -> bool:
    claim = facts.claim
    return not facts.settings.dry_run and (not claim or bool(claim.value))


def one_at_a_time(facts: Facts, now: float) -> Step | None:
    """One process changes the power of a node once at a time."""
    other = facts.claim.value if facts.claim else None
    if other is None:
        return None
    work = f'the power {other.value} by this process'
    seconds = max(
        facts.settings.power_off_timeout, facts.settings.power_on_timeout
    )
    end = facts.began + seconds
    if now < end:
        return Wait(end, f'for {work}', excused=True)
    return time_out(
        f'{work} has not ended within {seconds:g} s; try again when it has '
        'ended'
    )


def rate(facts: Facts, now: float) -> Step | None:
    """The rate is kept. While the process waits for it, it asks nothing
    else.
    """
    slot = facts.slot
    if slot is None or not slot.value:
        return None
    limit = facts.settings.rate(facts.goal)
    until = slot.answered + slot.value
    return Wait(until, f'at most {limit} a minute', Event.SLOT, excused=True)


def slot_needed(facts: Facts) -> bool:
    """Each request that may be the first to arrive takes one."""
    if facts.settings.dry_run:
        return False
    return facts.sent is None or not facts.sent.taken


BEGIN = (
    cancelled,
    Need(
        What.CLAIM,
        ('waited',),
        _claim_needed,
        text='Whether this process already changes the power of the node.',
    ),
    one_at_a_time,
)
#: Where a request may follow.
LIMITED = (
    *BEGIN,
    Need(What.SLOT, ('waited',), lambda f: bool(f.slot and f.slot.value)),
    rate,
)


# Another process.


def await_other(
    facts: Facts, now: float, after: float, limit: float
) -> Step | None:
    """Wait where another process may be at work.

    :param after: for so many seconds after its last request the node may
        follow it.
    :param limit: how many seconds this may take.
    """
    foreign = facts.foreign
    if foreign is None or not (left := foreign.left(now, after)):
        return None
    marker = foreign.marker
    run = f'another process, which began at {marker.when:%H:%M:%S} UTC'
    if marker.failure:
        run = f'the power on that failed at {marker.when:%H:%M:%S} UTC'
    if left <= limit:
        return Wait(foreign.until(after), f'for {run}', excused=True)
    does = f', may still be {marker.kind.work} for'
    if marker.failure:
        does = ' may still take effect within'
    return refuse(f'{run}{does} {left:.0f} s; try again then')


# What stands in the way.


def work_of_others(facts: Facts, now: float) -> Step | None:
    """Work on the node by someone else is waited for."""
    node, goal = facts.member.node, facts.goal
    if node.settled:
        return None
    if facts.sent and node.target is goal and node.power_state is not goal:
        # Our own work, without effect yet.
        return None
    work = (
        f'its change to {node.target.value}'
        if node.target
        else f'the work of {node.busy} on it'
    )
    until = conclusions.deadline(facts)
    if now < until:
        return Wait(until, f'for {work}', look=What.NODE)
    return time_out(
        f'{work} has not ended within {conclusions.time_limit(facts):g} s; '
        'try again when it has ended'
    )


def refusal(
    facts: Facts, asked: tuple[guards.Guard, ...] | None = None
) -> str | None:
    """Why the guards forbid it; by default, all of them."""
    others = facts.others_off.value if facts.others_off else None
    first = facts.sent is None
    return guards.refusal(
        guards.Request(
            facts.member,
            facts.goal,
            facts.settings,
            dwelt=facts.dwelt if first else None,
            others_off=others if first else None,
        ),
        asked,
    )


def may_be_powered(facts: Facts, now: float) -> Step | None:
    """The guards are checked, see below."""
    reason = refusal(facts)
    return refuse(reason) if reason else None


def in_a_known_state(facts: Facts, now: float) -> Step | None:
    """Only a node that is known to be on is powered off, and only one that
    is known to be off is powered on: never one in state ``unknown`` or
    ``error``.
    """
    on = facts.goal is PowerState.ON
    wanted = PowerState.OFF if on else PowerState.ON
    if facts.member.node.power_state is wanted:
        return None
    return refuse(
        f'{state_of(facts.member.node)}, not {wanted.value}. Fix the power '
        'reporting of the bare metal service'
    )


def state_of(node: Node) -> str:
    """What is reported of it, for a message."""
    fault = f' ({node.fault})' if node.fault else ''
    return f'its power state is {node.power_state.value}{fault}'


def taken_by_the_service(facts: Facts, now: float) -> Step | None:
    """If the service is busy, the request is sent again later, after all of
    these questions.
    """
    fact = facts.denied
    if fact is None or fact.error is None or fact.turn < facts.mode_turn:
        return None
    error = fact.error
    if not isinstance(error, exceptions.BusyError):
        if conclusions.more(facts) and isinstance(
            error, exceptions.UnsupportedError
        ):
            return NextMode(error.message)
        end = ended(facts, outcome_of(error), str(error))
        return dataclasses.replace(end, failed=_speaks_against(error))
    if facts.waited > fact.turn:
        return None
    until = conclusions.deadline(facts)
    if now < until:
        return Wait(until, error.message)
    what = conclusions.request(facts).event.value
    return time_out(
        f'{error.message}, for {conclusions.time_limit(facts):g} s. The '
        f'{what} did not start; try again when that has ended'
    )


def _speaks_against(error: exceptions.MetalError) -> bool:
    """Whether the service said that it cannot be done to this node."""
    return isinstance(error, exceptions.RefusedError) and error.status != 403


def still_marked(facts: Facts, now: float) -> Step | None:
    """If another process replaces the marker, or someone else changes
    nova-compute meanwhile, nothing more is sent.
    """
    service, off = facts.compute, facts.order.state is PowerState.OFF
    begun = facts.writes or (facts.sent and off)
    if service is None or facts.own or not begun:
        return None
    if facts.marker and facts.writes:
        return refuse(
            f'another process has begun {facts.marker.kind.work}. Wait until '
            'it has finished'
        )
    if service.enabled:
        return refuse(
            f'someone else enabled nova-compute on {facts.host} meanwhile. '
            'Run the same command again to power it '
            f'{facts.goal.value} anyway'
        )
    if not facts.writes:
        return None
    return refuse(
        f'{replaced(facts)}. Find out why, then run the same command again'
    )


def replaced(facts: Facts) -> str:
    """What it means that our marker is not there any more, if it is not."""
    service = facts.compute
    if not facts.writes or service is None or markers.of(service):
        return ''
    if service.enabled:
        return f'Someone else enabled nova-compute on {facts.host} meanwhile'
    reason = service.disabled_reason
    return (
        f'Someone else has disabled nova-compute on {facts.host} meanwhile '
        f'({repr(reason) if reason else "no reason was given"}): '
        'metal-drivers will not enable it, so the host remains out of use '
        'until someone does'
    )


def renew(facts: Facts, now: float) -> Step | None:
    """A marker that is half a minute old is renewed."""
    written = facts.written
    if not facts.own or written is None:
        return None
    if now - written.began < markers.RENEW:
        return None
    if now < conclusions.deadline(facts):
        return Disable(conclusions.kind(facts))
    seconds = conclusions.time_limit(facts)
    return time_out(
        f'the checks before the request took {seconds:g} s; nothing was sent. '
        'Try again when Nova is faster'
    )


# What becomes of a request.


def follow(facts: Facts, now: float, there: Decide) -> Step | None:
    """What becomes of the request that is under way.

    :param there: the end, once the node is there.
    """
    sent, fact = facts.sent, facts.node
    if sent is None or not facts.following:
        return None
    if not facts.settings.wait:
        if sent.doubt:
            return ended(facts, outcome_of(sent.doubt), str(sent.doubt))
        return Decide(Outcome.PLANNED, f'{sent.what} was requested')
    end: Decide | None = None
    if fact is not None and fact.turn > sent.turn:
        error = fact.error
        if error is None and facts.arrived:
            return there
        if error is None:
            end = _gave_up(facts)
        elif not transient(error):
            return ended(facts, outcome_of(error), str(error))
    if end is None and now >= sent.until:
        end = _late(facts)
    if end is None:
        return Wait(sent.until, look=What.NODE, at_once=True)
    return NextMode(end.detail) if conclusions.more(facts) else end


def ended(facts: Facts, outcome: Outcome, detail: str) -> Decide:
    """An error ends it; tells of a request whose end is not seen now."""
    sent = facts.sent
    if sent is None:
        return Decide(outcome, detail)
    if outcome is Outcome.REFUSED:
        # To be refused is to have changed nothing.
        outcome = Outcome.FAILED
    return Decide(
        outcome,
        f'{sent.what} {"was" if sent.taken else "may have been"} sent, and '
        'its result is not known; its last reported power state was '
        f'{facts.member.node.power_state.value}: {detail}',
    )


def _gave_up(facts: Facts) -> Decide | None:
    node, sent = facts.member.node, facts.sent
    if not (facts.tells_end and sent and sent.taken and node.settled):
        return None
    return Decide(
        Outcome.FAILED,
        'the bare metal service gave up: '
        f'{node.fault or "no reason was given"}. Its power state is '
        f'{node.power_state.value}',
        failed=True,
    )


def _late(facts: Facts) -> Decide:
    node, sent = facts.member.node, facts.sent
    seconds = sent.seconds if sent else 0
    detail = (
        f'not reported {facts.goal.value} within {seconds:g} s; its last '
        f'reported power state was {node.power_state.value}'
    )
    if node.fault:
        detail += f'; {node.fault}'
    if sent and sent.doubt and not sent.taken:
        detail += f'. {sent.doubt.message}'
    # Neither a service that cannot be asked nor the work of someone else on
    # the node speaks against the host; nor is a node that is on a failure.
    asked, goal = facts.node, facts.goal
    failed = asked is not None and asked.error is None and not node.busy
    failed = failed and node.power_state is not goal
    return time_out(detail, failed and node.target in (None, goal))


def result(facts: Facts, now: float) -> Step | None:
    """The result is reported."""
    return end(facts)


def end(facts: Facts, left: str = '') -> End:
    """The end that was decided.

    :param left: what is left behind, for the message.
    """
    outcome, detail = facts.ending
    left = '. '.join(
        each.rstrip('.')
        for each in (left, conclusions.problems(facts))
        if each
    )
    if outcome is Outcome.REFUSED and (left or facts.sent):
        # To be refused is to have changed nothing.
        outcome = Outcome.FAILED
    for more in (left, conclusions.remark(facts)):
        if more:
            detail = f'{detail.rstrip(".")}. {more}'
    return End(outcome, detail)
