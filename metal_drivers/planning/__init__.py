# SPDX-License-Identifier: Apache-2.0
"""Which hosts to power off and on: the decision of an audit.

===============  ==========================================================
``wish``         what an audit asks for: its parameters
``planner``      asks Nova for what a decision needs beyond the lists
``groups``       the hosts that the rules of a reserve are about
``decision``     the decision itself, and its steps
``reasons``      why each host stays, goes or comes
``levels``       how many hosts are free and on, and are to be
``hosts``        a host, and what may become of it
``reliability``  hosts that may not come back
===============  ==========================================================

Only ``planner`` does I/O; nothing here needs Watcher.
"""

from metal_drivers.planning.decision import Action, Decision, Verdict
from metal_drivers.planning.planner import (
    failures_of,
    make_plan,
    needed,
    unreliable,
)
from metal_drivers.planning.wish import Rule, Wish

__all__ = [
    'Action',
    'Decision',
    'Rule',
    'Verdict',
    'Wish',
    'failures_of',
    'make_plan',
    'needed',
    'unreliable',
]
