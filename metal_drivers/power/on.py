# SPDX-License-Identifier: Apache-2.0
"""The rules for powering on, and for what an interrupted run has left.

A host that does not come back keeps our reason, so that the next run knows
that it is ours to enable.
"""

from __future__ import annotations

from metal_drivers.model import (
    ComputeService,
    OffMode,
    Outcome,
    PowerState,
)
from metal_drivers.power import common, guards, ownership
from metal_drivers.power.events import Step as Event
from metal_drivers.power.facts import Facts, What
from metal_drivers.power.ownership import MarkKind
from metal_drivers.power.rules import (
    Decide,
    Disable,
    Enable,
    Need,
    Rule,
    Send,
    Step,
    Table,
    Wait,
    outcome_of,
    transient,
)

#: A run reads nova-compute, writes its marker, waits for so many seconds,
#: and reads again before it sends. A run whose own read and write are
#: further apart than this sends nothing. So of two runs at once one finds
#: the marker of the other: had both written before either read again, then
#: the later of them would have read before the other's write arrived, and
#: written after its wait was over, which is further apart than this
#: (Fischer's algorithm, with its bound checked).
SETTLE = 5.0


def _service(facts: Facts) -> ComputeService | None:
    found: ComputeService | None = (
        facts.service.value if facts.service else None
    )
    return found


def _waits(facts: Facts) -> bool:
    return facts.settings.wait and not facts.settings.dry_run


def _is_on(facts: Facts) -> bool:
    return (
        facts.member.node.settled
        and facts.member.node.power_state is PowerState.ON
    )


def _is_off(facts: Facts) -> bool:
    return (
        facts.member.node.settled
        and facts.member.node.power_state is PowerState.OFF
    )


def _marks(facts: Facts) -> bool:
    """Whether a second power on would do harm: a marker keeps it away."""
    return facts.managed and not facts.order.tells_end


def _already(facts: Facts) -> bool:
    return (
        facts.order.state is PowerState.ON
        and facts.first is PowerState.ON
        and facts.sent is None
    )


def _good(facts: Facts) -> Outcome:
    return Outcome.ALREADY if _already(facts) else Outcome.DONE


# Another run.


def _lease(facts: Facts, now: float) -> Step | None:
    """One that may power the node off is waited for where it is on; one
    that may power it on, where that could be done twice."""
    foreign, mark = facts.foreign, facts.mark
    if foreign is None or mark is None or facts.own or not _waits(facts):
        return None
    if facts.sent:
        return None
    if not _is_on(facts) and not (
        _marks(facts) and mark.kind is MarkKind.POWERING_ON
    ):
        return None
    left = foreign.left(now, common.after_lease(facts))
    if _recovers(facts):
        limit = facts.settings.power_off_timeout
    else:
        limit = facts.settings.service_up_timeout
    return common.await_other(facts, now, left, limit)


def _recovers(facts: Facts) -> bool:
    return facts.order.state is None


# On already.


def _on(facts: Facts, now: float) -> Step | None:
    """Where there is nothing to be enabled, it is done."""
    if not _is_on(facts):
        return None
    service = _service(facts)
    if service is None or not _already(facts):
        return _on_not_awaited(facts)
    if facts.mark is None and not facts.found:
        return Decide(Outcome.ALREADY, 'on')
    reason = common.refusal(facts, guards.ENABLING)
    if reason:
        return Decide(
            Outcome.ALREADY, f'on; nova-compute stays disabled: {reason}'
        )
    if facts.settings.dry_run:
        return Decide(Outcome.ALREADY, 'on; would enable nova-compute')
    if facts.settings.wait:
        return None
    if facts.foreign and facts.foreign.left(now, common.after_lease(facts)):
        return Decide(
            Outcome.ALREADY,
            'on; nova-compute stays disabled: another run may be at work on '
            'it',
        )
    up = 'is up, but has not reported since' if service.up else 'is not up yet'
    return Decide(
        Outcome.ALREADY, f'on; nova-compute {up}, and stays disabled'
    )


def _on_not_awaited(facts: Facts) -> Step | None:
    if facts.settings.wait:
        return None
    return Decide(Outcome.DONE, f'on{_rest(facts)}')


def _rest(facts: Facts) -> str:
    if facts.mark is None and not facts.writes:
        return ''
    return '; run the same command again to have nova-compute enabled'


# Powering on.


