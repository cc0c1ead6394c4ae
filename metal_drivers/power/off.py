# SPDX-License-Identifier: Apache-2.0
"""The rules for powering off.

nova-compute is disabled, the host is seen to be empty, the node is powered
off. What fails puts nova-compute back as it was, unless the node may still
go off: servers must not land on such a host.
"""

from __future__ import annotations

from collections.abc import Collection

from metal_drivers.model import (
    Capability,
    ComputeService,
    OffMode,
    Outcome,
    PowerState,
)
from metal_drivers.power import common
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
)

_EVENTS = {OffMode.SOFT: Event.SOFT_OFF, OffMode.HARD: Event.HARD_OFF}


def modes(facts: Facts) -> tuple[OffMode, ...]:
    """What is tried, in this order."""
    soft = (
        Capability.SOFT_OFF in facts.order.capabilities
        and facts.member.node.soft_off
    )
    return tuple(
        mode
        for mode in facts.settings.off_modes
        if soft or mode is OffMode.HARD
    )


def _mode(facts: Facts) -> OffMode:
    # A mode that turned out not to be supported may leave the list.
    found = modes(facts)
    return found[min(facts.mode, len(found) - 1)]


def _seconds(facts: Facts) -> float:
    if modes(facts) and _mode(facts) is OffMode.SOFT and facts.changing:
        return facts.settings.soft_off_timeout
    return facts.settings.power_off_timeout


def _service(facts: Facts) -> ComputeService | None:
    found: ComputeService | None = (
        facts.service.value if facts.service else None
    )
    return found


def _follow(facts: Facts, now: float) -> Step | None:
    if facts.sent is None:
        return None
    event = _EVENTS[facts.sent.mode]
    return common.follow(
        facts,
        now,
        facts.mode + 1 < len(modes(facts)),
        Decide(Outcome.DONE, _how(facts)),
        event,
    )


def _how(facts: Facts) -> str:
    """What switched it off, as far as that can be known."""
    assert facts.sent is not None  # noqa: S101, the caller has looked
    if facts.sent.mode is OffMode.HARD and facts.soft_sent:
        return 'off, after soft and hard power off'
    return f'off, by {_EVENTS[facts.sent.mode].value}'


def _off(facts: Facts, now: float) -> Step | None:
    if not facts.arrived:
        return None
    if facts.first is PowerState.OFF:
        return Decide(Outcome.ALREADY, 'off')
    if facts.sent:
        return Decide(Outcome.DONE, _how(facts))
    return Decide(Outcome.DONE, 'off')


def _busy(facts: Facts, now: float) -> Step | None:
    return common.busy(facts, now, _seconds(facts))


def _guards(facts: Facts, now: float) -> Step | None:
    reason = common.refusal(facts)
    return Decide(Outcome.REFUSED, reason) if reason else None


def _not_on(facts: Facts, now: float) -> Step | None:
    return common.not_known(facts, PowerState.ON)


def _no_way(facts: Facts, now: float) -> Step | None:
    if modes(facts):
        return None
    return Decide(
        Outcome.REFUSED,
        'it cannot be asked to shut down, and power_off_mode is "soft". '
        'Allow a hard power off',
    )


def _nova_missing(facts: Facts, now: float) -> Step | None:
    if facts.member.host is None or facts.order.nova:
        return None
    return Decide(
        Outcome.REFUSED,
        f'whether servers are on {facts.host} cannot be asked: Nova is not '
        'configured. Configure [nova]',
    )


def _dry_run(facts: Facts, now: float) -> Step | None:
    if not facts.settings.dry_run:
        return None
    steps = [_EVENTS[mode].value for mode in modes(facts)]
    service = _service(facts)
    if service is not None and service.enabled:
        steps.insert(0, f'disable nova-compute on {facts.host}')
    return Decide(Outcome.PLANNED, 'would ' + ', then '.join(steps))


def _servers(facts: Facts, now: float) -> Step | None:
    servers = facts.servers.value if facts.servers else 0
    if not servers:
        return None
    return Decide(
        Outcome.REFUSED,
        f'{servers} server{"s are" if servers > 1 else " is"} on '
        f'{facts.host}. Move or delete {"them" if servers > 1 else "it"} '
        'first',
    )


def _moving(facts: Facts, now: float) -> Step | None:
    moving = facts.moving.value if facts.moving else ()
    if not moving:
        return None
    return Decide(
        Outcome.REFUSED,
        f'on the way to or from {facts.host}, or resized and not confirmed: '
        f'{_some(moving)}. Wait for that first',
    )


