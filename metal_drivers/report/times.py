# SPDX-License-Identifier: Apache-2.0
"""Times as operators give them."""

from __future__ import annotations

import datetime
import re

from metal_drivers import exceptions

_UNITS = {'min': 60, 'h': 3600, 'd': 86400, 'w': 7 * 86400}
_AGO = re.compile(r'(\d{1,6}(?:\.\d+)?) ?(min|h|d|w)')


def parse(text: str, option: str, now: datetime.datetime) -> datetime.datetime:
    """``30d``: so long ago; ``2026-11-01``, ``2026-11-01T08:00``, with or
    without a zone: that time, by default in UTC; ``now``.

    :raises ConfigurationError: it is none of these.
    """
    given = text.strip()
    if given == 'now':
        return now
    try:
        if found := _AGO.fullmatch(given):
            seconds = float(found[1]) * _UNITS[found[2]]
            return now - datetime.timedelta(seconds=seconds)
        when = datetime.datetime.fromisoformat(given)
    except (ValueError, OverflowError):
        raise exceptions.ConfigurationError(
            f'{option} {text!r} is not a time',
            cure='Give how long ago it was, such as 30d, 12h or 90min, or a '
            'date and time in UTC, such as 2026-11-01 or 2026-11-01T08:00.',
        ) from None
    return when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
