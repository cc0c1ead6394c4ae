# SPDX-License-Identifier: Apache-2.0
"""The small worlds that are explored; the smallest first."""

from __future__ import annotations

import itertools
from typing import Any

from metal_drivers.compute.markers import MarkerKind
from metal_drivers.model import OffMode, PowerState
from metal_drivers_tests.unit.power import hooked
from metal_drivers_tests.unit.power.shorthand import (
    ANOTHER,
    AT_WORK,
    DRY,
    NO_WAIT,
    UNMANAGED,
    WAS_OFF,
    node,
    world,
)
from metal_drivers_tests.unit.power.world import OFF, THEIRS, Setting


def _off() -> list[Setting]:
    """What may be in the way of powering off."""
    on, noted = 'refused: on, enabled', 'done: off, powered off to save energy'
    return [
        world('off', 'off', promise=noted),
        world('off, Ironic', 'off', tells_end=True, promise=noted),
        world(
            'off already', 'off', **WAS_OFF, promise=f'already: {noted[6:]}'
        ),
        world('off, a server', 'off', servers=1, promise=on),
        world('off, locked', 'off', **node(locked='x'), promise=on),
        world(
            'off, unknown',
            'off',
            **node(power_state=PowerState.UNKNOWN),
            promise=on,
        ),
        world(
            'off, cannot shut down',
            'off',
            soft_off=False,
            settings=(('off_modes', (OffMode.SOFT,)),),
            promise=on,
        ),
        world('off, no Nova', 'off', nova=False, promise=on),
        world(
            'off, others off',
            'off',
            others_off=3,
            settings=(('max_powered_off', '3'),),
            promise=on,
        ),
        world(
            'off, dry run',
            'off',
            settings=DRY,
            moves=1,
            promise='planned: on, enabled',
        ),
        world(
            'off, no wait',
            'off',
            settings=NO_WAIT,
            faults=1,
            promise='planned: off, shutting down to save energy',
        ),
        world(
            'off, busy',
            'off',
            **node(busy='x'),
            promise='timed out: on, enabled',
        ),
        world(
            'off, unmanaged',
            'off',
            settings=UNMANAGED,
            promise='done: off, enabled',
        ),
        world(
            'off, no host',
            'off',
            matched=False,
            settings=(('unmatched', True),),
            promise='done: off, enabled',
        ),
        world(
            'off, theirs',
            'off',
            reason=THEIRS,
            moves=1,
            promise='done: off, disabled by others',
        ),
        world(
            'off, killed before',
            'off',
            reason=MarkerKind.SHUTTING_DOWN,
            promise=noted,
        ),
        world('off, another run', 'off', reason=AT_WORK, promise=noted),
        world(
            'off, twice',
            'off',
            'off',
            settings=UNMANAGED,
            soft_off=False,
            one_process=True,
            promise='done, already: off, enabled',
        ),
    ]


def _on() -> list[Setting]:
    """The same for powering on."""
    done = 'done: on, enabled'
    stays = 'refused: off, powered off to save energy'
    return [
        world('on', 'on', **WAS_OFF, promise=done),
        world('on, Ironic', 'on', **WAS_OFF, tells_end=True, promise=done),
        world('on already', 'on', promise='already: on, enabled'),
        world(
            'on, finishes',
            'on',
            reason=MarkerKind.POWERED_OFF,
            promise='already: on, enabled',
        ),
        world(
            'on, theirs',
            'on',
            power=OFF,
            reason=THEIRS,
            promise='done: on, disabled by others',
        ),
        world(
            'on, dry run',
            'on',
            **WAS_OFF,
            settings=DRY,
            promise='planned: off, powered off to save energy',
        ),
        world(
            'on, dry run, on',
            'on',
            reason=MarkerKind.POWERED_OFF,
            settings=DRY,
            promise='already: on, powered off to save energy',
        ),
        world(
            'on, no wait',
            'on',
            **WAS_OFF,
            settings=NO_WAIT,
            promise='planned: on, powering on',
        ),
        world(
            'on, no wait, on',
            'on',
            reason=MarkerKind.POWERED_OFF,
            settings=NO_WAIT,
            promise='already: on, powered off to save energy',
        ),
        world(
            'on, locked', 'on', **WAS_OFF, **node(locked='x'), promise=stays
        ),
        world(
            'on, unknown',
            'on',
            **WAS_OFF,
            **node(power_state=PowerState.UNKNOWN),
            promise=stays,
        ),
        world(
            'on, busy',
            'on',
            **WAS_OFF,
            **node(busy='x'),
            promise='timed out: off, powered off to save energy',
        ),
        world(
            'on, unmanaged',
            'on',
            power=OFF,
            settings=UNMANAGED,
            promise='done: on, enabled',
        ),
        world(
            'on, twice',
            'on',
            'on',
            **WAS_OFF,
            one_process=True,
            settings=NO_WAIT,
            people=1,
        ),
        world('on, two, no wait', 'on', 'on', **WAS_OFF, settings=NO_WAIT),
        world(
            'on, twice, late',
            'on',
            'on',
            power=OFF,
            one_process=True,
            settings=NO_WAIT,
            faults=1,
        ),
        world(
            'on, killed before',
            'on',
            power=OFF,
            reason=MarkerKind.SHUTTING_DOWN,
            tells_end=True,
            promise=done,
        ),
    ]


