# SPDX-License-Identifier: Apache-2.0
"""MAAS' region API as far as power and lists of machines go.

Answers as MAAS 3.4.1 and 3.7.3 do, which is recorded in maas_recordings
and replayed against this in test_maas_recordings. What no recording shows
is marked [src]: read in the source of MAAS, not measured.
"""

import email.utils
import pathlib
import time
from collections.abc import Iterable
from typing import Any

import fixtures

from metal_drivers_tests.emulators import (
    http,
    maas_api,
    maas_auth,
    maas_clock,
    maas_fleet,
    maas_handlers,
    maas_names,
    maas_state,
    maas_tls,
    messages,
)

Effect = maas_state.Effect
Machine = maas_state.Machine
Rack = maas_state.Rack
Status = maas_state.Status
User = maas_state.User
NEVER = maas_state.NEVER
carries = maas_auth.carries


class MaasEmulator(http.HttpEmulator):
    """A MAAS whose BMCs, rack and users are under control.

    There are two users: ``admin``, and ``joe``, who sees his own machines
    and those of nobody.

    :param version: ``3.4`` (power actions return at once) or ``3.7``
        (they return when the BMC has acted)
    :param machines: machines, or how many; they are deployed, on, and of
        the administrator
    :param tls: serve https, with a certificate that ``cafile`` verifies
    :param workers: how many requests are served at once (4 in MAAS
        [src]), None for no limit
    :ivar region: the rack, latencies, timeouts, the clock's skew, the
        address in the description; see :class:`.maas_state.Region`
    :ivar cafile: the path of the authority's certificate, with ``tls``
    """

    cafile: str

    def __init__(
        self,
        version: str = '3.7',
        machines: int | Iterable[Machine] = 0,
        tls: bool = False,
        workers: int | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self.region = maas_state.Region(version)
        self._tls = tls
        self._fleet = maas_fleet.Fleet()
        self._clock = maas_clock.Clock(self._hold)
        self._workers = maas_clock.Workers(self._hold, workers)
        self._auth = maas_auth.Authenticator(self.region)
        self._handlers = maas_handlers.Handlers(
            self.region, self._fleet, self._clock, self._auth
        )
        self._names = maas_names.Names(
            self.region, self._fleet.machines, self._auth
        )
        self.admin = self.add_user('admin', superuser=True)
        self.joe = self.add_user('joe')
        if isinstance(machines, int):
            for _ in range(machines):
                self.add_machine()
        else:
            for machine in machines:
                self._fleet.add(machine)

    def _setUp(self) -> None:
        if self._tls:
            self._handlers.scheme = 'https'
            folder = self.useFixture(fixtures.TempDir()).path
            self.tls, self.cafile = maas_tls.certify(pathlib.Path(folder))
        super()._setUp()

    @property
    def maas_url(self) -> str:
        """What a client is configured with: ``.../MAAS``."""
        return f'{self.url}/MAAS'

    @property
    def apikey(self) -> str:
        """The administrator's."""
        return self.admin.apikey

    # What a test controls.

    @property
    def machines(self) -> dict[str, Machine]:
        """Every machine by its system_id, as it is now."""
        self._handlers.power.settle()
        with self._fleet.lock:
            return dict(self._fleet.machines)

    def machine(self, ident: str) -> Machine:
        """A machine by its system_id or hostname, as it is now.

        :raises KeyError: there is none
        """
        machines = self.machines
        if ident in machines:
            return machines[ident]
        for machine in machines.values():
            if machine.hostname == ident:
                return machine
        raise KeyError(ident)

    def add_machine(self, **fields: Any) -> Machine:
        """Add a machine with these fields of :class:`.Machine`."""
        return self._fleet.make(**fields)

    def add_user(self, name: str, superuser: bool = False) -> User:
        """Add a user, or give one another API key."""
        user = User(name, superuser)
        self._auth.users[name] = user
        return user

    def hold(self, *idents: str) -> None:
        """Leave the next power changes of these machines (all) under way.

        On 3.7 the POST waits too, for ``region.confirm`` seconds at most.
        """
        for machine in self._named(idents):
            machine.held = True

    def release(self, *idents: str) -> None:
        """Let what is under way happen now, and hold no longer."""
        for machine in self._named(idents):
            self._handlers.power.release(machine)

    def advance(self, seconds: float) -> None:
        """Let time pass at once: for BMCs, latencies and timeouts."""
        self._clock.advance(seconds)

    def refresh(self) -> None:
        """Query every BMC, as the region does every few minutes."""
        for machine in self.machines.values():
            if machine.power_type != 'manual' and not machine.unreachable:
                machine.heard(machine.power)

    # What a test looks at.

    @property
    def actions(self) -> list[maas_state.PowerAction]:
        """Every power action that was asked for, in order."""
        with self._fleet.lock:
            return list(self._fleet.actions)

    def wait_for_actions(
        self, times: int = 1, timeout: float = http.PATIENCE
    ) -> None:
        """Return once so many power actions were taken up or refused.

        :raises TimeoutError: they were not, within ``timeout`` seconds
        """
        with self._fleet.acted:
            if not self._fleet.acted.wait_for(
                lambda: len(self._fleet.actions) >= times, timeout
            ):
                raise TimeoutError(f'{times} power actions did not come')

    def done(self, *effects: Effect) -> list[str]:
        """The system_ids of machines that met this, in order."""
        return [a.system_id for a in self.actions if a.effect in effects]

    @property
    def concurrency(self) -> int:
        """How many requests were there at once, at most."""
        return self._workers.most

    # How it answers.

    def routes(self) -> Iterable[http.Route]:
        return (*self._handlers.routes(), *self._names.routes())

    def after(
        self, request: messages.Request, reply: messages.Reply
    ) -> messages.Reply:
        # [src] Its web server tells the time, as most do.
        now = time.time() + self.region.clock_skew
        return reply.with_headers(
            ('Date', email.utils.formatdate(now, usegmt=True))
        )

    def not_found(self, request: messages.Request) -> messages.Reply:
        return maas_api.text(404, f'Unknown API endpoint: {request.path}.')

    def _respond(self, request: messages.Request) -> messages.Reply:
        # Not the base's way to freeze, which would answer anybody.
        with self._workers.one():
            return self._answer(request)

    def freeze(self) -> None:
        """Answer each list once, then with the same bytes: for benchmarks.

        Who asks is still checked.
        """
        self._handlers.frozen = {}

    def thaw(self) -> None:
        self._handlers.frozen = None

    def _hold(self, *args: Any) -> bool:
        return self._server.wait(*args)

    def _named(self, idents: Iterable[str]) -> list[Machine]:
        named = [self.machine(ident) for ident in idents]
        return named or list(self.machines.values())
