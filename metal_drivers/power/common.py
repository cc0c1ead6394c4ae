# SPDX-License-Identifier: Apache-2.0
"""Rules that powering off, powering on and recovery have in common."""

from __future__ import annotations

from metal_drivers import exceptions
from metal_drivers.model import Node, Outcome, PowerState
from metal_drivers.power import guards, ownership
from metal_drivers.power.events import Step as Event
from metal_drivers.power.facts import Facts, What
from metal_drivers.power.rules import (
    Decide,
    End,
    Need,
    NextMode,
    Rule,
    Step,
    Wait,
    outcome_of,
    transient,
)


def within(facts: Facts, now: float, end: float, wait: Wait) -> Wait | None:
    """That wait, as long as the end has not come."""
    return wait if now < end else None


def after_lease(facts: Facts) -> float:
    """For how long after another run's last request the node may follow.

    A service that tells when changes end shows what is under way; of
    another only the time-outs are known.
    """
    return 0.0 if facts.order.tells_end else facts.settings.aftermath


def refusal(
    facts: Facts, asked: tuple[guards.Guard, ...] | None = None
) -> str | None:
    """Why the guards forbid it."""
    state = facts.order.state or PowerState.ON
    dwelt = facts.sent is None and asked is None
    others = facts.others_off.value if facts.others_off else None
    return guards.refusal(
        guards.Request(
            facts.member,
            state,
            facts.settings,
            dwelt=_dwelt(facts) if dwelt else None,
            others_off=others if facts.sent is None else None,
        ),
        asked,
    )


def _dwelt(facts: Facts) -> float | None:
    """Seconds since the node was switched, as far as is known."""
    assert facts.node is not None  # noqa: S101, it was looked at
    now = facts.node.answered
    ages = []
    if facts.last_sent is not None:
        ages.append(now - facts.last_sent)
    if facts.order.state is PowerState.ON and facts.foreign:
        age = facts.foreign.age + now - facts.foreign.seen
        ages.append(max(0.0, age))
    # By two clocks: what is less than they can tell is no difference.
    return round(min(ages), 3) if ages else None


def standing(facts: Facts) -> str:
    """How the node stands, for whoever cancels."""
    state = facts.member.node.power_state.value
    if facts.order.state is PowerState.ON and facts.on_since is not None:
        return (
            f'on, but cancelled before nova-compute on {facts.host} was seen '
            'to be back. Run the same command again once it is'
        )
    if facts.sent is None:
        return (
            'cancelled before anything was asked of it; its power state '
            f'was last {state}'
        )
    asked = facts.order.state.value if facts.order.state else ''
    return (
        f'cancelled after power {asked} was asked for; its power state was '
        f'last {state}'
    )


def _cancelled(facts: Facts, now: float) -> Step | None:
    if not facts.cancelled:
        return None
    return Decide(Outcome.FAILED, standing(facts))


def _claimed(facts: Facts, now: float) -> Step | None:
    other = facts.claim.value if facts.claim else None
    if other is None:
        return None
    work = f'its change to {other.value} by this process'
    seconds = max(
        facts.settings.power_off_timeout, facts.settings.power_on_timeout
    )
    return within(
        facts,
        now,
        facts.began + seconds,
        Wait(facts.began + seconds, f'for {work}', excused=True),
    ) or Decide(
        Outcome.TIMED_OUT,
        f'{work} has not ended within {seconds:g} s; try again when it has '
        'ended',
    )


#: Before anything is asked of a service.
BEGIN: tuple[Need | Rule, ...] = (
    Rule('cancelled', _cancelled, 'Once it is cancelled, nothing is begun.'),
    Need(
        'claim',
        What.CLAIM,
        after=('waited',),
        when=lambda facts: (
            not facts.settings.dry_run
            and (facts.claim is None or facts.claim.value is not None)
            and (facts.claim is None or facts.waited > facts.claim.turn)
        ),
    ),
    Rule(
        'one at a time',
        _claimed,
        'A node has one transition at a time in one process.',
    ),
)


def deadline(facts: Facts, seconds: float) -> float:
    """Until when requests are tried, in seconds."""
    since = facts.mode_since
    return (facts.began if since is None else since) + seconds + facts.excused


def busy(facts: Facts, now: float, seconds: float) -> Step | None:
    """Wait for the work of others on the node."""
    node = facts.member.node
    if node.settled or only_ours(facts):
        return None
    end = deadline(facts, seconds)
    if now < end:
        return Wait(end, f'for {_work(node)}', look=What.NODE)
    return Decide(
        Outcome.TIMED_OUT,
        f'{_work(node)} has not ended within {seconds:g} s; try again when '
        'it has ended',
    )


def only_ours(facts: Facts) -> bool:
    """Whether the work on the node is our own, without effect yet."""
    node = facts.member.node
    return (
        facts.sent is not None
        and node.target is facts.order.state
        and node.power_state is not facts.order.state
    )


def _work(node: Node) -> str:
    if node.target is None:
        return f'the work of {node.busy} on it'
    return f'its change to {node.target.value}'


def not_known(facts: Facts, wanted: PowerState) -> Step | None:
    """Only a state that is known is changed."""
    node = facts.member.node
    if node.power_state is wanted:
        return None
    fault = f' ({node.fault})' if node.fault else ''
    return Decide(
        Outcome.REFUSED,
        f'its power state is {node.power_state.value}{fault}, not '
        f'{wanted.value}. Mend what keeps the bare metal service from '
        'telling it',
    )