def _dead() -> list[Setting]:
    """A host that does not come back, and one that comes late."""
    dead: dict[str, Any] = {'dead': True, **WAS_OFF}
    again = dead | {'reason': MarkerKind.FAILED_ON, 'times': 2}
    first = 'off, failed to power on, 1 time'
    return [
        world('dead', 'on', **dead, promise=f'timed out: {first}'),
        world(
            'dead, Ironic',
            'on',
            **dead,
            tells_end=True,
            promise=f'failed: {first}',
        ),
        world(
            'dead, again',
            'on',
            'on',
            **again,
            in_turn=True,
            promise='timed out, timed out: off, failed to power on, 4 times',
        ),
        world(
            'dead, again, Ironic',
            'on',
            'on',
            **again,
            tells_end=True,
            promise='failed, failed: off, failed to power on, 4 times',
        ),
        world(
            'dead, again, locked',
            'on',
            **again,
            **node(locked='x'),
            promise='refused: off, failed to power on, 2 times',
        ),
        world(
            'back after failures',
            'on',
            'off',
            'on',
            power=OFF,
            reason=MarkerKind.FAILED_ON,
            times=2,
            in_turn=True,
            promise='done, done, done: on, enabled',
        ),
        world(
            'dead, hook',
            'on',
            'recover',
            **dead,
            in_turn=True,
            hooks=True,
            flag=True,
            promise=f'timed out, already: {first}, flagged',
        ),
        world(
            'failed, and on, recover',
            'recover',
            reason=MarkerKind.FAILED_ON,
            times=2,
            promise='done: on, enabled',
        ),
        world(
            'late',
            'on',
            'on',
            **WAS_OFF,
            in_turn=True,
            settings=(('power_on_timeout', 30),),
        ),
        world('late, lost', 'on', 'on', **WAS_OFF, in_turn=True, faults=1),
    ]


def _recover() -> list[Setting]:
    """The same for recovering."""
    marked = {'reason': MarkerKind.POWERED_OFF}
    left = 'refused: on, powered off to save energy'
    return [
        world('recover', 'recover', **marked, promise='done: on, enabled'),
        world(
            'recover, shutting down',
            'recover',
            reason=MarkerKind.SHUTTING_DOWN,
            promise='done: on, enabled',
        ),
        world('recover, none', 'recover', promise='already: on, enabled'),
        world(
            'recover, off',
            'recover',
            **WAS_OFF,
            promise='already: off, powered off to save energy',
        ),
        world(
            'recover, theirs',
            'recover',
            reason=THEIRS,
            promise='already: on, disabled by others',
        ),
        world(
            'recover, another node', 'recover', reason=ANOTHER, promise=left
        ),
        world(
            'recover, unknown',
            'recover',
            **marked,
            **node(power_state=PowerState.UNKNOWN),
            promise=left,
        ),
        world(
            'recover, busy',
            'recover',
            **marked,
            **node(busy='x'),
            promise='timed out: on, powered off to save energy',
        ),
        world(
            'recover, maintenance',
            'recover',
            **marked,
            **node(maintenance='x'),
            promise=left,
        ),
        world(
            'recover, dry run',
            'recover',
            **marked,
            settings=DRY,
            promise='planned: on, powered off to save energy',
        ),
        world(
            'recover, no wait',
            'recover',
            **marked,
            settings=NO_WAIT,
            promise=left,
        ),
    ]


