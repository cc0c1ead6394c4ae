# SPDX-License-Identifier: Apache-2.0
"""The rules for powering on, and for hosts left half-done.

A host that does not power on keeps the marker, so that the next run knows
that it may enable nova-compute.
"""

from __future__ import annotations

from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.model import OffMode, Outcome, PowerState
from metal_drivers.power import common, guards
from metal_drivers.power.events import Step as Event
from metal_drivers.power.facts import Facts, What
from metal_drivers.power.rules import (
    Courtesy,
    Decide,
    Disable,
    Enable,
    Need,
    Send,
    Step,
    Table,
    Wait,
    outcome_of,
    refuse,
    time_out,
    transient,
)

#: From when a run asks for the marker until its own is written it takes at
#: most so many seconds, or the run sends nothing. These are two requests to
#: Nova, each of a fraction of a second where Nova is well.
LONGEST_GAP = 10.0
#: How long a run waits after it has written, in seconds: longer than that
#: gap in any other run, so that whoever read before has written by then. Of
#: all who wrote, only the last one then finds its own marker (Fischer's
#: algorithm, with its bound checked).
SETTLE = 12.0


def _recovers(facts: Facts) -> bool:
    return facts.order.state is None


def _is(facts: Facts, state: PowerState) -> bool:
    node = facts.member.node
    return node.settled and node.power_state is state


def _on(facts: Facts) -> bool:
    return _is(facts, PowerState.ON)


def _once(facts: Facts) -> bool:
    """Whether a second power on would do harm: a marker keeps it away."""
    return facts.managed and not facts.tells_end


def _marks(facts: Facts) -> bool:
    """Whether another run has to know of this one: it must not send, or
    must not take what is powered on for what it could not power off.
    """
    under_way = facts.found is not None and facts.found.under_way
    return _once(facts) or (facts.managed and under_way)


def _awaits(facts: Facts) -> bool:
    return facts.settings.wait and not facts.settings.dry_run


def _already(facts: Facts) -> bool:
    before = facts.first is PowerState.ON and facts.sent is None
    return before and not _recovers(facts)


def _good(facts: Facts, detail: str) -> Decide:
    already = _already(facts)
    return Decide(Outcome.ALREADY if already else Outcome.DONE, detail)


def another_run(facts: Facts, now: float) -> Step | None:
    """Another process that may be at work is waited for."""
    marker = facts.marker
    if not _awaits(facts) or facts.sent or facts.own or marker is None:
        return None
    if marker != facts.found:
        return None
    # It may power it off; or on, where that must not be done twice.
    twice = _once(facts) and marker.kind is MarkerKind.POWERING_ON
    if not _on(facts) and (_recovers(facts) or not twice):
        return None
    after = common.aftermath(facts, marker)
    limit = facts.settings.service_up_timeout
    return common.await_other(facts, now, after, limit)


# On already.


def no_nova_compute(facts: Facts, now: float) -> Step | None:
    """If nova-compute is not managed, nothing is left to do once the node
    is on.
    """
    if not _on(facts) or facts.managed:
        return None
    return _good(facts, f'on{facts.age}' if _already(facts) else 'on')


def on_already(facts: Facts, now: float) -> Step | None:
    """If the node is already on, what an earlier process left half-done is
    finished.
    """
    if not _on(facts):
        return None
    if not _already(facts):
        if facts.settings.wait:
            return None
        return Decide(Outcome.DONE, f'on{_unfinished(facts)}')
    if facts.found is None:
        return Decide(Outcome.ALREADY, f'on{facts.age}')
    reason = common.refusal(facts, guards.ENABLING)
    detail = _not_enabled(facts, now)
    if reason:
        detail = f'on; nova-compute remains disabled: {reason}'
    elif facts.settings.dry_run:
        detail = 'on; would enable nova-compute'
    return Decide(Outcome.ALREADY, detail) if detail else None


def _unfinished(facts: Facts) -> str:
    if facts.found is None:
        return ''
    return '; run the same command again to enable nova-compute'


