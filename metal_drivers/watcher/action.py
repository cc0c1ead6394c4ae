# SPDX-License-Identifier: Apache-2.0
"""Action ``metal_power_state``: power one host on or off, safely."""

from __future__ import annotations

import threading
from typing import Any

from watcher.applier.actions import base
from watcher.common import exception

from metal_drivers import exceptions
from metal_drivers.fleet import Member
from metal_drivers.model import Outcome, PowerResult, PowerState
from metal_drivers.power import PowerEngine
from metal_drivers.watcher import errors, origin, process

ACTION = 'metal_power_state'

_OPPOSITE = {
    PowerState.ON: PowerState.OFF,
    PowerState.OFF: PowerState.ON,
}


class MetalPowerState(base.BaseAction):
    """Power a compute host on or off through its bare metal service.

    ``resource_id`` is the node's id, ``resource_name`` the host that runs
    on it, ``state`` is ``on`` or ``off``. Off disables nova-compute,
    checks that no server is on the host, and is done when the power is
    off. On is done when nova-compute is up and, if metal-drivers disabled
    it, enabled. The engine logs each step.
    """

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        #: How :meth:`execute` has ended; None: it has not, in this process.
        self._outcome: Outcome | None = None
        self._engine: PowerEngine | None = None
        self._ended = threading.Event()

    @property
    def schema(self) -> dict[str, Any]:
        return {
            'type': 'object',
            'properties': {
                'resource_id': {'type': 'string', 'minLength': 1},
                'resource_name': {'type': 'string', 'minLength': 1},
                'state': {'type': 'string', 'enum': ['on', 'off']},
            },
            'required': ['resource_id', 'state'],
            'additionalProperties': False,
        }

    @property
    def state(self) -> PowerState:
        return PowerState(self.input_parameters['state'])

    def get_description(self) -> str:
        return 'Power a compute host on or off through a bare metal driver.'

    def pre_condition(self) -> None:
        """Check that the node still runs that host.

        :raises ActionSkipped: it is in that state already.
        """
        with errors.told():
            services = process.services()
            member = self._member(services)
            node = member.node
            if not node.settled or node.power_state is not self.state:
                return
            if self.state is PowerState.ON and services.unfinished(member):
                return
        raise exception.ActionSkipped(
            errors.shorten(f'{member.label} is already {self.state.value}')
        )

    def execute(self) -> bool:
        """Returns True once it is so.

        :raises MetalFailure: it is not; the message says why.
        """
        try:
            result = self._switch(self.state)
            self._outcome = result.outcome
        finally:
            self._ended.set()
        return errors.good(result, self.state)

    def post_condition(self) -> None:
        """:meth:`execute` has seen it."""

    def revert(self) -> bool:
        """Undo what :meth:`execute` did, if it did anything.

        A host with servers remains on, as always.
        """
        if self._outcome in (Outcome.ALREADY, Outcome.REFUSED):
            return True
        state = _OPPOSITE[self.state]
        return errors.good(self._switch(state), state)

    def check_abort(self) -> bool:
        return True

    def abort(self) -> bool:
        """Wake :meth:`execute`, which gives the host back as far as that
        can be done; False where it was through before.
        """
        if self._engine is not None:
            self._engine.cancel()
            self._ended.wait()
        return self._outcome is None or not self._outcome.good

    def _switch(self, state: PowerState) -> PowerResult:
        with errors.told():
            services = process.services()
            member = self._member(services)
            self._engine = services.engine(
                lambda: origin.of(ACTION, self.input_parameters)
            )
        return self._engine.switch_one(member, state)

    def _member(self, services: process.Services) -> Member:
        member = services.member(self.resource_id)
        name = self.input_parameters.get('resource_name')
        if name and member.host and name not in member.names:
            raise exceptions.RefusedError(
                f'Node {member.node.id} runs host {member.host.name}, not '
                f'{name}',
                cure='Make a new audit.',
            )
        return member
