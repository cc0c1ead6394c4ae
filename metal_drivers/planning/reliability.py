# SPDX-License-Identifier: Apache-2.0
"""Hosts that may not come back: what speaks against them, and when they are
tried again."""

from __future__ import annotations

import dataclasses
import datetime

#: The longest time until a host is tried again, in seconds.
LONGEST = 86400.0


@dataclasses.dataclass(frozen=True, slots=True)
class Failures:
    """Attempts to power a host on that failed, one after the other.

    A power on that succeeds ends the count.
    """

    #: How many, from 1.
    count: int
    #: When the last of them failed, with a time zone.
    when: datetime.datetime

    def retry_at(self, interval: float) -> datetime.datetime:
        """When the host is tried again.

        :param interval: seconds after the first failure
            (``wake_retry_interval``); doubled with each further one, up to
            a day. A longer interval is kept as it is.
        """
        longest = max(interval, LONGEST)
        doublings = self.count - 1
        # 2 ** 30 s are 34 years: whoever fails that often waits the longest.
        wait = interval * 2**doublings if doublings < 30 else longest
        return self.when + datetime.timedelta(seconds=min(wait, longest))

    def __str__(self) -> str:
        times = '1 time' if self.count == 1 else f'{self.count} times'
        return f'failed to power on {times}, last at {stamp(self.when)}'


def stamp(when: datetime.datetime) -> str:
    """A time for an operator, in UTC."""
    return f'{when.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC'