def _not_enabled(facts: Facts, now: float) -> str:
    """Why it is not enabled, where nothing is waited for."""
    foreign, service = facts.foreign, facts.compute
    if facts.settings.wait:
        return ''
    if service is not None and not service.up:
        return 'on; nova-compute is not up yet, and remains disabled'
    if foreign and foreign.left(now, common.aftermath(facts, foreign.marker)):
        return (
            'on; nova-compute remains disabled: another process may be at '
            'work on it'
        )
    return (
        'on; nova-compute remains disabled: Nova shows it as up, but that '
        'may date from before the host was off. Run the same command again '
        'without --no-wait'
    )


# Powering on.


def a_request_is_followed(facts: Facts, now: float) -> Step | None:
    """A request is sent once. The node is queried until it is on, the
    service has given up, or the time is over.
    """
    if facts.sent is None or facts.on_since is not None:
        return None
    there, what = Decide(Outcome.DONE, 'on'), Event.POWER_ON.value
    step = common.follow(facts, now, there, what)
    if isinstance(step, Decide) and step.outcome is Outcome.PLANNED:
        return Decide(step.outcome, step.detail + _unfinished(facts))
    # Whether nova-compute is back is seen to next.
    return None if step is there else step


def work_of_others(facts: Facts, now: float) -> Step | None:
    """Work on the node by someone else is waited for."""
    settings = facts.settings
    seconds = settings.power_on_timeout
    if _recovers(facts):
        seconds = settings.power_off_timeout
    return common.busy(facts, now, seconds)


def may_be_powered_on(facts: Facts, now: float) -> Step | None:
    """The guards are checked, see below."""
    reason = common.refusal(facts)
    return refuse(reason) if reason else None


def known_to_be_off(facts: Facts, now: float) -> Step | None:
    """Only a node that is known to be off is powered on; never one in
    state ``unknown`` or ``error``.
    """
    return common.known_to_be(facts, PowerState.OFF)


def dry_run(facts: Facts, now: float) -> Step | None:
    """A dry run ends here: it changes nothing."""
    if not facts.settings.dry_run:
        return None
    detail = 'would power on'
    if facts.marker:
        detail += f', then enable nova-compute on {facts.host}'
    return Decide(Outcome.PLANNED, detail)


def taken_by_the_service(facts: Facts, now: float) -> Step | None:
    """If the service is busy, the request is sent again later, after all of
    these questions.
    """
    seconds = facts.settings.power_on_timeout
    what = Event.POWER_ON.value
    return common.denied(facts, now, seconds, what, False)


def an_earlier_power_on(facts: Facts, now: float) -> Step | None:
    """If a second power on does harm (MAAS), none is sent while an earlier
    one of this process may still take effect.
    """
    when = facts.powered_on
    if when is None or facts.tells_end or facts.sent:
        return None
    left = when + facts.settings.aftermath_on - now
    if left <= 0:
        return None
    if left <= facts.settings.service_up_timeout:
        why = 'for an earlier power on'
        return Wait(now + left, why, look=What.NODE, excused=True)
    return refuse(
        f'the power on that was sent {now - when:.0f} s ago may still take '
        f'effect within {left:.0f} s; try again then'
    )


def begin(facts: Facts, now: float) -> Step | None:
    """If the service does not show changes under way (MAAS), the marker, if
    there is one, is changed to ``powering on``.
    """
    if _marks(facts) and facts.marker and not facts.writes:
        return Disable(MarkerKind.POWERING_ON)
    return None


def written_in_time(facts: Facts, now: float) -> Step | None:
    """A process that wrote too long after it had read sends nothing."""
    written = facts.written
    taken = written.answered - written.read if written else 0.0
    if taken <= LONGEST_GAP or not _once(facts):
        return None
    return time_out(
        f'Nova took {taken:.0f} s for two requests, so another process may '
        'be powering it on; nothing was sent. Try again when Nova is faster'
    )


