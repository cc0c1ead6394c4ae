# SPDX-License-Identifier: Apache-2.0
"""Hosts that were to power on and did not: the marker counts how often.

What speaks against a host is decided where its end is
(:attr:`rules.Decide.failed`): the service gave up, the host was not on in
time, the service cannot power it on, or nova-compute was not up in time.
"""

from __future__ import annotations

from metal_drivers.compute.markers import MarkerKind
from metal_drivers.power.facts import Facts
from metal_drivers.power.rules import Disable, Step


def counts(facts: Facts) -> bool:
    """Whether the marker has yet to say so."""
    return _failed(facts) and not noted(facts)


def noted(facts: Facts) -> bool:
    """Whether it does, or may."""
    written = facts.written
    return _failed(facts) and written is not None and _is(written.marker.kind)


def note(facts: Facts, now: float) -> Step | None:
    """If the host did not power on, or nova-compute did not come up, the
    marker says so, and how many times in a row. A marker that another
    process wrote meanwhile remains.
    """
    if not counts(facts) or not _marked(facts):
        return None
    found = facts.found
    before = found.times if found is not None and _is(found.kind) else 0
    return Disable(MarkerKind.FAILED_ON, times=before + 1)


def left(facts: Facts) -> str:
    """What the marker says of it, for the result; empty: nothing."""
    written, fact = facts.written, facts.service
    if noted(facts) and written is not None:
        said = written.marker.failure
        if written.error is None:
            return f'The marker on {facts.host} now says "{said}"'
        why = written.error.message
        return f'The marker on {facts.host} may not say "{said}": {why}'
    if counts(facts) and fact is not None and fact.error is not None:
        return (
            f'The marker on {facts.host} does not say that this power on '
            f'failed: {fact.error.message}'
        )
    return ''


def _failed(facts: Facts) -> bool:
    decided = facts.decided
    return facts.managed and decided is not None and decided.failed


def _is(kind: MarkerKind) -> bool:
    return kind is MarkerKind.FAILED_ON


def _marked(facts: Facts) -> bool:
    """Whether nova-compute still bears the marker with which it began."""
    if facts.own:
        return True
    foreign = facts.foreign
    if foreign is None or facts.marker != foreign.marker:
        return False
    # What was found after the request is of a later run.
    request = facts.sent or facts.denied
    return request is not None and foreign.turn < request.turn