def _unplaced(facts: Facts, now: float) -> Step | None:
    if not facts.awaited:
        return None
    seconds = facts.settings.scheduling_timeout
    end = facts.awaited_since + seconds
    if now < end:
        return Wait(
            end,
            f'of {len(facts.awaited)} servers',
            Event.SCHEDULING,
            excused=True,
        )
    return Decide(
        Outcome.REFUSED,
        f'still being scheduled after {seconds:g} s, and possibly to '
        f'{facts.host}: {_some(facts.awaited)}. Try again when such servers '
        'have got a host or are deleted',
    )


def _some(servers: Collection[str]) -> str:
    """Their ids, or those of the first and how many more there are."""
    named, more = sorted(servers)[:3], len(servers) - 3
    return ', '.join(named) + (f' and {more} more' if more > 0 else '')


# nova-compute.


def _lease(facts: Facts, now: float) -> Step | None:
    if facts.writes or facts.mark is None or facts.foreign is None:
        return None
    return common.await_other(
        facts,
        now,
        facts.foreign.left(now),
        facts.settings.power_off_timeout,
    )


def _kind(facts: Facts) -> MarkKind:
    if OffMode.SOFT in modes(facts) and not facts.order.tells_end:
        return MarkKind.SHUTTING_DOWN
    return MarkKind.POWERING_OFF


def _disable(facts: Facts, now: float) -> Step | None:
    service = _service(facts)
    if facts.writes or service is None or facts.sent:
        return None
    if service.enabled or facts.mark:
        return Disable(_kind(facts))
    return None


def _enabled(facts: Facts, now: float) -> Step | None:
    service = _service(facts)
    if service is None or not service.enabled:
        return None
    if not (facts.writes or facts.sent):
        return None
    return Decide(
        Outcome.REFUSED,
        f'somebody enabled nova-compute on {facts.host} meanwhile. Run the '
        'same command again if it is to be switched off all the same',
    )


def _taken_over(facts: Facts, now: float) -> Step | None:
    if not facts.writes or facts.mark is None or facts.own:
        return None
    return Decide(
        Outcome.REFUSED,
        f'another run has begun to switch {facts.host} off. Wait for that',
    )


def _replaced(facts: Facts, now: float) -> Step | None:
    if facts.replaced is None:
        return None
    return Decide(Outcome.REFUSED, _replaced_text(facts))


def _replaced_text(facts: Facts) -> str:
    return (
        f'the reason for which nova-compute on {facts.host} is disabled was '
        f'replaced by {facts.replaced!r}: it will not be enabled again by '
        'metal-drivers. Find out who did that, and enable it by hand'
    )


def _renew(facts: Facts, now: float) -> Step | None:
    if not (facts.own and common.stale(facts, now)):
        return None
    seconds = _seconds(facts)
    if now < common.deadline(facts, seconds):
        return Disable(_kind(facts))
    return Decide(
        Outcome.TIMED_OUT,
        f'the questions that come before took {seconds:g} s; nothing was '
        'sent. Try again when Nova is quicker',
    )


def _denied(facts: Facts, now: float) -> Step | None:
    if facts.denied is None:
        return None
    return common.denied(
        facts,
        now,
        _seconds(facts),
        _EVENTS[_mode(facts)].value,
        facts.mode + 1 < len(modes(facts)),
    )


def _send(facts: Facts, now: float) -> Step | None:
    mode = _mode(facts)
    seconds, limit = facts.settings.power_off_timeout, None
    if mode is OffMode.SOFT:
        seconds = facts.settings.soft_off_timeout
        if Capability.SOFT_OFF_TIMEOUT in facts.order.capabilities:
            limit = seconds
    return Send(mode, _EVENTS[mode], seconds, limit)


# Afterwards.


def _untouched(facts: Facts, now: float) -> Step | None:
    assert facts.decided is not None  # noqa: S101, the table is read then
    if facts.decided.outcome in (Outcome.ALREADY, Outcome.PLANNED):
        return common.end(facts)
    if facts.settings.dry_run or not facts.managed:
        return common.end(facts)
    # Where nothing was begun, nothing of an earlier run was looked at.
    if facts.servers is None and not facts.changing:
        return common.end(facts)
    if facts.decided.outcome is Outcome.DONE and not facts.writes:
        return common.end(facts)
    return None


