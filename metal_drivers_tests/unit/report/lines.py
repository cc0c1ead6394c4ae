# SPDX-License-Identifier: Apache-2.0
"""Histories for tests, written as another program would write them."""

import datetime
import json
import pathlib
import random
from typing import Any

EPOCH = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)


def at(hours: float) -> str:
    """So many hours after the beginning."""
    when = EPOCH + datetime.timedelta(hours=hours)
    return when.isoformat(timespec='milliseconds').replace('+00:00', 'Z')


def line(hours: float, to: str, **fields: Any) -> str:
    """A transition of ``compute-1`` that took one minute."""
    end = hours + 1 / 60
    off = to == 'off'
    found = {
        'version': 1,
        'when': at(end),
        'began': at(hours),
        'node': f'id-{fields.get("host", "compute-1")}',
        'name': '',
        'host': 'compute-1',
        'driver': 'ironic',
        'zone': 'az-1',
        'from': 'on' if off else 'off',
        'to': to,
        'state': to,
        'outcome': 'done',
        'detail': '',
        'changed': at(end if off else hours),
        'seconds': {'total': 60} | ({} if off else {'power_on': 60}),
        'off_seconds': None,
        'marker': None,
        'on_since': None,
        'watts': 100,
        'by': {},
        'machine': 'controller-1',
    }
    return json.dumps(found | fields) + '\n'


def marker(hours: float, text: str = 'powered off to save energy') -> Any:
    return {'marker': {'text': text, 'when': at(hours)}}


def many(path: pathlib.Path, count: int, hosts: int, days: int = 30) -> None:
    """A file of a fleet: nights off, some failures, by one seed. It ends at
    the epoch: what is yet to come is in no history."""
    chance = random.Random(7)  # noqa: S311, no secret
    lines: list[tuple[float, str]] = []
    cycles = max(1, count // hosts // 2)
    for number in range(1, hosts + 1):
        name = f'compute-{number:03}'
        fields: dict[str, Any] = {
            'host': name,
            'zone': f'az-{number % 3 + 1}',
            'watts': 120 + 10 * (number % 9),
        }
        for cycle in range(cycles):
            day = 24.0 * days / cycles
            begin = (cycle - cycles) * day + chance.uniform(0.0, 0.3) * day
            end = begin + chance.uniform(0.2, 0.6) * day
            back = round(chance.lognormvariate(5.1, 0.25), 1)
            lines.append((begin, line(begin, 'off', **fields)))
            plan = {'by': {'action_plan': f'p{cycle}', 'audit': 'a'}}
            ends: dict[str, Any] = {
                'seconds': {'total': back + 4, 'power_on': back},
                'off_seconds': (end - begin) * 3600,
                'when': at(end + back / 3600),
            }
            if chance.random() < 0.02:
                ends |= {'outcome': 'timed out', 'state': 'unknown'}
            lines.append((end, line(end, 'on', **fields | plan | ends)))
    lines.sort(key=lambda each: json.loads(each[1])['when'])
    path.write_text(''.join(text for _, text in lines), encoding='utf-8')
