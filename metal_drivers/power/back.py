# SPDX-License-Identifier: Apache-2.0
"""Hosts that come back into use: after a power on, and where a process that
was killed has left them half-done.
"""

from __future__ import annotations

from metal_drivers import guards, hooks
from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.events import Step as Event
from metal_drivers.model import Outcome, PowerState
from metal_drivers.power import common, conclusions, telling, values
from metal_drivers.power.facts import Facts
from metal_drivers.power.rules import (
    Courtesy,
    Decide,
    Disable,
    Enable,
    Need,
    Step,
    Table,
    Tell,
    Wait,
    outcome_of,
    refuse,
    time_out,
    transient,
)
from metal_drivers.power.values import What


def recovers(facts: Facts) -> bool:
    return facts.order.state is None


def is_on(facts: Facts) -> bool:
    node = facts.member.node
    return node.settled and node.power_state is PowerState.ON


def once(facts: Facts) -> bool:
    """Whether a second power on would do harm: a marker keeps it away."""
    return facts.managed and not facts.tells_end


def awaits(facts: Facts) -> bool:
    return facts.settings.wait and not facts.settings.dry_run


def already(facts: Facts) -> bool:
    before = facts.first is PowerState.ON and facts.sent is None
    return before and not recovers(facts)


def good(facts: Facts, detail: str) -> Decide:
    before = already(facts)
    return Decide(Outcome.ALREADY if before else Outcome.DONE, detail)


def another_run(facts: Facts, now: float) -> Step | None:
    """Another process that may be at work is waited for."""
    marker, settings = facts.marker, facts.settings
    if settings.dry_run or facts.sent or facts.own or marker is None:
        return None
    if marker != facts.found:
        return None
    if is_on(facts):
        # It may power it off. Without waiting, nothing is enabled anyway.
        needed = settings.wait
    else:
        # Or on, where that must not be done twice.
        twice = once(facts) and marker.kind in values.KEEP_AWAY
        needed = twice and not recovers(facts)
    if not needed:
        return None
    after = conclusions.aftermath(facts, marker)
    limit = settings.service_up_timeout if settings.wait else 0.0
    return common.await_other(facts, now, after, limit)


def _at_work(facts: Facts, now: float) -> float:
    """For how many seconds another process may be, or the node may follow
    it; one that said that it failed is not."""
    foreign = facts.foreign
    if foreign is None or foreign.marker.failure:
        return 0.0
    return conclusions.following(facts, now)


def not_enabled(facts: Facts, now: float) -> str:
    """Why it is not enabled, where nothing is waited for."""
    service = facts.compute
    if facts.settings.wait:
        return ''
    if service is not None and not service.up:
        return 'on; nova-compute is not up yet, and remains disabled'
    if _at_work(facts, now):
        return (
            'on; nova-compute remains disabled: another process may be at '
            'work on it'
        )
    return (
        'on; nova-compute remains disabled: Nova shows it as up, but that '
        'may date from before the host was off. Run the same command again '
        'without --no-wait'
    )


# nova-compute comes back.


def _comes_back(facts: Facts) -> bool:
    return is_on(facts) and facts.managed and awaits(facts)


def _rival(facts: Facts, now: float) -> bool:
    """Whether a run that was found before may still power it off."""
    foreign = facts.foreign
    if foreign is None or foreign.marker.kind.of_power_on:
        return False
    return conclusions.following(facts, now) > 0


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
    if conclusions.seen_back(facts) and again and not rival:
        return None
    seconds = facts.settings.service_up_timeout
    until = max(facts.on_since or 0.0, facts.excused_until) + seconds
    if now < until:
        where = f'on {facts.host}'
        return Wait(until, where, Event.SERVICE, What.SERVICE, at_once=True)
    service = facts.compute
    down = service is not None and not service.up
    problem = f' ({error.message})' if error else ''
    if conclusions.seen_back(facts) and rival:
        problem = '; another process may be powering it off'
    return time_out(
        f'on, but nova-compute on {facts.host} was not confirmed to be up '
        f'within {seconds:g} s{problem}. Run the same command again once it '
        f'is{conclusions.may_shut_down(facts)}',
        failed=facts.sent is not None and down,
    )


def only_what_is_ours(facts: Facts, now: float) -> Step | None:
    """A service that was disabled by someone else remains so."""
    service, marker = facts.compute, facts.marker
    if not _comes_back(facts) or facts.enabled_well or service is None:
        return None
    if service.enabled:
        step = telling.after_on(facts, now)
        return step or good(facts, 'on; nova-compute is up')
    if marker is None:
        return good(
            facts,
            'on; nova-compute is up, and remains disabled by someone else: '
            f'{service.disabled_reason or "no reason was given"}',
        )
    on = marker.kind.of_power_on
    if facts.own or marker == facts.found or on:
        return None
    return Decide(
        Outcome.FAILED,
        f'nova-compute on {facts.host} is up, and remains disabled: another '
        'process has begun to power off the host. Wait until it has finished',
    )


def hooks_are_told(facts: Facts, now: float) -> Step | None:
    """The hooks are told, and nova-compute is enabled whatever they do."""
    if not _comes_back(facts) or facts.enabled_well:
        return None
    return telling.before_enable(facts)