def _done(facts: Facts) -> bool:
    return facts.decided is not None and facts.decided.outcome is Outcome.DONE


def _note_off(facts: Facts, now: float) -> Step | None:
    if not _done(facts):
        return None
    assert facts.written is not None  # noqa: S101, something was
    if facts.written.mark.kind is MarkKind.POWERED_OFF:
        return common.end(facts)
    assert facts.service is not None  # noqa: S101, it was asked for
    if facts.own:
        return Disable(MarkKind.POWERED_OFF)
    if facts.replaced and facts.service.error is None and not facts.mark:
        return common.end(facts, _replaced_text(facts))
    return common.end(facts)


def _nothing_ours(facts: Facts, now: float) -> Step | None:
    """Only what bears our marker is given back."""
    fact = facts.service
    assert fact is not None  # noqa: S101, it was asked for
    if fact.error is not None:
        if not (facts.writes or facts.foreign):
            return common.end(facts)
        return common.end(facts, _left(facts, fact.error.message))
    if facts.mark is None or (facts.writes and not facts.own):
        # Somebody else's, or another run has it by now.
        if facts.replaced and facts.sent:
            return common.end(facts, _replaced_text(facts))
        return common.end(facts)
    return None


def _left(facts: Facts, message: str) -> str:
    return (
        f'nova-compute on {facts.host} may be left disabled: {message}; '
        f'`metal-drivers node recover {facts.host}` enables it again'
    )


def _others_work(facts: Facts, now: float) -> Step | None:
    """The marker of an earlier run that may be at work stays."""
    if not facts.writes and facts.foreign and facts.foreign.left(now):
        return common.end(facts)
    return None


def _may_go_off(facts: Facts, now: float) -> Step | None:
    if stays_on(facts, now):
        return None
    return common.end(
        facts,
        f'nova-compute on {facts.host} stays disabled, since the node may '
        'still go off; run the same command again, or `metal-drivers node '
        f'recover {facts.host}`',
    )


def stays_on(facts: Facts, now: float) -> bool:
    """Whether nothing can power the node off any more.

    A service that does not tell the end of a change, or that may not have
    got the request yet, is believed once the deadline is over; but an
    operating system may take longer than that to shut down.
    """
    sent, node = facts.sent, facts.node
    if facts.foreign and facts.foreign.left(now, common.after_lease(facts)):
        return False
    if sent and not (
        now >= sent.until or (facts.order.tells_end and sent.taken)
    ):
        return False
    if sent and sent.mode is OffMode.SOFT and not facts.order.tells_end:
        return False
    assert node is not None  # noqa: S101, it was asked for
    if node.error is not None:
        # Where nothing was sent, there is nothing to be afraid of.
        return sent is None
    if sent is None:
        return node.value.target in (None, PowerState.ON)
    return bool(node.value.settled and node.value.power_state is PowerState.ON)


def _give_back(facts: Facts, now: float) -> Step | None:
    fact = facts.enabled
    if fact is None:
        return Enable(Event.UNDONE)
    if fact.error is not None:
        return common.end(facts, _left(facts, fact.error.message))
    return common.end(facts)


def _failed(facts: Facts) -> bool:
    return not _done(facts) and facts.enabled is None


def _managed(facts: Facts) -> bool:
    return facts.managed


def _hosted(facts: Facts) -> bool:
    return facts.member.host is not None


def _waits(facts: Facts) -> bool:
    """Whether servers are being scheduled that may land here."""
    return facts.managed and bool(facts.writes)


