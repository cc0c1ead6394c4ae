# SPDX-License-Identifier: Apache-2.0
"""The small worlds that are explored; the smallest first."""

from __future__ import annotations

import itertools
from typing import Any

from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.model import OffMode, PowerState
from metal_drivers_tests.unit.power import world as worlds
from metal_drivers_tests.unit.power.world import ADOPTED, OFF, THEIRS, Setting

_WAS_OFF: dict[str, Any] = {'power': OFF, 'reason': MarkerKind.POWERED_OFF}
_ANOTHER = markers.reason('id-77', worlds.at(-1000))
_AT_WORK = markers.reason(
    worlds.NODE_ID, worlds.at(0), MarkerKind.POWERING_OFF
)
_DRY = (('dry_run', True),)
_NO_WAIT = (('wait', False),)
_UNMANAGED = (('manage_compute_service', False),)


def _world(name: str, *goals: str, **fields: Any) -> Setting:
    return Setting(name, goals, **fields)


def _node(**fields: Any) -> dict[str, Any]:
    return {'node': tuple(fields.items())}


def _off() -> list[Setting]:
    """What may be in the way of powering off."""
    on, noted = 'refused: on, enabled', 'done: off, powered off to save energy'
    return [
        _world('off', 'off', promise=noted),
        _world('off, Ironic', 'off', tells_end=True, promise=noted),
        _world(
            'off already', 'off', **_WAS_OFF, promise=f'already: {noted[6:]}'
        ),
        _world('off, a server', 'off', servers=1, promise=on),
        _world('off, locked', 'off', **_node(locked='x'), promise=on),
        _world(
            'off, unknown',
            'off',
            **_node(power_state=PowerState.UNKNOWN),
            promise=on,
        ),
        _world(
            'off, cannot shut down',
            'off',
            soft_off=False,
            settings=(('off_modes', (OffMode.SOFT,)),),
            promise=on,
        ),
        _world('off, no Nova', 'off', nova=False, promise=on),
        _world(
            'off, others off',
            'off',
            others_off=3,
            settings=(('max_powered_off', '3'),),
            promise=on,
        ),
        _world(
            'off, dry run',
            'off',
            settings=_DRY,
            moves=1,
            promise='planned: on, enabled',
        ),
        _world(
            'off, no wait',
            'off',
            settings=_NO_WAIT,
            faults=1,
            promise='planned: off, shutting down to save energy',
        ),
        _world(
            'off, busy',
            'off',
            **_node(busy='x'),
            promise='timed out: on, enabled',
        ),
        _world(
            'off, unmanaged',
            'off',
            settings=_UNMANAGED,
            promise='done: off, enabled',
        ),
        _world(
            'off, no host',
            'off',
            matched=False,
            settings=(('unmatched', True),),
            promise='done: off, enabled',
        ),
        _world(
            'off, theirs',
            'off',
            reason=THEIRS,
            moves=1,
            promise='done: off, disabled by others',
        ),
        _world(
            'off, killed before',
            'off',
            reason=MarkerKind.SHUTTING_DOWN,
            promise=noted,
        ),
        _world('off, another run', 'off', reason=_AT_WORK, promise=noted),
        _world(
            'off, twice',
            'off',
            'off',
            settings=_UNMANAGED,
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
        _world('on', 'on', **_WAS_OFF, promise=done),
        _world('on, Ironic', 'on', **_WAS_OFF, tells_end=True, promise=done),
        _world('on already', 'on', promise='already: on, enabled'),
        _world(
            'on, finishes',
            'on',
            reason=MarkerKind.POWERED_OFF,
            promise='already: on, enabled',
        ),
        _world(
            'on, theirs',
            'on',
            power=OFF,
            reason=THEIRS,
            promise='done: on, disabled by others',
        ),
        _world(
            'on, dry run',
            'on',
            **_WAS_OFF,
            settings=_DRY,
            promise='planned: off, powered off to save energy',
        ),
        _world(
            'on, dry run, on',
            'on',
            reason=MarkerKind.POWERED_OFF,
            settings=_DRY,
            promise='already: on, powered off to save energy',
        ),
        _world(
            'on, no wait',
            'on',
            **_WAS_OFF,
            settings=_NO_WAIT,
            promise='planned: on, powering on',
        ),
        _world(
            'on, no wait, on',
            'on',
            reason=MarkerKind.POWERED_OFF,
            settings=_NO_WAIT,
            promise='already: on, powered off to save energy',
        ),
        _world(
            'on, locked', 'on', **_WAS_OFF, **_node(locked='x'), promise=stays
        ),
        _world(
            'on, unknown',
            'on',
            **_WAS_OFF,
            **_node(power_state=PowerState.UNKNOWN),
            promise=stays,
        ),
        _world(
            'on, busy',
            'on',
            **_WAS_OFF,
            **_node(busy='x'),
            promise='timed out: off, powered off to save energy',
        ),
        _world(
            'on, unmanaged',
            'on',
            power=OFF,
            settings=_UNMANAGED,
            promise='done: on, enabled',
        ),
        _world(
            'on, twice',
            'on',
            'on',
            **_WAS_OFF,
            one_process=True,
            settings=_NO_WAIT,
            people=1,
        ),
        _world('on, two, no wait', 'on', 'on', **_WAS_OFF, settings=_NO_WAIT),
        _world(
            'on, twice, late',
            'on',
            'on',
            power=OFF,
            one_process=True,
            settings=_NO_WAIT,
            faults=1,
        ),
        _world(
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
    dead: dict[str, Any] = {'dead': True, **_WAS_OFF}
    again = dead | {'reason': MarkerKind.FAILED_ON, 'times': 2}
    first = 'off, failed to power on, 1 time'
    return [
        _world('dead', 'on', **dead, promise=f'timed out: {first}'),
        _world(
            'dead, Ironic',
            'on',
            **dead,
            tells_end=True,
            promise=f'failed: {first}',
        ),
        _world(
            'dead, again',
            'on',
            'on',
            **again,
            in_turn=True,
            promise='timed out, timed out: off, failed to power on, 4 times',
        ),
        _world(
            'dead, again, Ironic',
            'on',
            'on',
            **again,
            tells_end=True,
            promise='failed, failed: off, failed to power on, 4 times',
        ),
        _world(
            'dead, again, locked',
            'on',
            **again,
            **_node(locked='x'),
            promise='refused: off, failed to power on, 2 times',
        ),
        _world(
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
        _world(
            'dead, hook',
            'on',
            'recover',
            **dead,
            in_turn=True,
            hooks=True,
            flag=True,
            promise=f'timed out, already: {first}, flagged',
        ),
        _world(
            'failed, and on, recover',
            'recover',
            reason=MarkerKind.FAILED_ON,
            times=2,
            promise='done: on, enabled',
        ),
        _world(
            'late',
            'on',
            'on',
            **_WAS_OFF,
            in_turn=True,
            settings=(('power_on_timeout', 30),),
        ),
        _world('late, lost', 'on', 'on', **_WAS_OFF, in_turn=True, faults=1),
    ]


def _recover() -> list[Setting]:
    """The same for recovering."""
    marked = {'reason': MarkerKind.POWERED_OFF}
    left = 'refused: on, powered off to save energy'
    return [
        _world('recover', 'recover', **marked, promise='done: on, enabled'),
        _world(
            'recover, shutting down',
            'recover',
            reason=MarkerKind.SHUTTING_DOWN,
            promise='done: on, enabled',
        ),
        _world('recover, none', 'recover', promise='already: on, enabled'),
        _world(
            'recover, off',
            'recover',
            **_WAS_OFF,
            promise='already: off, powered off to save energy',
        ),
        _world(
            'recover, theirs',
            'recover',
            reason=THEIRS,
            promise='already: on, disabled by others',
        ),
        _world(
            'recover, another node', 'recover', reason=_ANOTHER, promise=left
        ),
        _world(
            'recover, unknown',
            'recover',
            **marked,
            **_node(power_state=PowerState.UNKNOWN),
            promise=left,
        ),
        _world(
            'recover, busy',
            'recover',
            **marked,
            **_node(busy='x'),
            promise='timed out: on, powered off to save energy',
        ),
        _world(
            'recover, maintenance',
            'recover',
            **marked,
            **_node(maintenance='x'),
            promise=left,
        ),
        _world(
            'recover, dry run',
            'recover',
            **marked,
            settings=_DRY,
            promise='planned: on, powered off to save energy',
        ),
        _world(
            'recover, no wait',
            'recover',
            **marked,
            settings=_NO_WAIT,
            promise=left,
        ),
    ]


def _hooked() -> list[Setting]:
    """A hook that sets a flag on hosts that are off."""
    noted = 'off, powered off to save energy, flagged'
    hook: dict[str, Any] = {'hooks': True}
    flag: dict[str, Any] = {'hooks': True, 'flag': True}
    marked = {'reason': MarkerKind.POWERED_OFF}
    quiet = [
        _world('hook, off', 'off', **hook, promise=f'done: {noted}'),
        _world(
            'hook, off, unmanaged',
            'off',
            **hook,
            settings=_UNMANAGED,
            promise='done: off, enabled, flagged',
        ),
        _world(
            'hook, off, theirs',
            'off',
            **hook,
            reason=THEIRS,
            promise='done: off, disabled by others, flagged',
        ),
        _world(
            'hook, off, dry run',
            'off',
            **hook,
            settings=_DRY,
            promise='planned: on, enabled',
        ),
        _world(
            'hook, off, no wait',
            'off',
            **hook,
            settings=_NO_WAIT,
            promise='planned: off, shutting down to save energy, flagged',
        ),
        _world(
            'hook, on', 'on', **_WAS_OFF, **flag, promise='done: on, enabled'
        ),
        _world(
            'hook, on already', 'on', **flag, promise='already: on, enabled'
        ),
        _world(
            'hook, on, finishes',
            'on',
            **marked,
            **flag,
            promise='already: on, enabled',
        ),
        _world(
            'hook, on, unmanaged',
            'on',
            power=OFF,
            settings=_UNMANAGED,
            **flag,
            promise='done: on, enabled',
        ),
        _world(
            'hook, on, theirs',
            'on',
            power=OFF,
            reason=THEIRS,
            **flag,
            promise='done: on, disabled by others, flagged',
        ),
        _world(
            'hook, on, no wait',
            'on',
            **_WAS_OFF,
            **flag,
            settings=_NO_WAIT,
            promise='planned: on, powering on, flagged',
        ),
        _world(
            'hook, recover',
            'recover',
            **marked,
            **flag,
            promise='done: on, enabled',
        ),
        _world(
            'hook, recover, none',
            'recover',
            **flag,
            promise='already: on, enabled',
        ),
        _world(
            'hook, recover, off',
            'recover',
            **_WAS_OFF,
            **hook,
            promise=f'already: {noted}',
        ),
        _world(
            'hook, recover, dry run',
            'recover',
            **_WAS_OFF,
            **hook,
            settings=_DRY,
            promise='already: off, powered off to save energy',
        ),
        _world(
            'adopted, on',
            'on',
            power=OFF,
            reason=ADOPTED,
            promise='done: on, enabled',
        ),
        _world(
            'adopted, on already',
            'on',
            reason=ADOPTED,
            promise='already: on, disabled by others',
        ),
        _world(
            'adopted, recover',
            'recover',
            power=OFF,
            reason=ADOPTED,
            promise='already: off, powered off to save energy',
        ),
        _world(
            'adopted, recover, on',
            'recover',
            reason=ADOPTED,
            promise='already: on, disabled by others',
        ),
        _world(
            'adopted, recover, dry run',
            'recover',
            power=OFF,
            reason=ADOPTED,
            settings=_DRY,
            promise='already: off, disabled by others',
        ),
    ]
    more = [
        _world(
            f'hook, {goal}: {", ".join(what)}',
            goal,
            tells_end=True,
            **(hook if goal == 'off' else flag),
            **start,
            **what,
        )
        for goal, start in (
            ('off', {'soft_off': False}),
            ('on', _WAS_OFF),
            ('recover', marked),
        )
        for what in (
            {'faults': 1},
            {'kills': 1},
            {'slow': 1},
            {'cancels': 1},
        )
    ]
    return [
        *quiet,
        *more,
        _world(
            'hook, off: moves, slow',
            'off',
            **hook,
            tells_end=True,
            soft_off=False,
            moves=1,
            slow=1,
        ),
        _world(
            'hook, off: people',
            'off',
            **hook,
            tells_end=True,
            soft_off=False,
            people=1,
            hands=True,
        ),
        _world(
            'hook, on: people, slow',
            'on',
            **_WAS_OFF,
            **flag,
            tells_end=True,
            people=1,
            slow=1,
        ),
        _world(
            'hook, MAAS, on: people',
            'on',
            **_WAS_OFF,
            **flag,
            people=1,
            hands=True,
        ),
        _world(
            'hook, adopted, on: people',
            'on',
            power=OFF,
            reason=ADOPTED,
            **flag,
            tells_end=True,
            people=1,
            hands=True,
        ),
        _world(
            'adopted, recover: people',
            'recover',
            power=OFF,
            reason=ADOPTED,
            people=1,
            hands=True,
        ),
        _world(
            'hook, recover: people, slow',
            'recover',
            reason=MarkerKind.POWERED_OFF,
            **flag,
            tells_end=True,
            people=1,
            slow=1,
        ),
        _world(
            'adopted, on: kills, faults',
            'on',
            power=OFF,
            reason=ADOPTED,
            tells_end=True,
            kills=1,
            faults=1,
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
            _world(f'{of}, off: {said}', 'off', tells_end=tells_end, **what),
            _world(
                f'{of}, on: {said}',
                'on',
                tells_end=tells_end,
                **_WAS_OFF,
                **what,
            ),
            _world(
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
        start = {} if 'off' in goals else _WAS_OFF
        if goals == ('on', 'on'):
            start = start | {'racing': True}
        settings.append(
            _world(
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
    _world('MAAS, off and recovery', 'off', 'recover', kills=1, moves=1),
    _world('on, off, on again', 'on', 'off', power=OFF),
    _world(
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
    *_hooked(),
    *(world for world in _MORE if world.name in _CHOSEN),
    _world('off, forced', 'off', people=1, faults=1, forced=True),
    _world('MAAS, slow', 'on', 'on', **_WAS_OFF, racing=True, slow=1),
    _world('theirs', 'off', reason=THEIRS, people=1, hands=True),
    _world(
        'theirs, busy',
        'off',
        reason=THEIRS,
        people=1,
        hands=True,
        faults=1,
        moves=1,
    ),
    _world(
        'one process',
        'on',
        'recover',
        tells_end=True,
        **_WAS_OFF,
        one_process=True,
        promise='done, already: on, enabled',
    ),
]
#: A request to Ironic that hangs for half a minute, after a stall.
SLOW = _world(
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
        _world(
            f'{goal}: all, {"Ironic" if tells else "MAAS"}',
            goal,
            tells_end=tells,
            **({} if goal == 'off' else _WAS_OFF),
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
