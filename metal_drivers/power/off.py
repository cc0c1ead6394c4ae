# SPDX-License-Identifier: Apache-2.0
"""The rules for powering off.

nova-compute is disabled, the host is seen to be empty, the node is powered
off.
"""

from __future__ import annotations

from collections.abc import Collection

from metal_drivers.events import Step as Event
from metal_drivers.model import OffMode, Outcome, PowerState
from metal_drivers.power import common, conclusions, telling, undo
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
)
from metal_drivers.power.values import What

# Powered off already, or by our request.


def a_request_is_followed(facts: Facts, now: float) -> Step | None:
    """A request is sent once. The node is queried until it is off, the
    service has given up, or the time is over; then the next way is tried.
    """
    return common.follow(facts, now, Decide(Outcome.DONE, _how(facts)))


def _how(facts: Facts) -> str:
    """What powered it off, as far as that can be known."""
    sent = facts.sent
    if sent is None:
        return 'off'
    if not facts.following:
        return f'off, after {sent.what}'
    if not facts.soft_pending or sent.mode is OffMode.SOFT:
        return f'off, by {sent.what}'
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


def a_way_to_power_off(facts: Facts, now: float) -> Step | None:
    """The node can do what ``power_off_mode`` allows."""
    if conclusions.modes(facts):
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
    steps = [
        conclusions.request(facts, mode).event.value
        for mode in conclusions.modes(facts)
    ]
    service = facts.compute
    if service is not None and service.enabled:
        steps.insert(0, f'disable nova-compute on {facts.host}')
    if facts.order.hooks:
        named = ', '.join(facts.order.hooks)
        steps.insert(
            len(steps) - len(conclusions.modes(facts)), f'tell {named}'
        )
    return Decide(Outcome.PLANNED, 'would ' + ', then '.join(steps))


# nova-compute.


def another_run(facts: Facts, now: float) -> Step | None:
    """Another process that may be at work is waited for."""
    if facts.writes or facts.marker is None:
        return None
    return common.await_other(
        facts, now, 0.0, facts.settings.power_off_timeout
    )


def disable(facts: Facts, now: float) -> Step | None:
    """nova-compute is disabled, with the marker as its reason."""
    service = facts.compute
    if facts.writes or facts.sent or service is None:
        return None
    if service.enabled or facts.marker:
        return Disable(conclusions.kind(facts))
    return None


def send(facts: Facts, now: float) -> Step | None:
    """The node is asked to shut down. If it is not off in time, its power
    is cut (``power_off_mode``).
    """
    return Send(*conclusions.request(facts))


def _hosted(facts: Facts) -> bool:
    return facts.member.host is not None


def _planning(facts: Facts) -> bool:
    return _hosted(facts) and facts.settings.dry_run


OFF = Table(
    'off',
    (
        *common.LIMITED,
        Need(
            What.UNPLACED,
            ('waited',),
            lambda f: f.managed and bool(f.awaited),
            spare=('need',),
            why='Else a server that has got another host is waited for.',
        ),
        nothing_is_scheduled,
        a_request_is_followed,
        Need(
            What.NODE,
            ('waited',),
            text='The node is queried.',
            spare=('waited',),
            why='It is asked for again in any case; this is before '
            'nova-compute is disabled.',
        ),
        off_already,
        common.work_of_others,
        common.may_be_powered,
        common.in_a_known_state,
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
        common.taken_by_the_service,
        Need(
            What.SLOT,
            when=common.slot_needed,
            text='A slot of the rate is taken.',
        ),
        Need(
            What.SERVICE,
            when=lambda f: f.managed and not f.writes,
            last=True,
            text='Nova is asked for nova-compute.',
        ),
        Courtesy(
            another_run,
            'Two runs may both power it off; the second would only be in the '
            'way of the first.',
        ),
        disable,
        telling.before_off,
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
            ('disabled', 'waited'),
            _hosted,
            text='Nova is asked which servers are being migrated or resized '
            'to or from the host.',
        ),
        Need(
            What.SERVERS,
            ('moving',),
            _hosted,
            text='Nova is asked again for servers on the host: one can have '
            'landed in between.',
        ),
        Need(
            What.NODE,
            ('servers',),
            last=True,
            text='The node is queried again, and all rules above about it '
            'hold again.',
        ),
        Need(
            What.SERVICE,
            ('node',),
            lambda f: f.managed,
            last=True,
            spare=('age',),
            why='The age of the marker is bounded, too.',
            text='Last of all, the marker is read: it must be the one that '
            'this process wrote.',
        ),
        common.still_marked,
        common.renew,
        send,
    ),
    undo.UNDO,
)