def _follow(facts: Facts, now: float) -> Step | None:
    if facts.sent is None or facts.on_since is not None:
        return None
    step = common.follow(
        facts, now, False, Decide(Outcome.DONE, 'on'), Event.POWER_ON
    )
    if isinstance(step, Decide) and step.outcome is Outcome.PLANNED:
        return Decide(step.outcome, step.detail + _rest(facts))
    return step


def _busy(facts: Facts, now: float) -> Step | None:
    return common.busy(facts, now, facts.settings.power_on_timeout)


def _guards(facts: Facts, now: float) -> Step | None:
    if facts.on_since is not None:
        return None
    reason = common.refusal(facts)
    return Decide(Outcome.REFUSED, reason) if reason else None


def _not_off(facts: Facts, now: float) -> Step | None:
    if facts.on_since is not None:
        return None
    return common.not_known(facts, PowerState.OFF)


def _dry_run(facts: Facts, now: float) -> Step | None:
    if not facts.settings.dry_run:
        return None
    if facts.mark:
        return Decide(
            Outcome.PLANNED,
            f'would power on, then enable nova-compute on {facts.host}',
        )
    return Decide(Outcome.PLANNED, 'would power on')


def _denied(facts: Facts, now: float) -> Step | None:
    return common.denied(
        facts,
        now,
        facts.settings.power_on_timeout,
        Event.POWER_ON.value,
        False,
    )


def _begin(facts: Facts, now: float) -> Step | None:
    """A marker of ours is replaced by one that says what is begun."""
    if _marks(facts) and facts.mark and not facts.writes:
        return Disable(MarkKind.POWERING_ON)
    return None


def _written_too_late(facts: Facts, now: float) -> Step | None:
    written = facts.written
    if written is None or written.answered - written.read <= SETTLE:
        return None
    return Decide(
        Outcome.FAILED,
        f'Nova took {written.answered - written.read:.0f} s to write the '
        'marker, so another run may have begun as well; nothing was sent. '
        'Try again when Nova is quicker',
    )


def _settle(facts: Facts, now: float) -> Step | None:
    written = facts.written
    if written is None or facts.waited > written.turn:
        return None
    return Wait(
        written.answered + SETTLE, 'for another run, if any', excused=True
    )


def _not_ours(facts: Facts, now: float) -> Step | None:
    if not facts.writes or facts.own:
        return None
    service = _service(facts)
    if service is not None and service.enabled:
        who = 'somebody enabled nova-compute'
    elif facts.mark:
        who = 'another run has begun to power it on'
    else:
        who = f'the reason was replaced by {facts.replaced!r}'
    return Decide(
        Outcome.REFUSED,
        f'{who} on {facts.host} meanwhile; nothing was sent. Run the same '
        'command again if it is still to be powered on',
    )


def _renew(facts: Facts, now: float) -> Step | None:
    if not (facts.own and common.stale(facts, now)):
        return None
    seconds = facts.settings.power_on_timeout
    if now < common.deadline(facts, seconds):
        return Disable(MarkKind.POWERING_ON)
    return Decide(
        Outcome.TIMED_OUT,
        f'the questions that come before took {seconds:g} s; nothing was '
        'sent. Try again when Nova is quicker',
    )


def _send(facts: Facts, now: float) -> Step | None:
    return Send(OffMode.HARD, Event.POWER_ON, facts.settings.power_on_timeout)


# nova-compute comes back.


def _comes_back(facts: Facts) -> bool:
    return _is_on(facts) and facts.managed and _waits(facts)


def _unmanaged(facts: Facts, now: float) -> Step | None:
    if _is_on(facts) and not facts.managed:
        return Decide(_good(facts), 'on')
    return None


def _await_service(facts: Facts, now: float) -> Step | None:
    if not _comes_back(facts) or facts.enabled_well:
        return None
    fact = facts.service
    error = fact.error if fact else None
    if facts.enabled and facts.enabled.error:
        error = facts.enabled.error
    if error is not None and not transient(error):
        outcome = outcome_of(error)
        if outcome is Outcome.REFUSED:
            # To say "refused" would say that it is not on.
            outcome = Outcome.FAILED
        return Decide(outcome, f'on, but {error}')
    retried = facts.enabled is None or facts.waited > facts.enabled.turn
    if facts.back and retried and not _system_may_shut_down(facts, now):
        return None
    seconds = facts.settings.service_up_timeout
    assert facts.on_since is not None  # noqa: S101, it is on
    until = max(facts.on_since, facts.excused_until) + seconds
    if now < until:
        return Wait(
            until,
            f'on {facts.host}',
            Event.SERVICE,
            look=What.SERVICE,
            at_once=True,
        )
    problem = f' ({error.message})' if error else ''
    return Decide(
        Outcome.TIMED_OUT,
        f'on, but nova-compute on {facts.host} was not seen to be back '
        f'within {seconds:g} s{problem}. Run the same command again once it '
        'is',
    )