def enable(facts: Facts, now: float) -> Step | None:
    """nova-compute is enabled, if and only if it was disabled by
    metal-drivers.
    """
    if not _comes_back(facts):
        return None
    if not facts.enabled_well:
        return Enable()
    step = telling.after_on(facts, now)
    if step is not None:
        return step
    may = conclusions.may_shut_down(facts)
    return good(facts, f'on; nova-compute is up and enabled{may}')


BACK = (
    nova_compute_is_back,
    Need(
        What.NODE,
        ('waited', 'told'),
        lambda f: _comes_back(f) and not f.enabled_well,
        last=True,
        spare=('waited', 'age'),
        why='Each is implied by the other, unless a wait is very short.',
        text='The node is queried again: it must not be on its way off.',
    ),
    Need(
        What.SERVICE,
        ('node',),
        lambda f: _comes_back(f) and not f.enabled_well,
        last=True,
        spare=('age',),
        why='The question before it is as young.',
        tolerated=True,
        text='Nova is asked for nova-compute right before it is enabled.',
    ),
    only_what_is_ours,
    hooks_are_told,
    enable,
)


# Recovery.

_NOT_OURS = 'nova-compute is not disabled by metal-drivers'


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
        if _may_concern_hooks(facts) or _adoptable(facts):
            return None
        return Decide(Outcome.ALREADY, _NOT_OURS)
    return refuse(
        f'nova-compute on {facts.host} was disabled by metal-drivers for '
        f'node {marker.node_id}, but the host now runs on another node. '
        'Enable it by hand to use the host'
    )


def adopt(facts: Facts, now: float) -> Step | None:
    """If a host is off, and the reason that someone else gave is among
    ``adopted_reasons``, it counts as powered off by metal-drivers: the marker
    takes the place of that reason.
    """
    if not _adopts(facts):
        return None
    return Disable(MarkerKind.POWERED_OFF, adopt=True)


def _adopts(facts: Facts) -> bool:
    changes = not facts.settings.dry_run
    return changes and _is_off(facts) and _adoptable(facts)


def not_ours(facts: Facts, now: float) -> Step | None:
    """A host that is on and enabled is left as it is; hooks are told that it
    is back.
    """
    service = facts.compute
    if facts.marker is not None or service is None or facts.found:
        return None
    told = service.enabled and is_on(facts) and awaits(facts)
    step = telling.after_on(facts, now) if told else None
    return step or Decide(Outcome.ALREADY, _NOT_OURS)


def _may_concern_hooks(facts: Facts) -> bool:
    """Whether they may have something left of a host that is enabled."""
    service = facts.compute
    return bool(facts.order.hooks and service and service.enabled)


def _adoptable(facts: Facts) -> bool:
    """Whether someone else gave a reason that counts as a marker."""
    return markers.adopted(facts.compute, facts.settings.adopted_reasons)


def _is_off(facts: Facts) -> bool:
    node = facts.member.node
    return node.settled and node.power_state is PowerState.OFF


def off(facts: Facts, now: float) -> Step | None:
    """A host that is off remains off. The hooks are told that it is."""
    if not _is_off(facts) or facts.marker is None:
        return None
    told = facts.settings.dry_run or facts.telling(hooks.Event.AFTER_OFF)
    # Another process that is at work tells them itself.
    if facts.order.hooks and not (told or _at_work(facts, now)):
        return Tell(hooks.Event.AFTER_OFF, facts.order.hooks)
    since = _since(facts.marker)
    if facts.marker.kind is MarkerKind.POWERING_ON:
        return Decide(Outcome.ALREADY, f'off; power on began at {since}')
    if failure := facts.marker.failure:
        return Decide(Outcome.ALREADY, f'off; {failure}, last at {since}')
    return Decide(
        Outcome.ALREADY, f'powered off by metal-drivers since {since}'
    )


def known_to_be_on(facts: Facts, now: float) -> Step | None:
    """A host whose power state is unknown is left as it is."""
    node = facts.member.node
    if node.power_state is PowerState.ON:
        return None
    return refuse(
        f'{common.state_of(node)}: nova-compute remains disabled until it is '
        'known'
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
    left = _at_work(facts, now)
    if not left:
        return refuse(not_enabled(facts, now))
    return refuse(
        f'a process that began {foreign.marker.kind.work} at '
        f'{_since(foreign.marker)} may still be at work for {left:.0f} s; try '
        'again then'
        f'{conclusions.may_shut_down(facts)}'
    )


RECOVER = Table(
    'recover',
    (
        *common.BEGIN,
        Need(
            What.SERVICE,
            when=lambda f: f.on_since is None or f.baseline is None,
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
        Need(
            What.SERVICE,
            ('node',),
            _adopts,
            last=True,
            spare=('age',),
            why='The question before it is as young.',
        ),
        adopt,
        not_ours,
        common.work_of_others,
        Courtesy(
            another_run,
            'A host is not enabled while another process may be at work in '
            'any case; this waits before anything else is asked.',
        ),
        off,
        known_to_be_on,
        may_be_enabled,
        nothing_is_awaited,
        *BACK,
    ),
    (common.result,),
)
