# SPDX-License-Identifier: Apache-2.0
"""The rules for powering off.

nova-compute is disabled, the host is seen to be empty, the node is powered
off. What fails puts nova-compute back as it was, unless the node may still
go off: servers must not land on such a host.
"""

from __future__ import annotations

from collections.abc import Collection

from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.model import Capability, OffMode, Outcome, PowerState
from metal_drivers.power import common
from metal_drivers.power.events import Step as Event
from metal_drivers.power.facts import Facts, Sent, What
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
    refuse,
)

_EVENTS = {OffMode.SOFT: Event.SOFT_OFF, OffMode.HARD: Event.HARD_OFF}


def _modes(facts: Facts) -> tuple[OffMode, ...]:
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
    # What a node can may change on the way.
    found = _modes(facts)
    return found[min(facts.mode, len(found) - 1)]


def _more(facts: Facts) -> bool:
    """Whether there is another way to try after this one."""
    return facts.mode + 1 < len(_modes(facts))


def _seconds(facts: Facts) -> float:
    soft = bool(_modes(facts)) and _mode(facts) is OffMode.SOFT
    if soft and facts.changing:
        return facts.settings.soft_off_timeout
    return facts.settings.power_off_timeout


# Powered off already, or by our request.


def a_request_is_followed(facts: Facts, now: float) -> Step | None:
    """A request is sent once. The node is queried until it is off, the
    service has given up, or the time is over; then the next way is tried.
    """
    if facts.sent is None:
        return None
    what = _EVENTS[facts.sent.mode].value
    there = Decide(Outcome.DONE, _how(facts))
    return common.follow(facts, now, there, what, _more(facts))


def _how(facts: Facts) -> str:
    """What powered it off, as far as that can be known."""
    sent = facts.sent
    if sent is None:
        return 'off'
    if not facts.following:
        return f'off, after {_EVENTS[sent.mode].value}'
    if not facts.soft_pending or sent.mode is OffMode.SOFT:
        return f'off, by {_EVENTS[sent.mode].value}'
    late = (
        '' if facts.tells_end else (', and the hard one may still take effect')
    )
    return (
        'off, after a soft and a hard power off; which of them took effect '
        f'is not known{late}'
    )


def off_already(facts: Facts, now: float) -> Step | None:
    """If the node is already off, nothing is left to do."""
    if not facts.arrived:
        return None
    if facts.first is PowerState.OFF:
        return Decide(Outcome.ALREADY, f'off{facts.age}')
    return Decide(Outcome.DONE, _how(facts))


# What stands in the way.


def work_of_others(facts: Facts, now: float) -> Step | None:
    """Work on the node by someone else is waited for."""
    return common.busy(facts, now, _seconds(facts))


def guards(facts: Facts, now: float) -> Step | None:
    """The guards are checked, see below."""
    reason = common.refusal(facts)
    return refuse(reason) if reason else None


def known_to_be_on(facts: Facts, now: float) -> Step | None:
    """Only a node that is known to be on is powered off."""
    return common.known_to_be(facts, PowerState.ON)


def a_way_to_power_off(facts: Facts, now: float) -> Step | None:
    """The node can do what ``power_off_mode`` allows."""
    if _modes(facts):
        return None
    return refuse(
        'it does not support a soft power off, and power_off_mode is "soft". '
        'Allow a hard power off'
    )


def nova_can_be_asked(facts: Facts, now: float) -> Step | None:
    """Nova is configured, so that it can be asked about servers."""
    if facts.member.host is None or facts.order.nova:
        return None
    return refuse(
        f'servers on {facts.host} cannot be counted: Nova is not '
        'configured. Configure [nova]'
    )


def empty(facts: Facts, now: float) -> Step | None:
    """One server is enough to refuse, even one that is shut off."""
    servers = facts.servers.value if facts.servers else 0
    if not servers:
        return None
    are, them = ('s are', 'them') if servers > 1 else (' is', 'it')
    return refuse(
        f'{servers} server{are} on {facts.host}. Move or delete {them} first'
    )


def nothing_moves(facts: Facts, now: float) -> Step | None:
    """Nova counts a server that moves elsewhere until it arrives, and a
    resize that is not confirmed keeps its former host: one is enough to
    refuse.
    """
    moving = facts.moving.value if facts.moving else ()
    if not moving:
        return None
    return refuse(
        f'migrating or resizing to or from {facts.host}, or resized and not '
        f'confirmed: {_some(moving)}. Wait until that has ended'
    )