def settle(facts: Facts, now: float) -> Step | None:
    """Other processes that may have read before have time to write."""
    written = facts.written
    if written is None or not _once(facts):
        return None
    if now >= written.answered + SETTLE:
        return None
    why = 'for other processes that may be powering it on'
    return Wait(written.answered + SETTLE, why, excused=True)


def still_marked(facts: Facts, now: float) -> Step | None:
    """Only the process that then finds its own marker sends."""
    service = facts.compute
    if not facts.writes or facts.own or service is None:
        return None
    if facts.marker:
        return refuse(
            f'another process is {facts.marker.kind.work}; nothing was sent. '
            'Wait until it has finished'
        )
    if service.enabled:
        return refuse(
            f'someone else enabled nova-compute on {facts.host} meanwhile; '
            'nothing was sent. Run the same command again to power it on '
            'anyway'
        )
    return refuse(
        f'someone else has disabled nova-compute on {facts.host} meanwhile '
        f'({service.disabled_reason!r}); nothing was sent. Find out why, '
        'then run the same command again'
    )


def renew(facts: Facts, now: float) -> Step | None:
    """A marker that is half a minute old is renewed."""
    due = common.renew(facts, now, facts.settings.power_on_timeout)
    return Disable(MarkerKind.POWERING_ON) if due is True else due or None


def send(facts: Facts, now: float) -> Step | None:
    """The node is powered on."""
    seconds = facts.settings.power_on_timeout
    return Send(OffMode.HARD, Event.POWER_ON, seconds)


# nova-compute comes back.


def _comes_back(facts: Facts) -> bool:
    return _on(facts) and facts.managed and _awaits(facts)


def _rival(facts: Facts, now: float) -> bool:
    """Whether a run that was found before may still power it off."""
    foreign = facts.foreign
    if foreign is None or foreign.marker.kind is MarkerKind.POWERING_ON:
        return False
    return bool(foreign.left(now, common.aftermath(facts, foreign.marker)))


def nova_compute_is_back(facts: Facts, now: float) -> Step | None:
    """Once the node is on, nova-compute has to be up again, see below."""
    if not _comes_back(facts) or facts.enabled_well:
        return None
    fact, enabled = facts.service, facts.enabled
    error = enabled.error if enabled else fact.error if fact else None
    if error is not None and not transient(error):
        # To say "refused" would say that it is not on.
        outcome = outcome_of(error)
        refused = outcome is Outcome.REFUSED
        outcome = Outcome.FAILED if refused else outcome
        return Decide(outcome, f'on, but {error}')
    rival = _rival(facts, now)
    again = enabled is None or facts.waited > enabled.turn
    if facts.back and again and not rival:
        return None
    seconds = facts.settings.service_up_timeout
    until = max(facts.on_since or 0.0, facts.excused_until) + seconds
    if now < until:
        where = f'on {facts.host}'
        return Wait(until, where, Event.SERVICE, What.SERVICE, at_once=True)
    problem = f' ({error.message})' if error else ''
    if facts.back and rival:
        problem = '; another process may be powering it off'
    return time_out(
        f'on, but nova-compute on {facts.host} was not confirmed to be up '
        f'within {seconds:g} s{problem}. Run the same command again once it '
        f'is{common.may_shut_down(facts)}'
    )


def only_what_is_ours(facts: Facts, now: float) -> Step | None:
    """A service that was disabled by someone else remains so."""
    service, marker = facts.compute, facts.marker
    if not _comes_back(facts) or facts.enabled_well or service is None:
        return None
    if service.enabled:
        return _good(facts, 'on; nova-compute is up')
    if marker is None:
        return _good(
            facts,
            'on; nova-compute is up, and remains disabled by someone else: '
            f'{service.disabled_reason or "no reason was given"}',
        )
    on = marker.kind is MarkerKind.POWERING_ON
    if facts.own or marker == facts.found or on:
        return None
    return Decide(
        Outcome.FAILED,
        f'nova-compute on {facts.host} is up, and remains disabled: another '
        'process has begun to power off the host. Wait until it has finished',
    )