def _system_may_shut_down(facts: Facts, now: float) -> bool:
    """Whether a soft power off of a run before us may still take effect."""
    foreign = facts.foreign
    if foreign is None or facts.order.tells_end or facts.sent:
        return False
    if foreign.mark.kind is not MarkKind.SHUTTING_DOWN:
        return False
    return bool(foreign.left(now, common.after_lease(facts)))


def _enabled_before(facts: Facts, now: float) -> Step | None:
    """Only what bears our marker is enabled."""
    service = _service(facts)
    if not _comes_back(facts) or service is None:
        return None
    if service.enabled:
        return Decide(_good(facts), 'on; nova-compute is up')
    if facts.mark is None:
        return Decide(
            _good(facts),
            'on; nova-compute is up, and stays disabled by others: '
            f'{service.disabled_reason or "no reason was given"}',
        )
    if facts.mark.under_way and not facts.own and facts.mark != facts.found:
        return Decide(
            Outcome.FAILED,
            f'nova-compute on {facts.host} is up, and stays disabled: '
            'another run has begun to switch the host off. Wait for that',
        )
    return None


def _enable(facts: Facts, now: float) -> Step | None:
    if not _comes_back(facts):
        return None
    if facts.enabled_well:
        return Decide(_good(facts), 'on; nova-compute is up and enabled')
    return Enable()


# Afterwards.


def _still_off(facts: Facts) -> bool:
    """Whether the node is known to stay off: the marker says so again."""
    sent = facts.sent
    over = sent is None or (facts.order.tells_end and sent.taken)
    return over and facts.on_since is None


def _put_back(facts: Facts, now: float) -> Step | None:
    written = facts.written
    if (
        facts.decided is None
        or facts.decided.outcome.good
        or written is None
        or written.mark.kind is not MarkKind.POWERING_ON
        or facts.found is None
        or not facts.own
        or not _still_off(facts)
    ):
        return None
    return Disable(MarkKind.POWERED_OFF, facts.found)


def _end(facts: Facts, now: float) -> Step | None:
    return common.end(facts)


_BACK: tuple[Need | Rule, ...] = (
    Rule(
        'nova-compute',
        _await_service,
        'When it is on, nova-compute has to come back: to be seen down and '
        'then up, or to report once more. Nova goes on saying ``up`` for a '
        'while after a host went off; that does not count.',
    ),
    Need(
        'service, to enable',
        What.SERVICE,
        after=('waited',),
        when=lambda f: _comes_back(f) and not f.enabled_well,
        last=True,
        tolerated=True,
    ),
    Rule('only what is ours', _enabled_before),
    Rule(
        'enable',
        _enable,
        'nova-compute is enabled, if and only if it was disabled by '
        'metal-drivers.',
    ),
)

ON = Table(
    'on',
    (
        *common.BEGIN,
        *common.RATE,
        Rule('a request is followed', _follow),
        Need(
            'node',
            What.NODE,
            after=('waited',),
            when=lambda f: f.on_since is None or not f.sent,
            text='The node is asked for.',
        ),
        Rule(
            'work of others',
            _busy,
            'Work on it that is not ours is waited for.',
        ),
        Need(
            'service',
            What.SERVICE,
            after=('waited',),
            when=lambda f: (
                (f.managed
                and not f.writes
                and f.on_since is None)
                or (f.service is None
                and f.managed)
            ),
        ),
        Rule(
            'another run',
            _lease,
            'Another run that may be at work is waited for.',
        ),
        Rule('no nova-compute', _unmanaged),
        Rule(
            'on already',
            _on,
            'On already is fine, and finishes what an earlier run may have left.',
        ),
        *_BACK,
        Rule('guards', _guards, 'The guards, see below.'),
        Rule(
            'known to be off',
            _not_off,
            'Only a node that is known to be off is powered on; never one in state ``unknown`` or ``error``.',
        ),
        Rule('dry run', _dry_run),
        Rule('refused by the service', _denied),
        Need('slot', What.SLOT, when=common.slot_needed),
        Rule(
            'begin',
            _begin,
            'On a service where a second power on does harm (MAAS), our marker says that it was begun.',
        ),
        Rule('written in time', _written_too_late),
        Rule('settle', _settle),
        Need(
            'node, last',
            What.NODE,
            after=('waited', 'marked', 'slot'),
            last=True,
        ),
        Need(
            'service, last',
            What.SERVICE,
            after=('node', 'marked', 'waited'),
            when=_marks,
            last=True,
        ),
        Rule('still ours', _not_ours),
        Rule('renew', _renew),
        Rule('send', _send, 'The node is powered on.'),
    ),
    (
        Need(
            'marker',
            What.SERVICE,
            after=('decided',),
            when=lambda f: (
                f.managed
                and bool(f.writes)
                and f.decided is not None
                and not f.decided.outcome.good
                and _still_off(f)
                and f.written is not None
                and f.written.mark.kind is MarkKind.POWERING_ON
            ),
            tolerated=True,
        ),
        Rule(
            'still off',
            _put_back,
            'A host that will not come on keeps our reason.',
        ),
        Rule('end', _end),
    ),
)