def denied(
    facts: Facts, now: float, seconds: float, what: str, next_way: bool
) -> Step | None:
    """What follows where the service did not take the request."""
    fact = facts.denied
    if fact is None or fact.turn < facts.mode_turn:
        return None
    error = fact.error
    assert error is not None  # noqa: S101, it is a refusal
    if not isinstance(error, exceptions.BusyError):
        if next_way and isinstance(error, exceptions.UnsupportedError):
            return NextMode(error.message)
        return Decide(outcome_of(error), str(error))
    if facts.waited > fact.turn:
        return None
    until = deadline(facts, seconds)
    if now < until:
        return Wait(until, error.message)
    return Decide(
        Outcome.TIMED_OUT,
        f'{error.message}, for {seconds:g} s. The {what} was not begun; try '
        'again when that has ended',
    )


def slot(facts: Facts, now: float) -> Step | None:
    """Wait for the rate."""
    wait = facts.slot.value if facts.slot else 0.0
    if not wait:
        return None
    state = facts.order.state
    assert facts.slot is not None and state is not None  # noqa: S101
    return Wait(
        facts.slot.answered + wait,
        f'{facts.settings.rate(state)} a minute',
        Event.PACED,
        excused=True,
    )


def slot_needed(facts: Facts) -> bool:
    """Each request that may be the first to arrive takes one."""
    if facts.settings.dry_run:
        return False
    return facts.sent is None or not facts.sent.taken


#: While the rate is waited for, nothing else is asked.
RATE: tuple[Need | Rule, ...] = (
    Need(
        'slot, again',
        What.SLOT,
        after=('waited',),
        when=lambda facts: facts.slot is not None and facts.slot.value > 0,
    ),
    Rule('rate', slot, 'The rate is kept.'),
)


def await_other(
    facts: Facts, now: float, left: float, limit: float
) -> Step | None:
    """Wait where another run may be at work.

    :param left: for how many seconds it may be.
    :param limit: how many seconds this may take.
    """
    if not left or facts.foreign is None:
        return None
    mark = facts.foreign.mark
    run = f'another run, which began at {mark.when:%H:%M:%S} UTC'
    if left > limit:
        return Decide(
            Outcome.REFUSED,
            f'{run}, may be {mark.kind.work} for {left:.0f} s yet; try '
            'again then',
        )
    return Wait(now + left, f'for {run}', excused=True)


# A request that was sent.


def follow(
    facts: Facts,
    now: float,
    next_way: bool,
    there: Decide,
    step: Event,
) -> Step | None:
    """What becomes of the request that is under way.

    :param next_way: whether there is another way to try after this one.
    :param there: the end, once the node is there.
    """
    sent = facts.sent
    if sent is None or not facts.following:
        return None
    seen = facts.node is not None and facts.node.turn > sent.turn
    if not facts.settings.wait:
        if sent.doubt:
            return Decide(outcome_of(sent.doubt), str(sent.doubt))
        return Decide(Outcome.PLANNED, f'{step.value} was asked for')
    error = facts.node.error if facts.node and seen else None
    if seen and error is None and facts.arrived:
        return there
    if error is not None and not transient(error):
        refused = isinstance(error, exceptions.RefusedError)
        return Decide(
            Outcome.FAILED if refused else outcome_of(error),
            f'after {step.value} was asked for: {error}',
        )
    ended = seen and error is None and _gave_up(facts)
    late = None if ended or now < sent.until else _late(facts)
    if not (ended or late):
        return Wait(sent.until, look=What.NODE, at_once=True)
    end = ended or late
    assert end is not None and not isinstance(end, bool)  # noqa: S101
    if next_way:
        return NextMode(end.detail)
    return end


def _gave_up(facts: Facts) -> Decide | None:
    node, sent = facts.member.node, facts.sent
    assert sent is not None  # noqa: S101, the caller has looked
    if not (facts.order.tells_end and sent.taken and node.settled):
        return None
    return Decide(
        Outcome.FAILED,
        'the bare metal service gave up: '
        f'{node.fault or "it gives no reason"}. Its power state is '
        f'{node.power_state.value}',
    )


def _late(facts: Facts) -> Decide:
    node, sent = facts.member.node, facts.sent
    assert sent is not None and facts.order.state  # noqa: S101
    detail = (
        f'not seen to be {facts.order.state.value} within {sent.seconds:g} '
        f's; its power state was last {node.power_state.value}'
    )
    if node.fault:
        detail += f'; {node.fault}'
    if sent.doubt and not sent.taken:
        detail += f'. {sent.doubt.message}'
    return Decide(Outcome.TIMED_OUT, detail)


def end(facts: Facts, left: str = '') -> End:
    """The end that was decided.

    :param left: what is left behind, for the message.
    """
    decided = facts.decided
    assert decided is not None  # noqa: S101, the table is read after that
    outcome, detail = decided.outcome, decided.detail
    if outcome is Outcome.REFUSED and (left or facts.sent):
        # To be refused is to have changed nothing.
        outcome = Outcome.FAILED
    if left:
        detail = f'{detail.rstrip(".")}. {left}'
    return End(outcome, detail)


def stale(facts: Facts, now: float) -> bool:
    """Whether our marker has to be renewed before a request."""
    written = facts.written
    return written is None or now - written.began >= ownership.RENEW
