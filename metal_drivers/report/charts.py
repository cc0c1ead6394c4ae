# SPDX-License-Identifier: Apache-2.0
"""Drawings of a report, as SVG to be put into a page."""

from __future__ import annotations

import collections
import datetime
import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib import dates, patches, path, ticker

from metal_drivers.history.record import Record
from metal_drivers.report import drawing, spans, tally

#: Columns of a strip, and strips that fit a page.
_COLUMNS = 1200
MOST_STRIPS = 60
#: Half the height of a strip, of 1 for each host.
_HALF = 0.31
#: A power change is left out that took less than that part of a column.
_SHORTEST = 60

_DAY = 86400.0

#: From when until when, in seconds since 1970, and in which row.
_Bar = tuple[float, float, int]


def hosts_off(report: tally.Report) -> str:
    """How many hosts were off at each time."""
    steps = sorted(
        change
        for span in report.spans
        for change in ((span.begin, 1), (span.end, -1))
    )
    times, counts, count = [report.since], [0], 0
    for when, change in steps:
        count += change
        if when == times[-1]:
            counts[-1] = count
        else:
            times.append(when)
            counts.append(count)
    times.append(report.until)
    counts.append(counts[-1])
    times, counts = _thinned(times, counts, report)
    with mpl.rc_context(drawing.STYLE):
        figure, axes = drawing.figure(2.5)
        at = [_when(each) for each in times]
        axes.fill_between(
            at, counts, step='post', color=drawing.OFF, alpha=0.22, linewidth=0
        )
        axes.step(at, counts, where='post', color=drawing.OFF, linewidth=1.4)
        axes.set_ylim(0, max(1, *counts) * 1.08)
        axes.yaxis.set_major_locator(
            ticker.MaxNLocator(5, integer=True, min_n_ticks=1)
        )
        _time_axis(axes, report)
        return drawing.svg(figure, 'Hosts off over time', 'hosts')


def per_day(report: tally.Report) -> str:
    """The energy of each day; host hours, where no watts are known."""
    rows = report.rows('day')
    known = any(row.metered for row in rows.values())
    at, values = [], []
    for begin in tally.days(report.since, report.until):
        row = rows.get(tally.day(begin), tally.Tally())
        at.append(_when(begin + 43200))
        values.append(row.kwh if known else row.hours)
    with mpl.rc_context(drawing.STYLE):
        figure, axes = drawing.figure(2.3)
        axes.bar(at, values, width=0.78, color=drawing.OFF, linewidth=0)
        axes.set_ylim(0, (max(values, default=0) or 1) * 1.12)
        axes.yaxis.set_major_locator(ticker.MaxNLocator(4))
        unit = 'kWh' if known else 'host hours'
        axes.set_title(unit, loc='left', fontsize=9.5, color=drawing.MUTED)
        _day_axis(axes, report)
        return drawing.svg(figure, f'{unit} saved each day', 'days')


def times_back(backs: Sequence[float]) -> str:
    """How long hosts took to come back."""
    with mpl.rc_context(drawing.STYLE):
        figure, axes = drawing.figure(2.3)
        if backs:
            bins = min(40, max(8, int(len(backs) ** 0.5)))
            axes.hist(
                backs, bins=bins, color=drawing.OFF, rwidth=0.9, linewidth=0
            )
            axes.set_ylim(0, axes.get_ylim()[1] * 1.16)
            marks = tally.Tally(backs=list(backs))
            for share, name in ((0.5, 'median'), (0.95, '95 %')):
                value = marks.back(share) or 0.0
                axes.axvline(
                    value, color=drawing.INK, linewidth=1, linestyle=':'
                )
                axes.annotate(
                    f'{name}: {value:.0f} s',
                    (value, axes.get_ylim()[1]),
                    (4, -9),
                    textcoords='offset points',
                    color=drawing.INK,
                )
        else:
            _nothing(axes, 'No host was powered on in this time.')
        axes.yaxis.set_major_locator(
            ticker.MaxNLocator(4, integer=True, min_n_ticks=1)
        )
        axes.set_title(
            'power ons', loc='left', fontsize=9.5, color=drawing.MUTED
        )
        axes.set_xlabel('seconds until nova-compute was back')
        return drawing.svg(figure, 'Times to come back', 'back')