def nothing_is_scheduled(facts: Facts, now: float) -> Step | None:
    """Servers that are being scheduled are waited for, for at most a
    minute; after that, the power off is refused.
    """
    if not facts.awaited:
        return None
    seconds = facts.settings.scheduling_timeout
    end = facts.awaited_since + seconds
    if now < end:
        why = f'to place {len(facts.awaited)} servers'
        return Wait(end, why, Event.SCHEDULING, excused=True)
    return refuse(
        f'servers are still being scheduled after {seconds:g} s, possibly to '
        f'{facts.host}: {_some(facts.awaited)}. Try again when they have a '
        'host or are deleted'
    )


def _some(servers: Collection[str]) -> str:
    """Their ids, or those of the first and how many more there are."""
    named, more = sorted(servers)[:3], len(servers) - 3
    return ', '.join(named) + (f' and {more} more' if more > 0 else '')


def dry_run(facts: Facts, now: float) -> Step | None:
    """A dry run ends here: it changes nothing."""
    if not facts.settings.dry_run:
        return None
    steps = [_EVENTS[mode].value for mode in _modes(facts)]
    service = facts.compute
    if service is not None and service.enabled:
        steps.insert(0, f'disable nova-compute on {facts.host}')
    return Decide(Outcome.PLANNED, 'would ' + ', then '.join(steps))


def taken_by_the_service(facts: Facts, now: float) -> Step | None:
    """If the service is busy, the request is sent again later, after all of
    these questions.
    """
    if facts.denied is None:
        return None
    what = _EVENTS[_mode(facts)].value
    return common.denied(facts, now, _seconds(facts), what, _more(facts))


# nova-compute.


def another_run(facts: Facts, now: float) -> Step | None:
    """Another process that may be at work is waited for."""
    if facts.writes or facts.marker is None:
        return None
    return common.await_other(
        facts, now, 0.0, facts.settings.power_off_timeout
    )


def _kind(facts: Facts) -> MarkerKind:
    if OffMode.SOFT in _modes(facts) and not facts.tells_end:
        return MarkerKind.SHUTTING_DOWN
    return MarkerKind.POWERING_OFF


def disable(facts: Facts, now: float) -> Step | None:
    """nova-compute is disabled, with the marker as its reason."""
    service = facts.compute
    if facts.writes or facts.sent or service is None:
        return None
    if service.enabled or facts.marker:
        return Disable(_kind(facts))
    return None


def still_disabled(facts: Facts, now: float) -> Step | None:
    """If someone else enables nova-compute meanwhile, nothing more is sent
    to the node.
    """
    service = facts.compute
    if service is None or not service.enabled:
        return None
    if not (facts.writes or facts.sent):
        return None
    return refuse(
        f'someone else enabled nova-compute on {facts.host} meanwhile. Run '
        'the same command again to power it off anyway'
    )


def still_marked(facts: Facts, now: float) -> Step | None:
    """If another process, or someone else, has replaced the marker, nothing
    more is sent.
    """
    if not facts.writes or facts.own or facts.compute is None:
        return None
    if facts.marker:
        return refuse(
            f'another process has begun to power off {facts.host}. Wait '
            'until it has finished'
        )
    return refuse(
        f'{_lost(facts)}. Find out why, then run the same command again'
    )


def _lost(facts: Facts) -> str:
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
    due = common.renew(facts, now, _seconds(facts))
    return Disable(_kind(facts)) if due is True else due or None


def send(facts: Facts, now: float) -> Step | None:
    """The node is asked to shut down. If it is not off in time, its power
    is cut (``power_off_mode``).
    """
    mode = _mode(facts)
    if mode is OffMode.HARD:
        return Send(mode, Event.HARD_OFF, facts.settings.power_off_timeout)
    seconds = facts.settings.soft_off_timeout
    limited = Capability.SOFT_OFF_TIMEOUT in facts.order.capabilities
    return Send(mode, Event.SOFT_OFF, seconds, seconds if limited else None)


# Afterwards.