def enable(facts: Facts, now: float) -> Step | None:
    """nova-compute is enabled, if and only if it was disabled by
    metal-drivers.
    """
    if not _comes_back(facts):
        return None
    if not facts.enabled_well:
        return Enable()
    may = common.may_shut_down(facts)
    return _good(facts, f'on; nova-compute is up and enabled{may}')


_BACK = (
    nova_compute_is_back,
    Need(
        What.NODE,
        ('waited',),
        lambda f: _comes_back(f) and not f.enabled_well,
        last=True,
        spare=('waited', 'age'),
        why='Each of these is implied by the other.',
        text='The node is queried again: it must not be on its way off.',
    ),
    Need(
        What.SERVICE,
        ('waited', 'node'),
        lambda f: _comes_back(f) and not f.enabled_well,
        last=True,
        spare=('waited', 'age'),
        why='Implied by the question before, which is as young.',
        tolerated=True,
        text='Nova is asked for nova-compute right before it is enabled.',
    ),
    only_what_is_ours,
    enable,
)


# Afterwards.


def _nothing_sent(facts: Facts) -> bool:
    return (
        not facts.ending[0].good
        and facts.sent is None
        and facts.found is not None
        and len(facts.writes) > 0
        and facts.writes[-1].marker != facts.found
    )


def put_back(facts: Facts, now: float) -> Step | None:
    """A process that did not send restores the former marker."""
    if not _nothing_sent(facts) or not facts.own or facts.found is None:
        return None
    slow = facts.writes[0].answered - facts.writes[0].read > LONGEST_GAP
    return None if slow else Disable(facts.found.kind, facts.found)


def end(facts: Facts, now: float) -> Step | None:
    """The result is reported."""
    return common.end(facts, _marker_left(facts))


def _marker_left(facts: Facts) -> str:
    """What a process that did not send may have left in Nova."""
    written, fact = facts.written, facts.service
    if written is None or facts.sent or facts.ending[0].good:
        return ''
    if written.marker == facts.found and written.error is None:
        return ''
    if fact is not None and fact.error is None and not facts.own:
        return ''
    error = written.error or (fact.error if fact else None)
    why = error.message if error else 'another process may be powering it on'
    seconds = markers.LEASE + common.aftermath(facts, written.marker)
    return (
        f'The marker on {facts.host} may still be '
        f'"{MarkerKind.POWERING_ON.value}": {why}. Run the same command '
        f'again; it waits until the marker is {seconds:.0f} s old'
    )


ON = Table(
    'on',
    (
        *common.LIMITED,
        a_request_is_followed,
        Need(
            What.NODE,
            ('waited',),
            lambda f: f.on_since is None or f.baseline is None,
            spare=('waited',),
            why='It is asked for again in any case; this is sooner.',
            text='The node is queried.',
        ),
        work_of_others,
        Need(
            What.SERVICE,
            ('waited',),
            lambda f: f.managed and not f.changing and f.baseline is None,
            last=True,
            spare=('waited',),
            why='Its age is bounded; a wait may be shorter than that.',
            text='Nova is asked for nova-compute.',
        ),
        another_run,
        no_nova_compute,
        on_already,
        *_BACK,
        may_be_powered_on,
        known_to_be_off,
        dry_run,
        taken_by_the_service,
        an_earlier_power_on,
        Need(
            What.SLOT,
            when=common.slot_needed,
            text='A slot of the rate is taken.',
        ),
        begin,
        written_in_time,
        settle,
        Need(
            What.NODE,
            ('waited', 'marked', 'slot'),
            last=True,
            spare=('waited', 'marked', 'slot'),
            why='Implied by each other; and its age is bounded.',
            text='The node is queried again, and all rules above about it '
            'hold again.',
        ),
        Need(
            What.SERVICE,
            ('node', 'marked'),
            _marks,
            last=True,
            spare=('node', 'marked', 'age'),
            why='Implied by each other; and the age of the marker is bounded.',
            text='Last of all, if a second power on does harm, the marker is '
            'read.',
        ),
        still_marked,
        Courtesy(
            renew,
            'Others wait for as long as a power on takes, too; this keeps '
            'them away for all of it.',
        ),
        send,
    ),
    (
        Need(
            What.SERVICE,
            ('decided',),
            _nothing_sent,
            last=True,
            tolerated=True,
        ),
        put_back,
        end,
    ),
)


