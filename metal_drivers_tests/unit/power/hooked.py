# SPDX-License-Identifier: Apache-2.0
"""Small worlds in which a hook is in use."""

from __future__ import annotations

from typing import Any

from metal_drivers.compute.markers import MarkerKind
from metal_drivers_tests.unit.power.shorthand import (
    DRY,
    NO_WAIT,
    UNMANAGED,
    WAS_OFF,
    world,
)
from metal_drivers_tests.unit.power.world import ADOPTED, OFF, THEIRS, Setting


def hooked() -> list[Setting]:
    """A hook that sets a flag on hosts that are off."""
    noted = 'off, powered off to save energy, flagged'
    hook: dict[str, Any] = {'hooks': True}
    flag: dict[str, Any] = {'hooks': True, 'flag': True}
    marked = {'reason': MarkerKind.POWERED_OFF}
    quiet = [
        world('hook, off', 'off', **hook, promise=f'done: {noted}'),
        world(
            'hook, off, unmanaged',
            'off',
            **hook,
            settings=UNMANAGED,
            promise='done: off, enabled, flagged',
        ),
        world(
            'hook, off, theirs',
            'off',
            **hook,
            reason=THEIRS,
            promise='done: off, disabled by others, flagged',
        ),
        world(
            'hook, off, dry run',
            'off',
            **hook,
            settings=DRY,
            promise='planned: on, enabled',
        ),
        world(
            'hook, off, no wait',
            'off',
            **hook,
            settings=NO_WAIT,
            promise='planned: off, shutting down to save energy, flagged',
        ),
        world(
            'hook, on', 'on', **WAS_OFF, **flag, promise='done: on, enabled'
        ),
        world(
            'hook, on already', 'on', **flag, promise='already: on, enabled'
        ),
        world(
            'hook, on, finishes',
            'on',
            **marked,
            **flag,
            promise='already: on, enabled',
        ),
        world(
            'hook, on, unmanaged',
            'on',
            power=OFF,
            settings=UNMANAGED,
            **flag,
            promise='done: on, enabled',
        ),
        world(
            'hook, on, theirs',
            'on',
            power=OFF,
            reason=THEIRS,
            **flag,
            promise='done: on, disabled by others, flagged',
        ),
        world(
            'hook, on, no wait',
            'on',
            **WAS_OFF,
            **flag,
            settings=NO_WAIT,
            promise='planned: on, powering on, flagged',
        ),
        world(
            'hook, recover',
            'recover',
            **marked,
            **flag,
            promise='done: on, enabled',
        ),
        world(
            'hook, recover, none',
            'recover',
            **flag,
            promise='already: on, enabled',
        ),
        world(
            'hook, recover, off',
            'recover',
            **WAS_OFF,
            **hook,
            promise=f'already: {noted}',
        ),
        world(
            'hook, recover, dry run',
            'recover',
            **WAS_OFF,
            **hook,
            settings=DRY,
            promise='already: off, powered off to save energy',
        ),
        world(
            'adopted, on',
            'on',
            power=OFF,
            reason=ADOPTED,
            promise='done: on, enabled',
        ),
        world(
            'adopted, on already',
            'on',
            reason=ADOPTED,
            promise='already: on, disabled by others',
        ),
        world(
            'adopted, recover',
            'recover',
            power=OFF,
            reason=ADOPTED,
            promise='already: off, powered off to save energy',
        ),
        world(
            'adopted, recover, on',
            'recover',
            reason=ADOPTED,
            promise='already: on, disabled by others',
        ),
        world(
            'adopted, recover, dry run',
            'recover',
            power=OFF,
            reason=ADOPTED,
            settings=DRY,
            promise='already: off, disabled by others',
        ),
    ]
    more = [
        world(
            f'hook, {goal}: {", ".join(what)}',
            goal,
            tells_end=True,
            **(hook if goal == 'off' else flag),
            **start,
            **what,
        )
        for goal, start in (
            ('off', {'soft_off': False}),
            ('on', WAS_OFF),
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
        world(
            'hook, off: moves, slow',
            'off',
            **hook,
            tells_end=True,
            soft_off=False,
            moves=1,
            slow=1,
        ),
        world(
            'hook, off: people',
            'off',
            **hook,
            tells_end=True,
            soft_off=False,
            people=1,
            hands=True,
        ),
        world(
            'hook, on: people, slow',
            'on',
            **WAS_OFF,
            **flag,
            tells_end=True,
            people=1,
            slow=1,
        ),
        world(
            'hook, MAAS, on: people',
            'on',
            **WAS_OFF,
            **flag,
            people=1,
            hands=True,
        ),
        world(
            'hook, adopted, on: people',
            'on',
            power=OFF,
            reason=ADOPTED,
            **flag,
            tells_end=True,
            people=1,
            hands=True,
        ),
        world(
            'adopted, recover: people',
            'recover',
            power=OFF,
            reason=ADOPTED,
            people=1,
            hands=True,
        ),
        world(
            'hook, recover: people, slow',
            'recover',
            reason=MarkerKind.POWERED_OFF,
            **flag,
            tells_end=True,
            people=1,
            slow=1,
        ),
        world(
            'adopted, on: kills, faults',
            'on',
            power=OFF,
            reason=ADOPTED,
            tells_end=True,
            kills=1,
            faults=1,
        ),
    ]