def nothing_to_tidy_up(facts: Facts, now: float) -> Step | None:
    """If nothing was changed, nothing is left to do."""
    if not facts.managed or facts.settings.dry_run:
        return common.end(facts)
    if facts.ending[0] in (Outcome.ALREADY, Outcome.PLANNED):
        return common.end(facts)
    # Where nothing was begun, nothing of an earlier run was looked at.
    if facts.servers is None and not facts.changing:
        return common.end(facts)
    return common.end(facts) if _done(facts) and not facts.writes else None


def _done(facts: Facts) -> bool:
    return facts.ending[0] is Outcome.DONE


def _unnoted(facts: Facts) -> bool:
    written = facts.written
    return _done(facts) and bool(
        written and written.marker.kind is not MarkerKind.POWERED_OFF
    )


def note_that_it_is_off(facts: Facts, now: float) -> Step | None:
    """Once the node was seen to be off, the marker says so."""
    if not _done(facts):
        return None
    if _unnoted(facts) and facts.own:
        return Disable(MarkerKind.POWERED_OFF)
    return common.end(facts, _lost(facts))


def only_what_is_ours(facts: Facts, now: float) -> Step | None:
    """A service that was disabled by someone else remains so."""
    fact = facts.service
    if fact is not None and fact.error is not None:
        if not (facts.writes or facts.found):
            return common.end(facts)
        return common.end(facts, _left(facts, fact.error.message))
    if facts.marker is None:
        lost = _lost(facts)
        told = lost and lost in facts.ending[1]
        return common.end(facts, '' if told else lost)
    if facts.writes and not facts.own:
        # Another process has it by now.
        return common.end(facts)
    if not facts.writes and facts.foreign and facts.foreign.left(now):
        return common.end(facts)
    return None


def _left(facts: Facts, message: str) -> str:
    return (
        f'nova-compute on {facts.host} may be left disabled: {message}; '
        f'`metal-drivers node recover {facts.host}` enables it again'
    )


def may_still_go_off(facts: Facts, now: float) -> Step | None:
    """While a request may still power the node off, nova-compute remains
    disabled.
    """
    if stays_on(facts, now):
        return None
    return common.end(
        facts,
        f'nova-compute on {facts.host} remains disabled, because the node '
        'may still power off; run the same command again, or `metal-drivers '
        f'node recover {facts.host}`',
    )


def stays_on(facts: Facts, now: float) -> bool:
    """Whether nothing can power the node off any more.

    A service that does not tell the end of a change, or that may not have
    got the request yet, is believed once the deadline is over; but an
    operating system may take longer than that to shut down.
    """
    sent, fact = facts.sent, facts.node
    before = facts.foreign
    if before and (
        common.shutting_down(facts, before.marker)
        or before.left(now, common.aftermath(facts, before.marker))
    ):
        return False
    if sent and now < _no_effect_after(facts, sent):
        return False
    if sent and sent.mode is OffMode.SOFT and not facts.tells_end:
        return False
    if fact is None or fact.error is not None:
        # Where nothing was sent, there is nothing to be afraid of.
        return sent is None
    node = facts.member.node
    if sent is None:
        # What others have powered off is no place for servers, either.
        off = node.power_state is PowerState.OFF
        return not off and node.target in (None, PowerState.ON)
    return node.settled and node.power_state is PowerState.ON


def _no_effect_after(facts: Facts, sent: Sent) -> float:
    """When a request is not expected to have an effect any more, in seconds.

    A service that does not tell the end takes as long as the configuration
    says, whatever time-out this one request was given; and it begins with a
    request without a reply when that arrives, up to its time-out later.
    """
    if facts.tells_end:
        return 0.0 if sent.taken else sent.until
    if sent.unanswered:
        return sent.until + facts.settings.aftermath
    return sent.until + max(0.0, facts.settings.aftermath - sent.seconds)


def give_back(facts: Facts, now: float) -> Step | None:
    """A failure puts nova-compute back as it was."""
    enabled = facts.enabled
    if enabled is None:
        return Enable(Event.UNDONE)
    if enabled.error is None:
        return common.end(facts)
    return common.end(facts, _left(facts, enabled.error.message))


def _hosted(facts: Facts) -> bool:
    return facts.member.host is not None


def _planning(facts: Facts) -> bool:
    return _hosted(facts) and facts.settings.dry_run


def _unmarked(facts: Facts) -> bool:
    return facts.managed and not facts.writes


def _failed(facts: Facts) -> bool:
    return not _done(facts) and facts.enabled is None


