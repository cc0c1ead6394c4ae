# SPDX-License-Identifier: Apache-2.0
"""The rules of power, in every state of small worlds.

A fault that is planted in the tables counts as found where something
happens that must not, where a run cannot come to its end any more, or where
what is asked for is not done though nothing is in the way. An exception in
a rule ends a run as it does for the runner; that alone is not found.

``METAL_DRIVERS_EXPLORE=full`` explores larger worlds, too, and prints how
far it came.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import re
import resource
import sys
from collections.abc import Iterator

import testtools

from metal_drivers.model import OffMode, Outcome
from metal_drivers.power import facts, rules
from metal_drivers.power.values import What
from metal_drivers_tests.unit.power import explore, planted, small
from metal_drivers_tests.unit.power.world import Run

#: The number of a rule, in the name of a fault.
_PLACE = re.compile(' [0-9]+, ')
_HERE = pathlib.Path(__file__).parent
FULL = os.environ.get('METAL_DRIVERS_EXPLORE') == 'full'
#: For each of the larger worlds: so many states, and seconds. All of them
#: take five minutes of one core then, and 120 MB.
MOST = int(os.environ.get('METAL_DRIVERS_EXPLORE_STATES', '60000'))
SECONDS = MOST / 100

#: Found in larger worlds only: it takes a request that hangs, and a stall.
LARGE = ('renew: taken away', 'RENEW = inf')

#: Where to look first for what takes long to find elsewhere: in the others
#: after that, the smallest first.
LIKELY = {
    'LEASE = 0.0': 'MAAS, slow',
    'LONGEST_GAP = inf': 'MAAS, slow',
    'SETTLE = 0.0': 'MAAS: on, on',
    'off ask for claim: taken away': 'off, twice',
    'off ask for moving: not after disabled': 'theirs, busy',
    'off ask for moving: taken away': 'theirs',
    'off ask for node: not after servers': 'theirs',
    'off ask for node: taken away': 'theirs',
    'off ask for servers: not after moving': 'theirs',
    'off ask for servers: taken away': 'theirs',
    'off ask for service: taken away': 'MAAS, off: people, moves',
    'off ask for unplaced: taken away': 'MAAS, off: people, moves',
    'on ask for claim: taken away': 'one process',
    'on ask for node: taken away': 'Ironic, on: people, hands, stalls',
    'on settle: taken away': 'MAAS: on, on',
    'on taken_by_the_service: taken away': 'Ironic: on, on',
    'recover ask for claim: taken away': 'one process',
}

_OLD = 'test_exhaustive: test_an_old_answer_is_asked_for_again'
#: What the tables mark as no harm, and the tests that hold it.
HELD = {
    'off ask for node after waited': 'test_off: '
    'test_a_node_that_changes_while_a_slot_is_waited_for',
    'off ask for service of any age': _OLD,
    'off ask for service after decided': 'test_undo: '
    'test_disabled_by_others_while_it_may_still_go_off',
    'on ask for node after waited': 'test_on: '
    'test_the_node_is_queried_again_after_a_short_wait',
    'on ask for node after slot': 'test_on: test_on_then_up_then_enabled',
    'on ask for service after node': 'test_on: '
    'test_the_marker_is_read_last_before_the_request',
    'recover ask for node after waited': 'test_recovery: '
    'test_powered_off_right_before_nova_compute_is_back',
    **{
        f'{goal} ask for {what} of any age': _OLD
        for goal in ('on', 'recover')
        for what in ('node', 'service')
    },
    'off ask for unplaced': 'test_off: test_it_lands_elsewhere',
    'off ask for moving': 'test_off: test_one_is_migrated_here',
    'off ask for servers': 'test_off: test_servers_shut_off_ones_too',
    'off ask for service': 'test_off: test_dry_run_plans_and_changes_nothing',
    'off ask for node after told': 'test_hooks: test_the_node_is_seen_again',
    'off another_run': 'test_second_power_on: test_off_waits_for_it_too',
    'off nothing_to_tidy_up': 'test_off: test_already_off',
    'recover another_run': 'test_second_power_on: '
    'test_recovery_waits_for_it_too',
    'on before_on': 'test_hooks: test_a_whole_day',
    'on renew': 'test_second_power_on: '
    'test_the_marker_is_young_when_a_late_request_arrives',
}


@functools.cache
def explored() -> tuple[explore.Explorer, ...]:
    """All small worlds, to their ends; the smallest first."""
    found = [explore.Explorer(setting) for setting in small.SMALL]
    for explorer in found:
        explorer.explore()
    return tuple(sorted(found, key=lambda each: each.seen.states))


def _acting() -> Iterator[tuple[Run, int]]:
    """Runs that are about to send, or to enable, and the time."""
    for explorer in explored():
        for (goal, place), found in explorer.fired.items():
            table = explore.TABLES[goal]
            if place >= len(table.rules):
                continue
            for _, world in found:
                for run in world.runs:
                    acts = isinstance(run.step, rules.Send | rules.Enable)
                    if (run.goal, run.rule) == (goal, place) and acts:
                        yield run, world.now


def look(fault: planted.Fault) -> explore.Found | None:
    """Look for a fault in each small world."""
    likely = LIKELY.get(_PLACE.sub(' ', fault.name))
    worlds = sorted(explored(), key=lambda one: one.setting.name != likely)
    for explorer in worlds:
        try:
            fault.look(explorer)
        except explore.Found as found:
            return found
    return None


class TestSmallWorlds(testtools.TestCase):
    def test_every_world_to_its_end(self) -> None:
        for explorer in explored():
            seen = explorer.seen
            self.assertEqual('', seen.bound, explorer.setting.name)

    def test_they_cover_all(self) -> None:
        """Every rule and need says what is next somewhere, every goal comes
        to each of its ends, and every mode is sent."""
        seen = [explorer.seen for explorer in explored()]
        fired = {rule for one in seen for rule in one.rules}
        for goal, table in explore.TABLES.items():
            for place, rule in enumerate((*table.rules, *table.tidy)):
                name = f'{goal} {place}, {planted.name_of(rule)}'
                self.assertIn((goal, place), fired, name)
        ends = {end for one in seen for end in one.ends}
        wanted = {
            (goal, outcome) for goal in explore.TABLES for outcome in Outcome
        }
        self.assertEqual(wanted, ends)
        modes = {mode for one in seen for mode in one.modes}
        off = {f'off {mode.value}' for mode in OffMode}
        self.assertEqual({*off, 'on hard'}, modes)


class TestPlanted(testtools.TestCase):
    def test_each_is_found(self) -> None:
        """But for those that the tables mark as no harm."""
        lost = [
            fault.name
            for fault in planted.faults()
            if not fault.harmless
            and not fault.name.endswith(LARGE)
            and look(fault) is None
        ]
        self.assertEqual([], lost)

    def test_each_courtesy_has_a_test_and_a_reason(self) -> None:
        words = {'need': '', 'age': ' of any age'}
        found = set()
        for goal, table in explore.TABLES.items():
            for rule in (*table.rules, *table.tidy):
                spare = getattr(rule, 'spare', ())
                if isinstance(rule, rules.Courtesy):
                    spare = ('need',)
                for mark in spare:
                    self.assertTrue(getattr(rule, 'why', ''))
                    what = words.get(mark, f' after {mark}')
                    found.add(f'{goal} {planted.name_of(rule)}{what}')
        self.assertEqual(set(HELD), found)
        for held in HELD.values():
            module, name = held.split(': ')
            text = (_HERE / f'{module}.py').read_text(encoding='utf-8')
            self.assertIn(f'def {name}(', text)

    def test_an_old_answer_is_asked_for_again(self) -> None:
        """However its age came about: a request, and a change of
        nova-compute that was disabled, rest on answers that are young."""
        seen = set()
        for run, now in _acting():
            facts, what = run.facts, [What.NODE]
            assert facts is not None
            if facts.own or isinstance(run.step, rules.Enable):
                what.append(What.SERVICE)
            for asked in what:
                fact = facts.of(asked)
                assert fact is not None
                then = now - rules.FRESH - 1
                old = {asked.value: dataclasses.replace(fact, answered=then)}
                table = explore.TABLES[run.goal]
                step = rules.next_step(table, facts.change(**old), now)
                self.assertEqual(rules.Ask(asked), step)
                seen.add((run.goal, type(run.step), asked))
        self.assertEqual(8, len(seen))

    def test_the_story_is_told(self) -> None:
        (fault,) = (
            fault
            for fault in planted.faults()
            if fault.goal == 'off' and fault.name.endswith('empty: taken away')
        )
        found = look(fault)
        assert found is not None
        self.assertIn('run 1 (off): asks for servers -> 1', found.story)
        self.assertIn('powered off with servers on it', found.what)


if FULL:

    class TestLarge(testtools.TestCase):
        """Where there is time: ``METAL_DRIVERS_EXPLORE=full``."""

        def test_larger_worlds(self) -> None:
            for setting in small.FULL:
                explorer = explore.Explorer(setting, keep=False)
                seen = explorer.explore(MOST, SECONDS)
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                sys.stderr.write(
                    f'{setting.name}: {seen.states} states in '
                    f'{seen.seconds:.0f} s, at most {memory // 1024} MB; '
                    f'{seen.bound or "complete"}\n'
                )

        def test_what_is_found_in_larger_worlds_only(self) -> None:
            clean = explore.Explorer(small.SLOW)
            clean.explore()
            for fault in planted.faults():
                if fault.name.endswith(LARGE) and not fault.harmless:
                    self.assertRaises(explore.Found, fault.look, clean)

        def test_what_is_marked_as_no_harm_does_none(self) -> None:
            """Or the mark is wrong."""
            found = [
                (fault.name, what.what)
                for fault in planted.faults()
                if fault.harmless and (what := look(fault)) is not None
            ]
            self.assertEqual([], found)


class TestTables(testtools.TestCase):
    def test_no_fault_is_planted_twice(self) -> None:
        names = [fault.name for fault in planted.faults()]
        self.assertEqual(sorted(set(names)), sorted(names))

    def test_a_table_has_an_end(self) -> None:
        table = rules.Table('empty', (), ())
        error = self.assertRaises(
            rules.NoStepError, rules.next_step, table, _facts(), 0.0
        )
        self.assertIn('empty', str(error))


def _facts() -> facts.Facts:
    explorer = explored()[0]
    ((_, world), *_) = next(iter(explorer.fired.values()))
    known = world.runs[0].facts
    assert known is not None
    return known
