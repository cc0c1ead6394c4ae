# SPDX-License-Identifier: Apache-2.0
"""Whose disabling of nova-compute it is.

There is no database of ours: the reason that Nova keeps with a disabled
service is the mark, and what lacks the mark is somebody else's. As in a
journal, a mark is written before anything is begun, and once more when the
host was seen to be off.
"""

from __future__ import annotations

import dataclasses
import datetime
import re

from metal_drivers.model import ComputeHost, ComputeService

_MARK = 'metal-drivers/1'

#: What Nova keeps of a reason.
_MOST = 255

_BEGUN = 'powering off to save energy'
_DONE = 'powered off to save energy'
_PATTERN = re.compile(
    re.escape(_MARK)
    + r' (?P<what>[^,]*), (?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)'
    + r', node (?P<node>.+)'
)

#: For so many seconds a mark of what was begun says that somebody may be at
#: work: a request that may switch the node off is only sent while the mark
#: is younger.
LEASE = 60.0
#: A mark that is older is renewed before such a request; what is between
#: is for the calls until then.
RENEW = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """What a reason of ours says.

    Its time is so fine that two runs do not write the same one: a mark is
    also whose run it is.
    """

    when: datetime.datetime
    #: As much of the node's id as there was room for.
    node_id: str
    #: Whether the host was not yet seen to be off.
    under_way: bool = False

    def names(self, node_id: str) -> bool:
        """Whether it is that node's."""
        return self._text(node_id) == self._text(self.node_id)

    def _text(self, node_id: str) -> str:
        return reason(node_id, self.when, under_way=self.under_way)

    def age(self, now: datetime.datetime) -> float:
        """Seconds."""
        return (now - self.when).total_seconds()

    def left(self, now: datetime.datetime, after: float = 0.0) -> float:
        """For how many seconds somebody may be at work still.

        :param after: for so many seconds after the last request the node
            may still go off.
        """
        if not self.under_way:
            return 0.0
        # A mark of the future is of a clock that is wrong.
        return max(0.0, LEASE + after - max(0.0, self.age(now)))


def reason(
    node_id: str, when: datetime.datetime, *, under_way: bool = False
) -> str:
    """The reason to disable with; within Nova's 255 characters.

    :param under_way: whether the host is yet to be seen off.
    """
    utc = when.astimezone(datetime.UTC).replace(tzinfo=None)
    at = utc.isoformat(timespec='milliseconds') + 'Z'
    what = _BEGUN if under_way else _DONE
    return f'{_MARK} {what}, {at}, node {node_id}'[:_MOST]


def parse(disabled_reason: str | None) -> Mark | None:
    """What a reason of :func:`reason` says; None: it is not ours."""
    found = _PATTERN.fullmatch(disabled_reason or '')
    if found is None:
        return None
    try:
        when = datetime.datetime.fromisoformat(found['when'])
    except ValueError:
        return None
    return Mark(
        when,
        found['node'],
        found['what'] == _BEGUN,
    )


def mark_of(service: ComputeService | ComputeHost | None) -> Mark | None:
    """Our mark, where the service is disabled and bears it."""
    if service is None or service.enabled:
        return None
    return parse(service.disabled_reason)


def ours(
    service: ComputeService | ComputeHost | None, node_id: str | None = None
) -> bool:
    """Whether the service is disabled, and that was us.

    :param node_id: and for that node: a mark with another's is of a
        machine that was there before, and not to be touched.
    """
    mark = mark_of(service)
    return mark is not None and (node_id is None or mark.names(node_id))