# Recovery.


def _since(mark: ownership.Mark) -> str:
    return f'{mark.when:%Y-%m-%d %H:%M:%S} UTC'


def _not_marked(facts: Facts, now: float) -> Step | None:
    if facts.mark is not None or (_comes_back(facts) and facts.found):
        return None
    if facts.found is not None:
        return Decide(Outcome.ALREADY, 'others took nova-compute meanwhile')
    mark = ownership.mark_of(_service(facts))
    if mark is None:
        return Decide(Outcome.ALREADY, 'nova-compute is not disabled by us')
    return Decide(
        Outcome.REFUSED,
        f'nova-compute on {facts.host} was disabled by us for node '
        f'{mark.node_id}, which is not the one there now. Enable it by hand, '
        'if the host is to be used',
    )


def _left_off(facts: Facts, now: float) -> Step | None:
    if not _is_off(facts):
        return None
    assert facts.mark is not None  # noqa: S101, it is ours
    return Decide(
        Outcome.ALREADY, f'switched off by us since {_since(facts.mark)}'
    )


def _not_on(facts: Facts, now: float) -> Step | None:
    node = facts.member.node
    if node.power_state is PowerState.ON:
        return None
    fault = f' ({node.fault})' if node.fault else ''
    return Decide(
        Outcome.REFUSED,
        f'its power state is {node.power_state.value}{fault}: nova-compute '
        'stays disabled until that is known',
    )


def _enabling(facts: Facts, now: float) -> Step | None:
    reason = common.refusal(facts, guards.ENABLING)
    if reason is None:
        return None
    return Decide(
        Outcome.REFUSED, f'on; nova-compute stays disabled: {reason}'
    )


def _not_awaited(facts: Facts, now: float) -> Step | None:
    if facts.settings.dry_run:
        return Decide(Outcome.PLANNED, 'on; would enable nova-compute')
    if facts.settings.wait or facts.foreign is None:
        return None
    mark = facts.foreign.mark
    left = facts.foreign.left(now, common.after_lease(facts))
    if left:
        return Decide(
            Outcome.REFUSED,
            f'a run that began {mark.kind.work} {_since(mark)} may be at '
            f'work on it for {left:.0f} s yet; try again then',
        )
    return Decide(
        Outcome.REFUSED,
        'on; nova-compute stays disabled until it has reported again, which '
        'is not waited for',
    )


def _recovering(facts: Facts, now: float) -> Step | None:
    return common.busy(facts, now, facts.settings.power_on_timeout)


RECOVER = Table(
    'recover',
    (
        *common.BEGIN,
        Need(
            'service',
            What.SERVICE,
            after=('waited',),
            when=lambda f: f.on_since is None or f.service is None,
        ),
        Rule('marked by metal-drivers', _not_marked),
        Need(
            'node',
            What.NODE,
            after=('waited',),
            when=lambda f: not _comes_back(f) or f.baseline is None,
        ),
        Rule('work of others', _recovering),
        Rule('another run', _lease),
        Rule('off', _left_off, 'A host that is off is left off.'),
        Rule('known to be on', _not_on),
        Rule('may be enabled', _enabling),
        Rule('not waited for', _not_awaited),
        *_BACK,
    ),
    (Rule('end', _end),),
)
