# SPDX-License-Identifier: Apache-2.0
"""The transitions that were asked for: one after the other, a result for
each, and no failure of one that stops another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from oslo_log import log

from metal_drivers import base, compute, exceptions
from metal_drivers.fleet import Fleet, Member
from metal_drivers.model import Outcome, PowerResult, PowerState
from metal_drivers.power import events, off, on, transition
from metal_drivers.power.clock import Clock
from metal_drivers.power.settings import PowerSettings

LOG = log.getLogger(__name__)

_KINDS: dict[PowerState, type[transition.Transition]] = {
    PowerState.OFF: off.PowerOff,
    PowerState.ON: on.PowerOn,
}


class PowerEngine:
    """Switches nodes of one bare metal service.

    :param nova: None where Nova is not configured.
    :param watch: told of each step.
    """

    def __init__(
        self,
        driver: base.MetalDriver,
        nova: compute.Compute | None,
        settings: PowerSettings,
        *,
        clock: Clock | None = None,
        watch: events.Watcher = lambda event: None,
    ) -> None:
        self._tools = transition.Tools(
            driver, nova, settings, clock or Clock(), watch
        )

    def switch(
        self, fleet: Fleet, refs: Iterable[str], state: PowerState
    ) -> Iterator[PowerResult]:
        """Switch every node that is named, in that order.

        A node that is named twice is switched once.

        :param refs: ids, node names or host names.
        """
        done: set[str] = set()
        for ref in dict.fromkeys(refs):
            try:
                member = fleet.find(ref)
            except exceptions.RefusedError as exc:
                yield PowerResult(ref, ref, Outcome.REFUSED, str(exc))
                continue
            except exceptions.NotFoundError as exc:
                yield PowerResult(ref, ref, Outcome.FAILED, str(exc))
                continue
            if member.node.id not in done:
                done.add(member.node.id)
                yield self.switch_one(member, state)

    def switch_one(self, member: Member, state: PowerState) -> PowerResult:
        """Take one node to ``ON`` or ``OFF``; an error is a result."""
        if state not in _KINDS:
            raise ValueError(f'a node cannot be switched {state.value}')
        try:
            outcome, detail = _KINDS[state](self._tools, member).run()
        except (transition.Ended, exceptions.MetalError) as exc:
            end = transition.ended(exc)
            outcome, detail = end.outcome, end.detail
        except Exception as exc:
            # A driver of others may break its contract. What it says may
            # hold a secret: it goes no further than a debugging log.
            LOG.debug('%s', member.label, exc_info=True)
            outcome = Outcome.FAILED
            detail = (
                f'{type(exc).__name__}, which a driver must not raise; see '
                'the log with --debug, and tell the author of the driver'
            )
        return PowerResult(member.node.id, member.label, outcome, detail)