def _alone(tells_end: bool) -> list[Setting]:
    """One run, and everybody else."""
    of = 'Ironic' if tells_end else 'MAAS'
    found = []
    for what in (
        {'moves': 1, 'stalls': 1},
        {'people': 2},
        {'faults': 1},
        {'kills': 1},
        {'cancels': 1},
        {'moves': 1, 'faults': 1},
        {'people': 1, 'moves': 1},
        {'people': 1, 'hands': True, 'stalls': 1},
        {'people': 1, 'stalls': 1, 'cancels': 1},
    ):
        said = ', '.join(what)
        found += [
            world(f'{of}, off: {said}', 'off', tells_end=tells_end, **what),
            world(
                f'{of}, on: {said}',
                'on',
                tells_end=tells_end,
                **WAS_OFF,
                **what,
            ),
            world(
                f'{of}, recover: {said}',
                'recover',
                tells_end=tells_end,
                reason=MarkerKind.POWERED_OFF,
                **what,
            ),
        ]
    return found


def _pairs(tells_end: bool, **what: Any) -> list[Setting]:
    """Two runs, each of a process of its own."""
    of = 'Ironic' if tells_end else 'MAAS'
    of += ''.join(f', {name}' for name in what)
    settings = []
    for goals in itertools.combinations_with_replacement(
        ('off', 'on', 'recover'), 2
    ):
        if goals == ('recover', 'recover'):
            continue
        start = {} if 'off' in goals else WAS_OFF
        if goals == ('on', 'on'):
            start = start | {'racing': True}
        settings.append(
            world(
                f'{of}: {goals[0]}, {goals[1]}',
                *goals,
                tells_end=tells_end,
                **start,
                **what,
            )
        )
    return settings


#: Those in which one planted fault or another is found: the rest is explored
#: with the larger ones.
_CHOSEN = (
    'Ironic, off: cancels',
    'Ironic, on: cancels',
    'Ironic, on: faults',
    'Ironic, on: people, hands, stalls',
    'Ironic, recover: cancels',
    'Ironic, recover: people',
    'Ironic, recover: people, hands, stalls',
    'Ironic, recover: people, moves',
    'MAAS, off: cancels',
    'MAAS, off: people, hands, stalls',
    'MAAS, off: people, moves',
    'MAAS, off: people, stalls, cancels',
    'MAAS, on: people, hands, stalls',
    'MAAS, on: people, moves',
    'MAAS, on: people, stalls, cancels',
    'Ironic: off, recover',
    'Ironic: on, on',
    'MAAS: off, on',
    'MAAS: off, recover',
    'MAAS: on, on',
)
_QUIET = [*_off(), *_on(), *_dead(), *_recover()]
_MORE = [
    *_alone(True),
    *_alone(False),
    *_pairs(True),
    *_pairs(False),
    world('MAAS, off and recovery', 'off', 'recover', kills=1, moves=1),
    world('on, off, on again', 'on', 'off', power=OFF),
    world(
        'recover and off',
        'off',
        'recover',
        reason=MarkerKind.POWERED_OFF,
        soft_off=False,
    ),
]
#: The default suite explores these to their ends.
SMALL = [
    *_QUIET,
    *hooked.hooked(),
    *(world for world in _MORE if world.name in _CHOSEN),
    world('off, forced', 'off', people=1, faults=1, forced=True),
    world('MAAS, slow', 'on', 'on', **WAS_OFF, racing=True, slow=1),
    world('theirs', 'off', reason=THEIRS, people=1, hands=True),
    world(
        'theirs, busy',
        'off',
        reason=THEIRS,
        people=1,
        hands=True,
        faults=1,
        moves=1,
    ),
    world(
        'one process',
        'on',
        'recover',
        tells_end=True,
        **WAS_OFF,
        one_process=True,
        promise='done, already: on, enabled',
    ),
]
#: A request to Ironic that hangs for half a minute, after a stall.
SLOW = world(
    'Ironic, slow',
    'off',
    'recover',
    tells_end=True,
    soft_off=False,
    stalls=1,
    slow=1,
    reports=True,
)
_MANY: dict[str, Any] = {'moves': 1, 'people': 1, 'faults': 1, 'kills': 1}
FULL = [
    SLOW,
    *(world for world in _MORE if world.name not in _CHOSEN),
    *(
        world(
            f'{goal}: all, {"Ironic" if tells else "MAAS"}',
            goal,
            tells_end=tells,
            **({} if goal == 'off' else WAS_OFF),
            **(_MANY | {'moves': 2, 'faults': 2}),
            cancels=1,
            stalls=1,
            slow=1,
        )
        for tells in (True, False)
        for goal in ('off', 'on')
    ),
    *(
        world
        for tells in (True, False)
        for what in (
            {'faults': 1},
            {'kills': 1, 'moves': 1},
            {'stalls': 1},
            _MANY,
        )
        for world in _pairs(tells, **what)
    ),
]
