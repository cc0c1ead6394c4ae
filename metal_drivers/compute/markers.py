# SPDX-License-Identifier: Apache-2.0
"""The marker in Nova: who disabled nova-compute.

There is no database of ours: the reason that Nova keeps with a disabled
service is the marker; without it, someone else disabled the service. As in a
journal, a marker is written before anything is begun, and once more when the
host was seen to be off.

A marker is no lock: Nova has no compare-and-set. Two runs may both read, then
both write; the last one wins, and the other finds that when it reads again.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import fnmatch
import functools
import re
from collections.abc import Iterable

from metal_drivers.model import ComputeHost, ComputeService

_MARKER = 'metal-drivers/1'

#: What Nova keeps of a reason.
_MOST = 255

_PATTERN = re.compile(
    re.escape(_MARKER)
    + r' (?P<what>[^,]*)(, (?P<times>[1-9]\d{0,8}) times?)?'
    + r', (?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)'
    + r', node (?P<node>.+)'
)

#: For so many seconds a marker of what was begun says that a process may be at
#: work: a request for power is only sent while the marker is younger.
LEASE = 60.0
#: A marker that is older is renewed before such a request; what is between
#: is for the calls until then.
RENEW = 30.0


class MarkerKind(enum.Enum):
    """What a marker tells of the host; the value is its text in Nova."""

    #: A power off was begun.
    POWERING_OFF = 'powering off to save energy'
    #: The same, and a soft one may have been sent to a service that does
    #: not report its end: the system may still be shutting down, no matter
    #: how long ago that was.
    SHUTTING_DOWN = 'shutting down to save energy'
    #: The host was seen to be off.
    POWERED_OFF = 'powered off to save energy'
    #: A power on was begun.
    POWERING_ON = 'powering on'
    #: The host was to power on, and was not seen to: so many times, one
    #: after the other.
    FAILED_ON = 'failed to power on'

    @property
    def under_way(self) -> bool:
        """Whether the end of what was begun was not seen."""
        return self not in (MarkerKind.POWERED_OFF, MarkerKind.FAILED_ON)

    @property
    def work(self) -> str:
        """What a run that wrote it is doing, for a message."""
        return f'powering it {"on" if self.of_power_on else "off"}'

    @property
    def of_power_on(self) -> bool:
        """Whether a power on was the last thing that was tried."""
        return self in (MarkerKind.POWERING_ON, MarkerKind.FAILED_ON)


@dataclasses.dataclass(frozen=True, slots=True)
class Marker:
    """The content of a marker.

    Its time is so fine that two runs do not write the same one: a marker is
    also whose run it is.
    """

    when: datetime.datetime
    #: As much of the node's id as fits.
    node_id: str
    kind: MarkerKind = MarkerKind.POWERED_OFF
    #: How many power ons failed; 0 for the other kinds.
    times: int = 0

    @property
    def under_way(self) -> bool:
        return self.kind.under_way

    @property
    def reason(self) -> str:
        """Its text in Nova."""
        return self._text(self.node_id)

    @property
    def failure(self) -> str:
        """The power ons that failed, for a message; empty: none did."""
        if self.kind is not MarkerKind.FAILED_ON:
            return ''
        return f'{self.kind.value}, {_times(self.times)}'

    def names(self, node_id: str) -> bool:
        """Whether it is that node's."""
        return node_id == self.node_id or (
            self._text(node_id) == self._text(self.node_id)
        )

    def _text(self, node_id: str) -> str:
        return reason(node_id, self.when, self.kind, self.times)

    def age(self, now: datetime.datetime) -> float:
        """Seconds."""
        return (now - self.when).total_seconds()

    def left(self, now: datetime.datetime, after: float = 0.0) -> float:
        """For how many seconds a process may still be at work.

        :param after: for so many seconds after the last request the node
            may still follow it.
        """
        if not self.under_way:
            return 0.0
        # A marker of the future is of a clock that is wrong.
        return max(0.0, LEASE + after - max(0.0, self.age(now)))


def reason(
    node_id: str,
    when: datetime.datetime,
    kind: MarkerKind = MarkerKind.POWERED_OFF,
    times: int = 0,
) -> str:
    """The reason to disable with; within Nova's 255 characters.

    :param times: see :attr:`Marker.times`.
    """
    utc = when.astimezone(datetime.UTC).replace(tzinfo=None)
    at = utc.isoformat(timespec='milliseconds') + 'Z'
    what = kind.value
    if times:
        what += f', {_times(times)}'
    return f'{_MARKER} {what}, {at}, node {node_id}'[:_MOST]


def _times(times: int) -> str:
    return '1 time' if times == 1 else f'{times} times'


@functools.lru_cache(4096)
def parse(disabled_reason: str | None) -> Marker | None:
    """What a reason of :func:`reason` says; None: it is not ours.

    One of a kind that a later release may have is read as the kind that
    takes most care.
    """
    found = _PATTERN.fullmatch(disabled_reason or '')
    if found is None:
        return None
    try:
        when = datetime.datetime.fromisoformat(found['when'])
    except ValueError:
        return None
    try:
        kind = MarkerKind(found['what'])
    except ValueError:
        kind = MarkerKind.SHUTTING_DOWN
    times = int(found['times'] or 0)
    if kind is MarkerKind.FAILED_ON:
        times = max(1, times)
    return Marker(when, found['node'], kind, times)


def of(service: ComputeService | ComputeHost | None) -> Marker | None:
    """Our marker, where the service is disabled and bears it."""
    if service is None or service.enabled:
        return None
    return parse(service.disabled_reason)


def for_node(
    service: ComputeService | ComputeHost | None, node_id: str
) -> Marker | None:
    """Our marker for this very node, where there is one.

    One for another node is of a machine that was there before: the service
    is then not to be touched.
    """
    if service is None or service.enabled:
        return None
    return _parse_for(service.disabled_reason, node_id)


@functools.lru_cache(4096)
def _parse_for(disabled_reason: str | None, node_id: str) -> Marker | None:
    # The rules read the same marker many times.
    marker = parse(disabled_reason)
    return marker if marker and marker.names(node_id) else None


def adopted(
    service: ComputeService | ComputeHost | None, patterns: Iterable[str]
) -> bool:
    """Whether someone else disabled the service, with a reason that counts as
    a marker where the host is off.

    :param patterns: shell patterns, matched with regard to case.
    """
    if service is None or service.enabled or parse(service.disabled_reason):
        return False
    reason = service.disabled_reason or ''
    return any(fnmatch.fnmatchcase(reason, pattern) for pattern in patterns)


def too_wide(pattern: str) -> bool:
    """Whether a pattern for :func:`adopted` is for no reason in particular:
    it matches one of our own markers, or that no reason was given."""
    when = datetime.datetime.fromtimestamp(0, datetime.UTC)
    samples = ['', *(reason('1', when, kind, 1) for kind in MarkerKind)]
    return any(fnmatch.fnmatchcase(sample, pattern) for sample in samples)