OFF = Table(
    'off',
    (
        *common.LIMITED,
        Need(
            What.UNPLACED,
            ('waited',),
            lambda f: f.managed and bool(f.awaited),
            spare=('need', 'waited'),
            why='Else a server that has got another host is waited for.',
        ),
        nothing_is_scheduled,
        a_request_is_followed,
        Need(
            What.NODE,
            ('waited', 'mode'),
            text='The node is queried.',
            spare=('waited', 'mode'),
            why='It is asked for again in any case; this is sooner.',
        ),
        off_already,
        work_of_others,
        guards,
        known_to_be_on,
        a_way_to_power_off,
        Need(
            What.OTHERS_OFF,
            when=lambda f: (
                _hosted(f)
                and bool(f.settings.max_powered_off)
                and not f.changing
            ),
            text='The hosts that are off are counted, where '
            '``max_powered_off`` limits them.',
        ),
        nova_can_be_asked,
        Need(
            What.MOVING,
            when=_planning,
            spare=('need',),
            why='A dry run changes nothing; it says what would be refused.',
            text='A dry run asks Nova which servers move to or from the host.',
        ),
        nothing_moves,
        Need(
            What.SERVERS,
            when=lambda f: _hosted(f) and not f.writes,
            text='Nova is asked which servers are on the host.',
            spare=('need',),
            why='It is asked again in any case; a host that is not empty is '
            'not disabled for that.',
        ),
        empty,
        Need(
            What.SERVICE,
            when=lambda f: _planning(f) and f.managed,
            spare=('need',),
            why='A dry run changes nothing; it says what would be disabled.',
            text='A dry run asks Nova for nova-compute.',
        ),
        dry_run,
        taken_by_the_service,
        Need(
            What.SLOT,
            when=common.slot_needed,
            text='A slot of the rate is taken.',
        ),
        Need(
            What.SERVICE,
            ('waited',),
            _unmarked,
            last=True,
            spare=('waited',),
            why='Its age is bounded; a wait may be shorter than that.',
            text='Nova is asked for nova-compute.',
        ),
        still_disabled,
        Courtesy(
            another_run,
            'Two runs may both power it off; the second would only be in the '
            'way of the first.',
        ),
        disable,
        Need(
            What.UNPLACED,
            ('disabled',),
            lambda f: f.managed,
            text='Servers that the scheduler may have sent to the host just '
            'before are not yet counted there by Nova. It is asked which '
            'servers are being scheduled. Someone else may have disabled '
            'nova-compute just now, too.',
        ),
        Need(
            What.MOVING,
            ('disabled', 'unplaced', 'waited', 'mode'),
            _hosted,
            text='Nova is asked which servers are being migrated or resized '
            'to or from the host.',
            spare=('disabled', 'unplaced', 'waited', 'mode'),
            why='What comes later cannot set out for a host that is disabled; '
            'each of these is implied by the others, or by the order.',
        ),
        Need(
            What.SERVERS,
            ('disabled', 'moving', 'waited', 'mode'),
            _hosted,
            text='Nova is asked again for servers on the host: one can have '
            'landed in between.',
            spare=('disabled', 'waited', 'mode'),
            why='Implied by the order, and by the question before.',
        ),
        Need(
            What.NODE,
            ('servers', 'waited'),
            last=True,
            spare=('servers', 'waited'),
            why='Its age is bounded, too.',
            text='The node is queried again, and all rules above about it '
            'hold again.',
        ),
        Need(
            What.SERVICE,
            ('node', 'servers', 'marked'),
            lambda f: f.managed,
            last=True,
            spare=('node', 'servers', 'marked', 'age'),
            why='Implied by each other; and the age of the marker is bounded.',
            text='Last of all, the marker is read: it must be the one that '
            'this process wrote.',
        ),
        still_marked,
        renew,
        send,
    ),
    (
        Courtesy(nothing_to_tidy_up, 'It spares Nova requests.'),
        Need(What.SERVICE, ('decided',), _unnoted, last=True, tolerated=True),
        note_that_it_is_off,
        Need(
            What.SERVICE,
            ('decided',),
            _failed,
            tolerated=True,
            spare=('decided',),
            why='It is asked for again before it is enabled.',
        ),
        only_what_is_ours,
        Need(What.NODE, ('decided',), _failed, tolerated=True),
        may_still_go_off,
        Need(What.SERVICE, ('node',), _failed, last=True, tolerated=True),
        give_back,
    ),
)
