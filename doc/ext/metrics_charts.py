# SPDX-License-Identifier: Apache-2.0
"""Drawings of what the exporter reports over a night."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib import dates, ticker

from metal_drivers.report import drawing
from metal_drivers_tests.unit import night

Times = list[datetime.datetime]
Values = Sequence[float]


def _steps(*sums: dict[datetime.datetime, float]) -> tuple[Times, Any]:
    """The times at which one of them changes, and the last; and the values
    of each at these."""
    rows = {when: tuple(each[when] for each in sums) for when in sums[0]}
    former: tuple[float, ...] | None = None
    kept = []
    for when, row in rows.items():
        if row != former:
            kept.append(when)
        former = row
    kept.append(max(rows))
    return kept, list(zip(*(rows[when] for when in kept), strict=True))


def hosts(found: night.Found) -> str:
    """By power state, and by who disabled nova-compute."""
    times, (on, changing, off, failed) = _steps(
        found.sum('hosts', power_state='on', disabled_by='nobody'),
        found.sum('hosts', power_state='on', disabled_by='metal-drivers'),
        found.sum('hosts', power_state='off', disabled_by='metal-drivers'),
        found.sum('host_power_on_failures'),
    )
    with mpl.rc_context(drawing.STYLE):
        figure, axes = drawing.figure(2.6)
        axes.stackplot(
            times,
            on,
            changing,
            off,
            step='post',
            colors=[drawing.ON, drawing.BETWEEN, drawing.OFF],
            linewidth=0,
        )
        # Where there is none, Prometheus has no line either.
        shown = [each or math.nan for each in failed]
        _line(axes, times, shown, drawing.FAILED)
        middle = times[0] + (times[-1] - times[0]) / 2
        for when, height, text, color in (
            (middle, 2, 'on', drawing.INK),
            (middle, 8.5, 'off by metal-drivers', 'white'),
            (times[-1], max(failed), 'failed to power on ', drawing.FAILED),
        ):
            right = when == times[-1]
            axes.text(
                *(when, height + 0.3, text),
                color=color,
                ha='right' if right else 'center',
            )
        _axes(axes, times, night.HOSTS)
        return drawing.svg(figure, 'Hosts by power state', 'night-hosts')


def saved(found: night.Found) -> str:
    """Watts."""
    times, (watts,) = _steps(found.sum('saved_power_watts'))
    with mpl.rc_context(drawing.STYLE):
        figure, axes = drawing.figure(1.9)
        axes.fill_between(
            times,
            watts,
            step='post',
            color=drawing.OFF,
            alpha=0.22,
            linewidth=0,
        )
        _line(axes, times, watts, drawing.OFF)
        axes.set_title('W', loc='left', fontsize=9.5, color=drawing.MUTED)
        _axes(axes, times, max(watts))
        return drawing.svg(figure, 'Saved power in watts', 'night-saved')


def reserve(found: night.Found) -> str:
    """Hosts free and on, and wanted."""
    times, (ready, wanted) = _steps(
        found.sum('reserve_hosts_ready'), found.sum('reserve_hosts_wanted')
    )
    with mpl.rc_context(drawing.STYLE):
        figure, axes = drawing.figure(1.9)
        _line(axes, times, ready, drawing.OFF)
        _line(axes, times, wanted, drawing.INK, linestyle=':')
        _axes(axes, times, max(ready))
        return drawing.svg(figure, 'Hosts free and on', 'night-reserve')


def _line(
    axes: Any, times: Times, values: Values, color: str, **style: str
) -> None:
    axes.step(times, values, where='post', color=color, linewidth=1.5, **style)


def _axes(axes: Any, times: Times, most: float) -> None:
    axes.set_xlim(times[0], times[-1])
    axes.set_ylim(0, most * 1.06)
    axes.yaxis.set_major_locator(ticker.MaxNLocator(4, integer=True))
    axes.xaxis.set_major_locator(dates.HourLocator(range(0, 24, 2)))
    axes.xaxis.set_major_formatter(dates.DateFormatter('%H:%M'))


#: By the name that the directive takes.
DRAW = {'hosts': hosts, 'saved': saved, 'reserve': reserve}