def strips(report: tally.Report) -> tuple[str, int]:
    """On, off and in between, for each host; and how many hosts there are.

    Where there are more than fit, those that were off longest.
    """
    hours: dict[str, float] = {}
    records = collections.defaultdict(list)
    for found in report.records:
        host = spans.label(found)
        hours[host] = 0.0
        records[host].append(found)
    off = collections.defaultdict(list)
    for span in report.spans:
        hours[span.host] = hours.get(span.host, 0.0) + span.hours
        off[span.host].append((span.begin, span.end))
    chosen = sorted(hours, key=lambda host: -hours[host])[:MOST_STRIPS]
    chosen.sort()
    bars: dict[str, list[_Bar]] = collections.defaultdict(list)
    for row, host in enumerate(chosen):
        bars[drawing.ON].append((report.since, report.until, row))
        for color, runs in _runs(off[host], records[host], report):
            bars[color] += [(begin, end, row) for begin, end in runs]
    with mpl.rc_context({**drawing.STYLE, 'axes.grid': False}):
        height = 0.55 + 0.21 * max(1, len(chosen))
        figure, axes = drawing.figure(height)
        for color, found_bars in bars.items():
            # Not as a patch: the limits are set, and looking for them takes
            # longer than drawing.
            axes.add_artist(_bars(found_bars, color))
        axes.set_yticks(range(len(chosen)), chosen, color=drawing.INK)
        axes.set_ylim(max(1, len(chosen)) - 0.4, -0.6)
        axes.spines['bottom'].set_visible(False)
        if not chosen:
            _nothing(axes, 'No power change was recorded in this time.')
        _time_axis(axes, report)
        return drawing.svg(figure, 'On, off and in between', 'strips'), len(
            hours
        )


def _bars(bars: Sequence[_Bar], color: str) -> patches.PathPatch:
    """All of one colour as one shape, which is drawn at once."""
    epoch = float(dates.date2num(_when(0)))
    corners: list[tuple[float, float]] = []
    for begin, end, row in bars:
        left, right = epoch + begin / _DAY, epoch + end / _DAY
        low, high = row - _HALF, row + _HALF
        corners += [(left, low), (right, low), (right, high), (left, high)]
        corners.append((left, low))
    line = path.Path.LINETO
    codes = [path.Path.MOVETO, line, line, line, path.Path.CLOSEPOLY]
    shape = path.Path(corners, codes * len(bars))
    return patches.PathPatch(shape, facecolor=color, linewidth=0)


def _runs(
    off: list[tuple[float, float]], records: list[Record], report: tally.Report
) -> list[tuple[str, list[tuple[float, float]]]]:
    """What to draw of a host, by colour: from when until when.

    What is narrower than a column is as wide as one; power changes that were
    far shorter would cover all else then, and are left out, but for those
    that failed.
    """
    column = (report.until - report.since) / _COLUMNS
    between, failed = [], []
    for found in records:
        if found.outcome == 'refused':
            continue
        began, ended = found.began.timestamp(), found.when.timestamp()
        if _has_failed(found):
            failed.append((began, ended))
        elif found.changed and ended - began > column / _SHORTEST:
            between.append((began, ended))
    return [
        (color, _merged(parts, report.since, column))
        for color, parts in (
            (drawing.OFF, off),
            (drawing.BETWEEN, between),
            (drawing.FAILED, failed),
        )
        if parts
    ]


def _has_failed(found: Record) -> bool:
    return found.outcome in ('failed', 'timed out')


def _merged(
    parts: Sequence[tuple[float, float]], since: float, column: float
) -> list[tuple[float, float]]:
    merged: list[list[float]] = []
    for begin, end in sorted(parts):
        begin, end = max(begin, since), max(end, begin + column, since)
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([begin, end])
    return [(begin, end) for begin, end in merged]


def _thinned(
    times: list[float], counts: list[int], report: tally.Report
) -> tuple[list[float], list[int]]:
    """No more than can be seen: of each column the highest and the last."""
    if len(times) <= 2 * _COLUMNS:
        return times, counts
    width = (report.until - report.since) / _COLUMNS
    kept: dict[int, list[tuple[float, int]]] = {}
    for each in zip(times, counts, strict=True):
        column = int((each[0] - report.since) // width)
        seen = kept.setdefault(column, [each, each])
        if each[1] > seen[0][1]:
            seen[0] = each
        seen[1] = each
    points = [each for seen in kept.values() for each in sorted(set(seen))]
    return [when for when, _ in points], [count for _, count in points]


def _nothing(axes: Any, text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha='center')


def _time_axis(axes: Any, report: tally.Report) -> None:
    begin, end = report.since, max(report.until, report.since + 60)
    axes.set_xlim(_when(begin), _when(end))
    days = (end - begin) / 86400
    form = '%-d %b' if days > 4 else '%-d %b, %H:%M'
    axes.xaxis.set_major_locator(dates.AutoDateLocator(minticks=3, maxticks=8))
    axes.xaxis.set_major_formatter(
        dates.DateFormatter('%b %Y' if days > 300 else form)
    )


def _day_axis(axes: Any, report: tally.Report) -> None:
    begin = report.since // 86400
    end = -(-max(report.until, report.since + 60) // 86400)
    axes.set_xlim(_when(begin * 86400), _when(end * 86400))
    step = max(1, math.ceil((end - begin) / 10))
    axes.set_xticks(
        [
            _when((begin + day + 0.5) * 86400)
            for day in range(0, int(end - begin), step)
        ]
    )
    axes.xaxis.set_major_formatter(dates.DateFormatter('%-d %b'))


def _when(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