OFF = Table(
    'off',
    (
        *common.BEGIN,
        *common.RATE,
        Need(
            'scheduled servers, again',
            What.UNPLACED,
            after=('waited',),
            when=lambda f: _waits(f) and bool(f.awaited),
        ),
        Rule('scheduler', _unplaced),
        Rule(
            'a request is followed',
            _follow,
            'A request is sent once. What became of it is asked, never '
            'guessed, until the node is off, the service has given up, or '
            'the time is over; then the next way is tried.',
        ),
        Need(
            'node',
            What.NODE,
            after=('waited', 'mode'),
            text='The node is asked for.',
        ),
        Rule('off', _off, 'Off already is fine.'),
        Rule(
            'work of others',
            _busy,
            'Work on it that is not ours is waited for.',
        ),
        Rule('guards', _guards, 'The guards, see below.'),
        Rule(
            'known to be on',
            _not_on,
            'Only a node that is known to be on is powered off.',
        ),
        Rule(
            'a way', _no_way, 'There is a way that ``power_off_mode`` allows.'
        ),
        Rule('Nova', _nova_missing),
        Need(
            'room',
            What.OTHERS_OFF,
            when=lambda f: (
                _hosted(f)
                and bool(f.settings.max_powered_off)
                and not f.changing
            ),
            text='Not too many hosts are off (``max_powered_off``).',
        ),
        Rule('room for one more', _guards),
        Need(
            'moving, to plan',
            What.MOVING,
            when=lambda f: _hosted(f) and f.settings.dry_run,
        ),
        Rule('nothing moves, to plan', _moving),
        Need(
            'servers, first',
            What.SERVERS,
            when=lambda f: _hosted(f) and not f.writes,
            text='Nova is asked which servers are on the host, shut off '
            'ones included. One is enough to refuse; no answer is, too.',
        ),
        Rule('empty, first', _servers),
        Need(
            'service, to plan',
            What.SERVICE,
            when=lambda f: f.managed and f.settings.dry_run,
        ),
        Rule('dry run', _dry_run),
        Rule('refused by the service', _denied),
        Need('slot', What.SLOT, when=common.slot_needed),
        Need(
            'node, after the wait',
            What.NODE,
            after=('waited',),
        ),
        Need(
            'service',
            What.SERVICE,
            after=('waited',),
            when=lambda f: f.managed and not f.writes,
        ),
        Rule(
            'enabled by others',
            _enabled,
            'A host that others enable meanwhile is theirs.',
        ),
        Rule(
            'another run',
            _lease,
            'Another run that may be at work is waited for.',
        ),
        Rule(
            'disable',
            _disable,
            'nova-compute is disabled, with a reason that is ours.',
        ),
        Need(
            'scheduled servers',
            What.UNPLACED,
            after=('disabled',),
            when=_waits,
            text='Servers that the scheduler may have sent to the host '
            'before that are on no host yet, and Nova does not count them '
            'there. They are waited for; then the host is given back.',
        ),
        Rule('wait for the scheduler', _unplaced),
        Need(
            'moving',
            What.MOVING,
            after=('disabled', 'unplaced', 'waited', 'mode'),
            when=_hosted,
            text='Nova is asked which servers are being migrated or resized '
            'to or from the host.',
        ),
        Rule('nothing moves', _moving),
        Need(
            'servers, again',
            What.SERVERS,
            after=('disabled', 'moving', 'waited', 'mode'),
            when=_hosted,
            text='Nova is asked again: a server can have landed in between.',
        ),
        Rule('empty', _servers),
        Need(
            'node, last',
            What.NODE,
            after=('servers', 'waited'),
            last=True,
        ),
        Need(
            'service, last',
            What.SERVICE,
            after=('node', 'servers', 'marked'),
            when=_managed,
            last=True,
            text='Last of all, the marker is read: it must be that of this '
            'run, and less than half a minute old.',
        ),
        Rule('still disabled', _enabled),
        Rule('not taken over', _taken_over),
        Rule('not replaced', _replaced),
        Rule('renew', _renew),
        Rule(
            'send',
            _send,
            'The node is asked to shut down and, where that does not help in time, its power is cut (``power_off_mode``).',
        ),
    ),
    (
        Rule('nothing to tidy up', _untouched),
        Need(
            'marker, once off',
            What.SERVICE,
            after=('decided',),
            when=lambda f: (
                _done(f)
                and f.written is not None
                and f.written.mark.kind is not MarkKind.POWERED_OFF
            ),
            tolerated=True,
        ),
        Rule(
            'note that it is off',
            _note_off,
            'When it was seen off, the reason in Nova says so.',
        ),
        Need(
            'marker',
            What.SERVICE,
            after=('decided',),
            when=_failed,
            tolerated=True,
        ),
        Rule('only what is ours', _nothing_ours),
        Rule('another run has it', _others_work),
        Need(
            'node, to give back',
            What.NODE,
            after=('decided',),
            when=_failed,
            tolerated=True,
        ),
        Rule(
            'may go off',
            _may_go_off,
            'While a request of ours may still power the node off, nova-compute remains disabled.',
        ),
        Need(
            'marker, last',
            What.SERVICE,
            after=('node',),
            when=_failed,
            tolerated=True,
        ),
        Rule('still ours', _nothing_ours),
        Rule(
            'give back',
            _give_back,
            'What fails puts nova-compute back as it was.',
        ),
    ),
)
