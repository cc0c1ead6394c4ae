# SPDX-License-Identifier: Apache-2.0
"""For how long hosts were off, from what was recorded of them.

A host is off from when it was seen off until it was asked to power on. Of a
run that was killed there is no record: the next one has the marker that it
left, and so the time. Where neither says when a host came on, nothing is
counted: a figure is too low rather than invented.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable

from metal_drivers.compute.markers import MarkerKind
from metal_drivers.history.record import Record

_OFF, _ON = 'off', 'on'
_MARKERS = {kind.value: kind for kind in MarkerKind}


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """A host was off, between two times in seconds since 1970."""

    host: str
    zone: str
    begin: float
    end: float
    #: What it would have drawn; None: not known.
    watts: float | None
    #: Whether it was still off at the end.
    still: bool = False

    @property
    def hours(self) -> float:
        return (self.end - self.begin) / 3600

    @property
    def kwh(self) -> float | None:
        """None: not known."""
        return None if self.watts is None else self.hours * self.watts / 1000

    def within(self, begin: float, end: float) -> Span | None:
        """The part of it between two times; None: there is none."""
        begin, end = max(begin, self.begin), min(end, self.end)
        if begin >= end:
            return None
        still = self.still and end == self.end
        return Span(self.host, self.zone, begin, end, self.watts, still)


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """A host was off, and nobody knows until when."""

    host: str
    begin: float
    #: When it was on again, at the latest.
    end: float


@dataclasses.dataclass(slots=True)
class Off:
    """All hosts."""

    spans: list[Span] = dataclasses.field(default_factory=list)
    gaps: list[Gap] = dataclasses.field(default_factory=list)


def label(found: Record) -> str:
    """What a report calls the host: or its node, if it matched none."""
    return found.host or found.name or found.node


def off(records: Iterable[Record], until: float) -> Off:
    """When which host was off.

    :param records: in the order of time.
    :param until: a host that is off at the end is so until then.
    """
    result, hosts = Off(), dict[str, _Host]()
    for found in records:
        host = hosts.get(found.node)
        if host is None:
            host = hosts[found.node] = _Host(result)
        host.take(found)
    for host in hosts.values():
        host.end(until)
    return result


class _Host:
    """One host, so far."""

    def __init__(self, result: Off) -> None:
        self._result = result
        self._since: float | None = None
        self._watts: float | None = None
        self._label = self._zone = ''

    def take(self, found: Record) -> None:
        self._label = label(found)
        self._zone = found.zone or self._zone
        if found.to == _OFF:
            self._powered_off(found)
        else:
            self._powered_on(found)
        if self._watts is None or self._since is None:
            self._watts = found.watts

    def end(self, until: float) -> None:
        if self._since is not None and until > self._since:
            self._add(until, self._watts, still=True)

    def _powered_off(self, found: Record) -> None:
        when = found.when.timestamp()
        changed = _seconds(found.changed)
        if changed is not None and found.state == _OFF:
            if self._since is not None:
                # It was on before that, so somebody had powered it on.
                self._lost(found, found.began.timestamp())
            self._since, self._watts = changed, found.watts
        elif found.state == _ON and self._since is not None:
            self._lost(found, when)
        elif found.state == _OFF and self._since is None:
            self._since = _off_by_marker(found)

    def _powered_on(self, found: Record) -> None:
        when = found.when.timestamp()
        if self._since is None and found.before != _ON:
            self._since = _off_by_marker(found)
        kind = _MARKERS.get(found.marker)
        if found.changed is not None:
            self._ended(found, found.changed.timestamp())
            # What was powered on in vain draws nothing from then on.
            self._since = when if found.state == _OFF else None
        elif found.state == _ON and self._since is not None:
            if kind and kind.of_power_on and found.marker_when:
                self._ended(found, found.marker_when.timestamp())
            elif found.before == _OFF:
                # Somebody else did, in the meantime.
                self._ended(found, found.began.timestamp())
            else:
                self._lost(found, when)

    def _ended(self, found: Record, at: float) -> None:
        if self._since is not None:
            watts = found.watts if self._watts is None else self._watts
            self._add(at, watts)
        self._since = None

    def _lost(self, found: Record, at: float) -> None:
        """It came on at a time that was not recorded, unless the service
        knows."""
        since, on = self._since, _seconds(found.on_since)
        assert since is not None  # noqa: S101, the caller has looked
        if on is not None and since < on <= at:
            self._ended(found, on)
            return
        self._result.gaps.append(Gap(self._label, since, at))
        self._since = None

    def _add(
        self, end: float, watts: float | None, still: bool = False
    ) -> None:
        assert self._since is not None  # noqa: S101, the caller has looked
        # By the clocks of two machines, it may have ended before.
        end = max(end, self._since)
        self._result.spans.append(
            Span(self._label, self._zone, self._since, end, watts, still)
        )


def _seconds(when: datetime.datetime | None) -> float | None:
    return None if when is None else when.timestamp()


def _off_by_marker(found: Record) -> float | None:
    """Since when a host is off that an earlier run, of which there is no
    record, has powered off; None: not known."""
    kind = _MARKERS.get(found.marker)
    if kind is None or kind.of_power_on or found.marker_when is None:
        return None
    return found.marker_when.timestamp()
