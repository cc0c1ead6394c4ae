# SPDX-License-Identifier: Apache-2.0
"""The rules for powering on.

A host that does not power on keeps a marker, so that the next run knows
that it may enable nova-compute, and that the host may not come back.
"""

from __future__ import annotations

from metal_drivers import guards
from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.model import Outcome
from metal_drivers.power import (
    back,
    common,
    conclusions,
    failed,
    telling,
)
from metal_drivers.power.facts import Facts
from metal_drivers.power.rules import (
    Courtesy,
    Decide,
    Disable,
    Need,
    Send,
    Step,
    Table,
    Wait,
    refuse,
    time_out,
)
from metal_drivers.power.values import What

#: From when a run asks for the marker until its own is written it takes at
#: most so many seconds, or the run sends nothing. These are two requests to
#: Nova, each of a fraction of a second where Nova is well.
LONGEST_GAP = 10.0
#: How long a run waits after it has written, in seconds: longer than that
#: gap in any other run, so that whoever read before has written by then. Of
#: all who wrote, only the last one then finds its own marker (Fischer's
#: algorithm, with its bound checked).
SETTLE = 12.0


def _marks(facts: Facts) -> bool:
    """Whether another run has to know of this one: it must not send, or
    must not take what is powered on for what it could not power off.
    """
    under_way = facts.found is not None and facts.found.under_way
    return back.once(facts) or (facts.managed and under_way)


# On already.


def no_nova_compute(facts: Facts, now: float) -> Step | None:
    """If nova-compute is not managed, nothing is left to do once the node
    is on.
    """
    if not back.is_on(facts) or facts.managed:
        return None
    step = telling.after_on(facts, now) if back.awaits(facts) else None
    if step is not None:
        return step
    return back.good(facts, f'on{facts.age}' if back.already(facts) else 'on')


def on_already(facts: Facts, now: float) -> Step | None:
    """If the node is already on, what an earlier process left half-done is
    finished.
    """
    if not back.is_on(facts):
        return None
    if not back.already(facts):
        if facts.settings.wait:
            return None
        return Decide(Outcome.DONE, f'on{_unfinished(facts)}')
    if facts.found is None:
        service = facts.compute
        told = back.awaits(facts) and service is not None and service.enabled
        step = telling.after_on(facts, now) if told else None
        return step or Decide(Outcome.ALREADY, f'on{facts.age}')
    reason = common.refusal(facts, guards.ENABLING)
    detail = back.not_enabled(facts, now)
    if reason:
        detail = f'on; nova-compute remains disabled: {reason}'
    elif facts.settings.dry_run:
        detail = 'on; would enable nova-compute'
    return Decide(Outcome.ALREADY, detail) if detail else None


def _unfinished(facts: Facts) -> str:
    if facts.found is None:
        return ''
    return '; run the same command again to enable nova-compute'


# Powering on.


def a_request_is_followed(facts: Facts, now: float) -> Step | None:
    """A request is sent once. The node is queried until it is on, the
    service has given up, or the time is over.
    """
    if facts.sent is None or facts.on_since is not None:
        return None
    there = Decide(Outcome.DONE, 'on')
    step = common.follow(facts, now, there)
    if isinstance(step, Decide) and step.outcome is Outcome.PLANNED:
        return Decide(step.outcome, step.detail + _unfinished(facts))
    # Whether nova-compute is back is seen to next.
    return None if step is there else step


def dry_run(facts: Facts, now: float) -> Step | None:
    """A dry run ends here: it changes nothing."""
    if not facts.settings.dry_run:
        return None
    detail = 'would power on'
    if facts.marker:
        detail += f', then enable nova-compute on {facts.host}'
    return Decide(Outcome.PLANNED, detail)


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
    ago = now - (when if facts.last_sent is None else facts.last_sent)
    return refuse(
        f'the power on that was sent {ago:.0f} s ago may still take effect '
        f'within {left:.0f} s; try again then'
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
    if taken <= LONGEST_GAP or not back.once(facts):
        return None
    return time_out(
        f'Nova took {taken:.0f} s for two requests, so another process may '
        'be powering it on; nothing was sent. Try again when Nova is faster'
    )


def settle(facts: Facts, now: float) -> Step | None:
    """Other processes that may have read before have time to write."""
    written = facts.written
    if written is None or not back.once(facts):
        return None
    if now >= written.answered + SETTLE:
        return None
    why = 'for other processes that may be powering it on'
    return Wait(written.answered + SETTLE, why, excused=True)


def send(facts: Facts, now: float) -> Step | None:
    """The node is powered on."""
    return Send(*conclusions.request(facts))


# Afterwards.


def _nothing_sent(facts: Facts) -> bool:
    return (
        not facts.ending[0].good
        and facts.sent is None
        and facts.found is not None
        and len(facts.writes) > 0
        and facts.writes[-1].marker != facts.found
        and not failed.noted(facts)
    )


def put_back(facts: Facts, now: float) -> Step | None:
    """A process that did not send restores the former marker."""
    if not _nothing_sent(facts) or not facts.own or facts.found is None:
        return None
    slow = facts.writes[0].answered - facts.writes[0].read > LONGEST_GAP
    return None if slow else Disable(facts.found.kind, facts.found)


def end(facts: Facts, now: float) -> Step | None:
    """The result is reported."""
    left = failed.left(facts), _marker_left(facts)
    return common.end(facts, '. '.join(filter(None, left)))


def _marker_left(facts: Facts) -> str:
    """What a process that did not send may have left in Nova."""
    written, fact = facts.written, facts.service
    if written is None or facts.sent or facts.ending[0].good:
        return ''
    as_meant = written.marker == facts.found or failed.noted(facts)
    if as_meant and written.error is None:
        return ''
    if fact is not None and fact.error is None and not facts.own:
        return ''
    error = written.error or (fact.error if fact else None)
    why = error.message if error else 'another process may be powering it on'
    seconds = markers.LEASE + conclusions.aftermath(facts, written.marker)
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
        common.work_of_others,
        Need(
            What.SERVICE,
            ('told',),
            lambda f: f.managed and not f.changing and f.baseline is None,
            last=True,
            text='Nova is asked for nova-compute.',
        ),
        back.another_run,
        no_nova_compute,
        on_already,
        *back.BACK,
        common.may_be_powered,
        common.in_a_known_state,
        dry_run,
        common.taken_by_the_service,
        an_earlier_power_on,
        Courtesy(telling.before_on, 'Hooks may prepare for it.'),
        back.adopt,
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
            ('waited', 'slot'),
            last=True,
            spare=('waited', 'slot'),
            why='Its age is bounded, too; a wait may be shorter than that.',
            text='The node is queried again, and all rules above about it '
            'hold again.',
        ),
        Need(
            What.SERVICE,
            ('node',),
            _marks,
            last=True,
            spare=('node', 'age'),
            why='The age of the marker is bounded, too.',
            text='Last of all, if a second power on does harm, the marker is '
            'read.',
        ),
        common.still_marked,
        Courtesy(
            common.renew,
            'Others wait for as long as a power on takes, too; this keeps '
            'them away for all of it.',
        ),
        send,
    ),
    (
        Need(
            What.SERVICE,
            ('decided',),
            lambda f: _nothing_sent(f) or failed.counts(f),
            last=True,
            tolerated=True,
        ),
        failed.note,
        put_back,
        end,
    ),
)
