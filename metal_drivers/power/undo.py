# SPDX-License-Identifier: Apache-2.0
"""What is tidied up after a power off.

What fails puts nova-compute back as it was, unless the node may still go
off: servers must not land on such a host.
"""

from __future__ import annotations

from metal_drivers.compute.markers import MarkerKind
from metal_drivers.events import Step as Event
from metal_drivers.model import OffMode, Outcome, PowerState
from metal_drivers.power import common, conclusions, telling
from metal_drivers.power.facts import Facts
from metal_drivers.power.rules import Courtesy, Disable, Enable, Need, Step
from metal_drivers.power.values import Sent, What


def nothing_to_tidy_up(facts: Facts, now: float) -> Step | None:
    """If nothing was changed, nothing is left to do."""
    if telling.off_is_due(facts) or conclusions.undone_is_due(facts):
        return None
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
    if telling.off_is_due(facts):
        return None
    return common.end(facts, common.replaced(facts))


def only_what_is_ours(facts: Facts, now: float) -> Step | None:
    """A service that was disabled by someone else remains so."""
    fact = facts.service
    if fact is not None and fact.error is not None:
        if not (facts.writes or facts.found):
            return _unless_undone(facts)
        return common.end(facts, _left(facts, fact.error.message))
    if facts.marker is None:
        lost = common.replaced(facts)
        told = lost and lost in facts.ending[1]
        return _unless_undone(facts, '' if told else lost)
    if facts.writes and not facts.own:
        # Another process has it by now.
        return common.end(facts)
    if not facts.writes and facts.foreign and facts.foreign.left(now):
        return common.end(facts)
    return None


def _unless_undone(facts: Facts, left: str = '') -> Step | None:
    """The end, once nothing is left to be told to hooks."""
    if conclusions.undone_is_due(facts):
        return None
    return common.end(facts, left)


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
    if facts.marker is None:
        return common.end(facts, common.replaced(facts))
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
    sent, fact, before = facts.sent, facts.node, facts.foreign
    if before and conclusions.shutting_down(facts, before.marker):
        return False
    if conclusions.following(facts, now):
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


def _failed(facts: Facts) -> bool:
    return not _done(facts) and facts.enabled is None


UNDO = (
    Courtesy(nothing_to_tidy_up, 'It spares Nova requests.'),
    Need(What.SERVICE, ('decided',), _unnoted, last=True, tolerated=True),
    note_that_it_is_off,
    telling.after_off,
    Need(
        What.SERVICE,
        ('decided',),
        lambda f: _failed(f) and f.managed,
        tolerated=True,
        spare=('decided',),
        why='It is asked for again before it is enabled; the message tells '
        'of now.',
    ),
    only_what_is_ours,
    Need(
        What.NODE,
        ('decided', 'told'),
        _failed,
        tolerated=True,
        spare=('told',),
        why='Nobody powers it off meanwhile who reads the marker; but a hook '
        'may take its time.',
    ),
    may_still_go_off,
    telling.undone,
    Need(What.SERVICE, ('node',), _failed, last=True, tolerated=True),
    give_back,
)
