# SPDX-License-Identifier: Apache-2.0
"""A report as one page: no network, no script."""

from __future__ import annotations

import datetime
import html
import importlib.resources
import string
from collections.abc import Iterable, Sequence

from metal_drivers.energy import Watts
from metal_drivers.report import charts, tally

#: Rows of the table of hosts that failed.
_MOST = 20


def page(
    report: tally.Report, watts: Watts, problems: Sequence[str] = ()
) -> str:
    """HTML.

    :param problems: what is wrong with the histories, a line each.
    """
    total = report.total()
    strips, hosts = charts.strips(report)
    template = importlib.resources.files(__package__).joinpath('page.html')
    return string.Template(template.read_text(encoding='utf-8')).substitute(
        since=_at(report.since),
        until=_at(report.until),
        tiles=''.join(_tiles(total, watts)),
        hosts_off=charts.hosts_off(report),
        energy='Energy' if total.metered else 'Host hours',
        per_day=charts.per_day(report),
        times_back=charts.times_back(total.backs),
        strips=strips,
        shown=_shown(hosts),
        outcomes=_table(
            ('How it ended', 'Power changes'),
            (
                (name, f'{count:,}')
                for name, count in tally.outcomes(total.outcomes)
                if count
            ),
        ),
        slowest=_slowest(report),
        failures=_failures(total),
        notes=_notes(report, total, problems),
    )


def _tiles(total: tally.Tally, watts: Watts) -> Iterable[str]:
    yield _tile(_number(total.hours), 'host hours off')
    if total.saved is not None:
        yield _tile(_number(total.saved), 'kWh saved')
        if (grams := watts.grams(total.saved)) is not None:
            yield _tile(_number(grams / 1000), 'kg of CO2 saved')
    back = total.back(0.5)
    if back is not None:
        yield _tile(f'{back:.0f} s', 'to come back (median)')
    failed = sum(total.failures.values())
    yield _tile(f'{failed:,}', 'power changes failed', failed > 0)
    yield _tile(f'{total.late:,}', 'hosts too late in a plan', total.late > 0)


def _tile(value: str, what: str, bad: bool = False) -> str:
    kind = ' class="bad"' if bad else ''
    return f'<div{kind}><b>{value}</b><span>{what}</span></div>'


def _slowest(report: tally.Report) -> str:
    rows = sorted(
        (
            (host, row)
            for host, row in report.rows('host').items()
            if row.backs
        ),
        key=lambda each: -(each[1].back(1.0) or 0.0),
    )
    if not rows:
        return '<p>No host was powered on.</p>'
    return _table(
        ('Host', 'Times', 'Median', '95 %', 'Longest'),
        (
            (
                host,
                f'{len(row.backs):,}',
                *(
                    f'{row.back(share) or 0.0:.0f} s'
                    for share in (0.5, 0.95, 1.0)
                ),
            )
            for host, row in rows[:_MOST]
        ),
    ) + _others(len(rows))


def _failures(total: tally.Tally) -> str:
    if not total.failures:
        return '<p>No host failed.</p>'
    return _table(
        ('Host', 'Failed'),
        (
            (host, f'{count:,}')
            for host, count in total.failures.most_common(_MOST)
        ),
    ) + _others(len(total.failures))


def _others(count: int) -> str:
    if count <= _MOST:
        return ''
    return (
        f'<p>The first {_MOST} of {count:,} hosts; see <code>metal-drivers '
        'report --by host</code>.</p>'
    )


def _shown(hosts: int) -> str:
    if hosts <= charts.MOST_STRIPS:
        return ''
    return (
        f' The {charts.MOST_STRIPS} of {hosts:,} hosts that were off longest.'
    )


def _notes(
    report: tally.Report, total: tally.Tally, problems: Sequence[str]
) -> str:
    notes = list(problems)
    if total.hours > total.metered + 0.05:
        notes.append(
            f'Of {total.hours - total.metered:,.0f} of {total.hours:,.0f} '
            'host hours the watts are not known: no energy is counted for '
            'them. Set [metal_drivers] idle_watts.'
        )
    if report.gaps:
        notes.append(
            f'{len(report.gaps):,} times a host was powered on at a time that '
            'was not recorded: the hours before are not counted.'
        )
    if not notes:
        return ''
    items = ''.join(f'<li>{html.escape(note)}</li>' for note in notes)
    return f'<section><h2>What is missing</h2><ul>{items}</ul></section>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = ''.join(f'<th>{html.escape(each)}</th>' for each in head)
    body = ''.join(
        '<tr>'
        + ''.join(f'<td>{html.escape(each)}</td>' for each in row)
        + '</tr>'
        for row in rows
    )
    return (
        f'<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>'
    )


def _number(value: float) -> str:
    return f'{value:,.0f}' if value >= 100 else f'{value:,.1f}'


def _at(when: float) -> str:
    return datetime.datetime.fromtimestamp(when, datetime.UTC).strftime(
        '%-d %B %Y, %H:%M'
    )
