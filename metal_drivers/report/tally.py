# SPDX-License-Identifier: Apache-2.0
"""What a report counts, for all or for each day, host or zone."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from metal_drivers.history.record import Record
from metal_drivers.model import Outcome
from metal_drivers.report import spans
from metal_drivers.report.spans import Gap, Span

_DAY = 86400

#: What ``--by`` takes.
BY = ('day', 'host', 'zone')
_NO_ZONE = 'unknown'

_DONE, _FAILED = Outcome.DONE.value, Outcome.FAILED.value
_TIMED_OUT = Outcome.TIMED_OUT.value


@dataclasses.dataclass(slots=True)
class Tally:
    """The sums of one row."""

    #: Hours in which hosts were off; and those of hosts of which the watts
    #: are known.
    hours: float = 0.0
    metered: float = 0.0
    kwh: float = 0.0
    #: How many transitions ended so.
    outcomes: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )
    #: Seconds from each power on until nova-compute was back.
    backs: list[float] = dataclasses.field(default_factory=list)
    #: Power ons of an action plan that were not done in time.
    late: int = 0
    #: How often each host has failed, or timed out.
    failures: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )

    def add_span(self, span: Span) -> None:
        self.hours += span.hours
        if span.kwh is not None:
            self.metered += span.hours
            self.kwh += span.kwh

    def add_record(self, found: Record) -> None:
        self.outcomes[found.outcome] += 1
        timed_out = found.outcome == _TIMED_OUT
        if timed_out or found.outcome == _FAILED:
            self.failures[spans.label(found)] += 1
        if found.to != 'on':
            return
        if found.outcome == _DONE:
            back = found.seconds.get('power_on')
            if back is not None:
                self.backs.append(back)
        elif timed_out and 'action_plan' in found.by:
            self.late += 1

    @property
    def saved(self) -> float | None:
        """kWh; None: of no host that was off the watts are known."""
        return self.kwh if self.metered or not self.hours else None

    def back(self, share: float) -> float | None:
        """Within how many seconds so many of all came back; None: none
        did."""
        if not self.backs:
            return None
        ordered = sorted(self.backs)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """All that happened between two times, in seconds since 1970."""

    since: float
    until: float
    records: Sequence[Record]
    spans: Sequence[Span]
    gaps: Sequence[Gap]

    def total(self) -> Tally:
        return self.by(lambda found: [('', found)]).get('', Tally())

    def rows(self, by: str) -> dict[str, Tally]:
        """A tally for each of ``BY``, in their order."""
        if by == 'day':
            return self.by(_days)
        if by == 'host':
            return self.by(lambda found: [(_host(found), found)])
        zones = {
            spans.label(found): found.zone
            for found in self.records
            if found.zone
        }
        return self.by(
            lambda found: [(zones.get(_host(found)) or _NO_ZONE, found)]
        )

    def by(
        self,
        parts: Callable[[Span | Record], Iterable[tuple[str, Span | Record]]],
    ) -> dict[str, Tally]:
        found: dict[str, Tally] = collections.defaultdict(Tally)
        every: Iterable[Span | Record]
        every = itertools.chain(self.spans, self.records)
        for each in every:
            for key, part in parts(each):
                if isinstance(part, Span):
                    found[key].add_span(part)
                else:
                    found[key].add_record(part)
        return dict(sorted(found.items()))


def make(
    records: Iterable[Record],
    since: datetime.datetime | None,
    until: datetime.datetime,
) -> Report:
    """:param since: by default, and at the earliest, when the first of them
    began."""
    known = [found for found in records if found.began <= until]
    end = until.timestamp()
    off = spans.off(known, end)
    begun = (found.began.timestamp() for found in known)
    been_off = (span.begin for span in off.spans)
    begin = min(itertools.chain(begun, been_off), default=end)
    if since is not None:
        begin = max(begin, since.timestamp())
    return Report(
        begin,
        end,
        [f for f in known if begin <= f.when.timestamp() <= end],
        [part for each in off.spans if (part := each.within(begin, end))],
        [gap for gap in off.gaps if gap.end >= begin],
    )


def day(when: float) -> str:
    """In UTC."""
    return _day(int(when // _DAY))


@functools.cache
def _day(number: int) -> str:
    """So many after the first of 1970."""
    when = datetime.datetime.fromtimestamp(number * _DAY, datetime.UTC)
    return when.strftime('%Y-%m-%d')


def days(begin: float, end: float) -> Iterator[float]:
    """When each day begins that is, in part, between these times."""
    at = begin // _DAY * _DAY
    while at < end:
        yield at
        at += _DAY


def _days(found: Span | Record) -> Iterator[tuple[str, Span | Record]]:
    if not isinstance(found, Span):
        yield day(found.when.timestamp()), found
        return
    for at in days(found.begin, found.end):
        if part := found.within(at, at + _DAY):
            yield day(at), part


def _host(found: Span | Record) -> str:
    return found.host if isinstance(found, Span) else spans.label(found)


def outcomes(counted: Mapping[str, int]) -> list[tuple[str, int]]:
    """How many ended in each way, all ways that there are first."""
    known = [outcome.value for outcome in Outcome]
    others = sorted(set(counted) - set(known))
    return [(name, counted.get(name, 0)) for name in (*known, *others)]
