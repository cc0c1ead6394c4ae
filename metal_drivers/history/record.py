# SPDX-License-Identifier: Apache-2.0
"""What one line of a history says.

``schema.json`` beside this module is the same for programs. Within a version,
fields are only added; each release reads all versions up to its own.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import sys
from collections.abc import Mapping
from typing import Any

#: Of the lines that are written. A higher one means something else by the
#: same fields.
VERSION = 1

#: The parts of a transition whose seconds are counted.
PHASES = ('slot', 'empty', 'soft', 'hard', 'power_on')

#: Characters; more is cut, so that a line is written at once.
_MOST = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One transition that ended. All times have a zone."""

    #: When it ended, and began.
    when: datetime.datetime
    began: datetime.datetime
    #: The node's id and name; the compute host, or empty.
    node: str
    name: str = ''
    host: str = ''
    driver: str = ''
    zone: str | None = None
    #: The power before, what was asked for (``on``, ``off``, or
    #: ``recovered``), and the power as last seen.
    before: str = 'unknown'
    to: str = 'unknown'
    state: str = 'unknown'
    outcome: str = ''
    detail: str = ''
    #: When the node was seen to be off; or when it was asked to power on.
    #: None: neither happened.
    changed: datetime.datetime | None = None
    #: Seconds of each phase that there was, and of the whole (``total``).
    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    #: For how many seconds the host had been off; None: not known.
    off_seconds: float | None = None
    #: The marker that was found at the beginning, and its time.
    marker: str = ''
    marker_when: datetime.datetime | None = None
    #: When the service says that the node was last powered on.
    on_since: datetime.datetime | None = None
    #: What an idle host draws; None: not known.
    watts: float | None = None
    #: Who asked: ``command`` and ``user``; ``audit``, ``action_plan``.
    by: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: The machine that wrote this: its clock.
    machine: str = ''

    def line(self) -> str:
        """One line of JSON, with its end."""
        marker = None
        if self.marker_when is not None:
            marker = {'text': self.marker, 'when': _text(self.marker_when)}
        fields = {
            'version': VERSION,
            'when': _text(self.when),
            'began': _text(self.began),
            'node': self.node,
            'name': self.name,
            'host': self.host or None,
            'driver': self.driver,
            'zone': self.zone,
            'from': self.before,
            'to': self.to,
            'state': self.state,
            'outcome': self.outcome,
            'detail': self.detail[:_MOST],
            'changed': _text(self.changed),
            'seconds': {k: round(v, 3) for k, v in self.seconds.items()},
            'off_seconds': self.off_seconds
            and max(0.0, round(self.off_seconds, 3)),
            'marker': marker,
            'on_since': _text(self.on_since),
            'watts': self.watts,
            'by': dict(self.by),
            'machine': self.machine,
        }
        return json.dumps(fields) + '\n'


class Newer(ValueError):
    """A line of a later version."""

    def __init__(self, version: int) -> None:
        super().__init__(f'version {version}')
        self.version = version


def parse(line: str | bytes) -> Record:
    """What a line says; fields that are not known are passed over.

    :raises Newer: it is of a later version.
    :raises ValueError: it is no line of a history; the text says why.
    """
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError('not a JSON object')
    version = found.get('version')
    if type(version) is not int or version < 1:
        raise ValueError('it has no version')
    if version > VERSION:
        raise Newer(version)
    marker = found.get('marker') or {}
    when = _time(found, 'when')
    node = found.get('node')
    if when is None or not isinstance(node, str) or not node:
        raise ValueError('it has no "when" or no "node"')
    try:
        return Record(
            when,
            _time(found, 'began') or when,
            node,
            _word(found, 'name'),
            _word(found, 'host'),
            _word(found, 'driver'),
            _word(found, 'zone') or None,
            _word(found, 'from'),
            _word(found, 'to'),
            _word(found, 'state'),
            _word(found, 'outcome'),
            _word(found, 'detail'),
            _time(found, 'changed'),
            {
                str(key): _number(value)
                for key, value in (found.get('seconds') or {}).items()
            },
            _optional(found.get('off_seconds')),
            _word(marker, 'text'),
            _time(marker, 'when'),
            _time(found, 'on_since'),
            _optional(found.get('watts')),
            {
                str(key): str(value)
                for key, value in (found.get('by') or {}).items()
            },
            _word(found, 'machine'),
        )
    except (AttributeError, TypeError) as exc:
        raise ValueError('a field is of the wrong type') from exc


def _text(when: datetime.datetime | None) -> str | None:
    if when is None:
        return None
    utc = when.astimezone(datetime.UTC).replace(tzinfo=None)
    return utc.isoformat(timespec='milliseconds') + 'Z'


def _time(found: Mapping[str, Any], key: str) -> datetime.datetime | None:
    text = found.get(key)
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError(f'"{key}" is not a time')
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{key}" is not a time: {text[:40]!r}') from None
    if when.tzinfo is None:
        raise ValueError(f'"{key}" has no time zone: {text!r}')
    return when


def _word(found: Mapping[str, Any], key: str) -> str:
    text = found.get(key)
    if text is None:
        return ''
    if not isinstance(text, str):
        raise ValueError(f'"{key}" is not a text')
    # The same few in each line of a long history.
    return sys.intern(text)


def _optional(value: Any) -> float | None:
    return None if value is None else _number(value)


def _number(value: Any) -> float:
    # JSON as Python reads it may have NaN and Infinity.
    if type(value) not in (int, float) or not 0 <= value < 1e15:
        raise ValueError(f'{value!r} is not a number from 0')
    return float(value)