# Recovery.


def _since(marker: markers.Marker) -> str:
    return f'{marker.when:%Y-%m-%d %H:%M:%S} UTC'


def marked_by_us(facts: Facts, now: float) -> Step | None:
    """Only a host with a marker for this very node is changed."""
    if facts.marker is not None or (_comes_back(facts) and facts.found):
        return None
    if facts.found is not None:
        return Decide(
            Outcome.ALREADY, 'someone else has changed nova-compute meanwhile'
        )
    marker = markers.of(facts.compute)
    if marker is None:
        return Decide(
            Outcome.ALREADY, 'nova-compute is not disabled by metal-drivers'
        )
    return refuse(
        f'nova-compute on {facts.host} was disabled by metal-drivers for '
        f'node {marker.node_id}, but the host now runs on another node. '
        'Enable it by hand to use the host'
    )


def off(facts: Facts, now: float) -> Step | None:
    """A host that is off remains off."""
    if not _is(facts, PowerState.OFF) or facts.marker is None:
        return None
    since = _since(facts.marker)
    if facts.marker.kind is MarkerKind.POWERING_ON:
        return Decide(Outcome.ALREADY, f'off; power on began at {since}')
    return Decide(
        Outcome.ALREADY, f'powered off by metal-drivers since {since}'
    )


def known_to_be_on(facts: Facts, now: float) -> Step | None:
    """A host whose power state is unknown is left as it is."""
    node = facts.member.node
    if node.power_state is PowerState.ON:
        return None
    fault = f' ({node.fault})' if node.fault else ''
    return refuse(
        f'its power state is {node.power_state.value}{fault}: nova-compute '
        'remains disabled until it is known'
    )


def may_be_enabled(facts: Facts, now: float) -> Step | None:
    """A host in maintenance, or locked, remains disabled."""
    reason = common.refusal(facts, guards.ENABLING)
    if reason is None:
        return None
    return refuse(f'on; nova-compute remains disabled: {reason}')


def nothing_is_awaited(facts: Facts, now: float) -> Step | None:
    """With ``--no-wait``, and in a dry run, nothing is enabled."""
    if facts.settings.dry_run:
        return Decide(Outcome.PLANNED, 'on; would enable nova-compute')
    foreign = facts.foreign
    if facts.settings.wait or foreign is None:
        return None
    left = foreign.left(now, common.aftermath(facts, foreign.marker))
    if not left:
        return refuse(_not_enabled(facts, now))
    return refuse(
        f'a process that began {foreign.marker.kind.work} at '
        f'{_since(foreign.marker)} may still be at work for {left:.0f} s; try '
        'again then'
        f'{common.may_shut_down(facts)}'
    )


RECOVER = Table(
    'recover',
    (
        *common.BEGIN,
        Need(
            What.SERVICE,
            ('waited',),
            lambda f: f.on_since is None or f.baseline is None,
            spare=('waited',),
            why='It is asked for again before it is enabled.',
            text='Nova is asked for nova-compute.',
        ),
        marked_by_us,
        Need(
            What.NODE,
            ('waited',),
            lambda f: f.on_since is None or f.baseline is None,
            spare=('waited',),
            why='A wait for others forgets what was known of the node.',
            text='The node is queried.',
        ),
        work_of_others,
        Courtesy(
            another_run,
            'A host is not enabled while another process may be at work in '
            'any case; this waits before anything else is asked.',
        ),
        off,
        known_to_be_on,
        may_be_enabled,
        nothing_is_awaited,
        *_BACK,
    ),
    (end,),
)
