# SPDX-License-Identifier: Apache-2.0
"""What a run that was killed has left, told from the services alone."""

from __future__ import annotations

from metal_drivers.fleet import Fleet, Member
from metal_drivers.model import Outcome, PowerResult, PowerState
from metal_drivers.power import guards, ownership
from metal_drivers.power.ends import Ended
from metal_drivers.power.on import PowerOn


def left_behind(fleet: Fleet) -> list[Member]:
    """The hosts whose nova-compute bears a mark of ours."""
    return [
        member
        for member in fleet.members
        if ownership.mark_of(member.host) is not None
    ]


def lost(fleet: Fleet) -> list[PowerResult]:
    """A result for each host that bears a mark of ours, and of which it is
    not known which node it runs on."""
    known = {member.host.id for member in fleet.members if member.host}
    return [
        PowerResult(
            host.name,
            host.name,
            Outcome.REFUSED,
            f'nova-compute was disabled by us for node {mark.node_id}, and no '
            'node matches the host now; see `metal-drivers node list`. Mend '
            'that, or enable it by hand',
        )
        for host in fleet.hosts
        if host.id not in known and (mark := ownership.mark_of(host))
    ]


class Recovery(PowerOn):
    """Gives a host back that is on, and leaves one that is off.

    Sends no request for power, and enables only what bears our mark for
    this very node, once nobody can be at work on it any more.
    """

    def run(self) -> tuple[Outcome, str]:
        service = self.get_service()
        mark = ownership.mark_of(service)
        if service is None or mark is None:
            return Outcome.ALREADY, 'nova-compute is not disabled by us'
        if not mark.names(self.member.node.id):
            raise Ended(
                Outcome.REFUSED,
                f'nova-compute on {self.host} was disabled by us for node '
                f'{mark.node_id}, which is not the one there now. Enable it '
                'by hand, if the host is to be used',
            )
        self.look_at_both(self.settings.power_off_timeout)
        mark, node = self._marked, self.member.node
        if mark is None:
            return Outcome.ALREADY, 'others took nova-compute meanwhile'
        since = f'{mark.when:%Y-%m-%d %H:%M:%S} UTC'
        if node.power_state is PowerState.OFF:
            if mark.kind is ownership.MarkKind.POWERING_ON:
                return Outcome.ALREADY, f'off; powering it on began {since}'
            return Outcome.ALREADY, f'switched off by us since {since}'
        if node.power_state is not PowerState.ON:
            fault = f' ({node.fault})' if node.fault else ''
            raise Ended(
                Outcome.REFUSED,
                f'its power state is {node.power_state.value}{fault}: '
                'nova-compute stays disabled until that is known',
            )
        wish = guards.Wish(self.member, self.target, self.settings)
        reason = guards.refusal(wish, guards.ENABLING)
        if reason:
            raise Ended(
                Outcome.REFUSED, f'on; nova-compute stays disabled: {reason}'
            )
        left = self.other(mark).effective.left
        if left and not self.settings.dry_run:
            raise Ended(
                Outcome.REFUSED,
                f'a run that began {mark.kind.work} {since} may be at work '
                f'on it for {left:.0f} s yet; try again then'
                f'{self._may_shut_down(mark)}',
            )
        if self.settings.dry_run:
            return Outcome.PLANNED, 'on; would enable nova-compute'
        return Outcome.DONE, self._bring_back()
