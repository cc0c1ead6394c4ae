# SPDX-License-Identifier: Apache-2.0
"""What tells one state of the small world from another.

Times count from now, and what is older than anything looks back is just
old. Of turns only those comparisons count that a rule makes; what has not
been asked yet will be younger than all.
"""

from __future__ import annotations

import functools
from typing import Any

from metal_drivers.compute import markers
from metal_drivers.model import ComputeService, PowerState
from metal_drivers.power import rules
from metal_drivers.power.facts import Facts
from metal_drivers.power.values import Fact, Telling, What
from metal_drivers_tests.unit.power import world as worlds
from metal_drivers_tests.unit.power.steps import Tables
from metal_drivers_tests.unit.power.world import OVER, Run, World

#: Older than a lease and what may come after it.
_OLD = 180
#: As in the rules that are not weakened.
_FRESH = rules.FRESH
_FACTS = tuple(what.value for what in What)
_STATES = {state: number for number, state in enumerate(PowerState)}
#: Comparisons that rules make themselves, beside those of needs.
_COMPARED = ()

Pairs = tuple[tuple[str, str], ...]


def pairs(tables: Tables) -> dict[str, Pairs]:
    """For each table, which facts are compared with which events."""
    return {
        name: tuple(
            sorted(
                {
                    (rule.what.value, event)
                    for rule in (*table.rules, *table.tidy)
                    if isinstance(rule, rules.Need)
                    for event in rule.after
                }
            )
        )
        for name, table in tables.items()
    }


def key(world: World, compared: dict[str, Pairs]) -> int:
    """Two states with the same key go on in the same way."""
    now = world.now
    power, seen = world.power, now - world.on_since
    return hash(
        (
            power is worlds.ON,
            min(seen, 60),
            tuple(
                (_STATES[c.state], c.soft, c.due - now, c.helpless)
                for c in world.changes
            ),
            tuple(
                (r.run, r.mode.value, r.due - now, r.helpless)
                for r in world.requests
            ),
            world.fault,
            world.locked,
            _reason(world.reason, now),
            min(now - world.reported, 60),
            world.reported > now,
            world.reported >= world.on_since,
            world.servers,
            world.moving,
            world.scheduled,
            world.powered_on is not None and min(now - world.powered_on, 120),
            world.left,
            world.flag,
            world.tried,
            tuple([_run(run, world, compared) for run in world.runs]),
        )
    )


def _run(run: Run, world: World, compared: dict[str, Pairs]) -> Any:
    if run.facts is None:
        return run.phase == OVER
    now = world.now
    return (
        run.phase,
        now - run.began if run.phase in (worlds.WAIT, worlds.WOKEN) else 0,
        run.looked,
        run.sent,
        run.announced,
        run.hook_failed,
        _reason(run.text, now) if run.text else 0,
        _facts(run.facts, world, compared[run.goal]),
    )


def _facts(facts: Facts, world: World, compared: Pairs) -> Any:
    now = world.now
    written, sent, foreign = facts.written, facts.sent, facts.foreign
    node, since = facts.member.node, facts.mode_since
    waited, denied = facts.waited, facts.denied
    if since is None:
        since = facts.began
    asked = sent or denied
    before = facts.__dict__
    updated = max(world.changed, world.reported)
    return (
        tuple(
            [
                (fact.turn if (fact := before[name]) else 0)
                < facts.when(event)
                for name, event in compared
            ]
        ),
        _fact(facts.claim),
        _fact(facts.slot),
        facts.others_off is None,
        facts.node and (facts.node.error is None, _young(facts.node, now)),
        _STATES[node.power_state],
        node.target is None or _STATES[node.target],
        node.fault is None,
        facts.service
        and (
            facts.service.error is None,
            _young(facts.service, now),
            _service(facts.service.value, now),
            facts.service.value is not None
            and facts.service.value.updated_at == _at(updated),
        ),
        _fact(facts.servers),
        _fact(facts.moving),
        facts.unplaced and facts.unplaced.error is None,
        facts.awaited and (facts.awaited, min(now - facts.awaited_since, 30)),
        written
        and (
            min(now - written.began, 60),
            min(now - written.answered, 30),
            min(written.answered - written.read, 30),
            min(facts.writes[0].answered - facts.writes[0].read, 30),
            written.error is None,
            frozenset([_mark(write.marker, now) for write in facts.writes]),
        ),
        facts.mode,
        min(now - since - facts.excused, 60),
        facts.soft_pending,
        sent
        and (
            sent.mode.value,
            # Nothing looks back further than one more time-out.
            max(sent.until - now, -worlds.EFFECT),
            sent.taken,
            sent.doubt is None,
            sent.unanswered,
            sent.turn >= facts.mode_turn,
            facts.node is not None and facts.node.turn > sent.turn,
        ),
        denied
        and (
            type(denied.error),
            denied.turn < facts.mode_turn,
            waited > denied.turn,
        ),
        facts.enabled
        and (facts.enabled.error is None, waited > facts.enabled.turn),
        tuple([_telling(told, facts, now) for told in facts.told]),
        facts.adopted,
        facts.cancelled,
        facts.decided and (facts.decided.outcome.value, facts.decided.failed),
        facts.first and _STATES[facts.first],
        facts.powered_on is not None and min(now - facts.powered_on, 120),
        foreign
        and (
            _mark(foreign.marker, now),
            max(round(foreign.seen - foreign.age - now), -_OLD),
            asked is not None and foreign.turn < asked.turn,
        ),
        facts.found and _mark(facts.found, now),
        facts.on_since is not None and min(now - facts.on_since, 60),
        min(now - facts.excused_until, 60),
        facts.baseline
        and (
            _service(facts.baseline, now),
            facts.baseline.updated_at == _at(updated),
            facts.service is not None
            and facts.service.value is not None
            and facts.baseline.updated_at == facts.service.value.updated_at,
        ),
        facts.seen_down,
        facts.silent,
        facts.up_since is not None,
    )


_at = worlds.at


def _fact(fact: Fact | None) -> Any:
    return fact and (fact.error is None, fact.value)


def _telling(told: Telling, facts: Facts, now: float) -> Any:
    return (
        told.event.value,
        told.hooks,
        tuple([type(failure.error) for failure in told.failures]),
        facts.waited < told.turn,
        min(now - told.answered, 60),
    )


def _young(fact: Fact, now: float) -> bool:
    return now - fact.answered <= _FRESH


def _service(service: ComputeService | None, now: int) -> Any:
    return service and (service.state, _reason(service.disabled_reason, now))


def _reason(reason: str | None, now: int) -> Any:
    if reason is None or reason in (worlds.THEIRS, worlds.ADOPTED):
        return reason
    mark = markers.parse(reason)
    return mark and _mark(mark, now)


def _mark(mark: markers.Marker, now: int) -> Any:
    kind, writer, when = _parts(mark)
    return kind, writer, min(now - when, _OLD), mark.times


@functools.lru_cache(4096)
def _parts(mark: markers.Marker) -> tuple[str, int, int]:
    seconds = (mark.when - worlds.EPOCH).total_seconds()
    when = round(seconds)
    return mark.kind.value, round((when - seconds) * 1000), when
