# SPDX-License-Identifier: Apache-2.0
"""The calls of an emulated MAAS."""

from collections.abc import Callable, Iterable

from metal_drivers_tests.emulators import (
    http,
    maas_api,
    maas_auth,
    maas_clock,
    maas_data,
    maas_filters,
    maas_fleet,
    maas_power,
    maas_state,
    maas_views,
    messages,
)

Machine = maas_state.Machine
User = maas_state.User

_Private = Callable[..., messages.Reply]


class Handlers:
    """What a region answers with.

    :ivar scheme: of the addresses in the description
    :ivar frozen: lists that are answered again, by target and user
    """

    def __init__(
        self,
        region: maas_state.Region,
        fleet: maas_fleet.Fleet,
        clock: maas_clock.Clock,
        auth: maas_auth.Authenticator,
    ) -> None:
        self._region = region
        self._fleet = fleet
        self._clock = clock
        self._auth = auth
        self.scheme = 'http'
        self._view = maas_views.View(region.series)
        self.power = maas_power.Power(region, fleet, clock)
        self.frozen: dict[tuple[str, str], messages.Reply] | None = None

    def routes(self) -> Iterable[http.Route]:
        root = maas_api.ROOT
        machine = f'{root}/machines/(?P<system_id>[^/]+)/'
        private = self._private
        return (
            http.route('GET', f'{root}/describe/', self._describe),
            http.route('GET', f'{root}/version/', self._version),
            http.route('GET', f'{root}/users/', private(self._whoami)),
            http.route('GET', f'{root}/machines/', self._list_or_not),
            http.route('GET', machine, private(self._get)),
            http.route('POST', machine, private(self._post)),
        )

    def _private(self, handler: _Private) -> http.Handler:
        def handle(request: messages.Request, **named: str) -> messages.Reply:
            return handler(request, self._auth.user(request), **named)

        return handle

    def _delay(self, kind: str, more: float = 0.0) -> None:
        seconds = self._region.latency.get(kind, 0.0) + more
        due = self._clock.now() + seconds
        self._clock.wait(lambda: due)

    def _describe(self, request: messages.Request) -> messages.Reply:
        self._delay('describe')
        address = self._region.advertised_url
        if address is None:
            address = f'{self.scheme}://{request.headers.get("Host", "")}'
        body = maas_data.description(self._region.series)
        return messages.Reply(
            200, body.replace(maas_data.ORIGIN.encode(), address.encode())
        )

    def _version(self, request: messages.Request) -> messages.Reply:
        self._delay('version')
        number = maas_data.VERSIONS[self._region.series]
        return maas_api.version(number if self._region.reported else 'None')

    def _whoami(self, request: messages.Request, user: User) -> messages.Reply:
        if request.last('op') != 'whoami':
            raise NotImplementedError(request.target)
        self._delay('whoami')
        return maas_api.answer(
            {
                'is_superuser': user.superuser,
                'username': user.name,
                'email': f'{user.name}@example.com',
                'is_local': True,
                'resource_uri': f'{maas_api.ROOT}/users/{user.name}/',
            }
        )

    def _list_or_not(self, request: messages.Request) -> messages.Reply:
        if not maas_auth.is_signed(request):
            # Who is nobody gets another handler, which has no list.
            return maas_api.unrecognised(request, request.last('op'))
        return self._list(request, self._auth.user(request))

    def _list(self, request: messages.Request, user: User) -> messages.Reply:
        op = request.last('op')
        if op is not None:
            return maas_api.unrecognised(request, op)
        frozen = self.frozen
        key = request.target, user.name
        if frozen is not None and key in frozen:
            self._delay('list')
            return frozen[key]
        with self._fleet.lock:
            self.power.settle()
            machines = list(self._fleet.machines.values())
        filters = maas_filters.Filters(
            request, self._region, machines, self._auth.users
        )
        with self._fleet.lock:
            shown = [m for m in machines if user.sees(m) and filters.match(m)]
        self._delay('list', self._region.machine_latency * len(shown))
        with self._fleet.lock:
            self.power.settle()
            body = self._view.machines(shown)
        reply = messages.Reply(200, body, maas_api.JSON)
        if frozen is not None:
            frozen[key] = reply
        return reply

    def _found(self, system_id: str) -> Machine:
        machine = self._fleet.machines.get(system_id)
        if machine is None:
            raise messages.Refusal(maas_api.NOT_FOUND)
        return machine

    def _get(
        self, request: messages.Request, user: User, system_id: str
    ) -> messages.Reply:
        machine = self._found(system_id)
        op = request.last('op')
        if op not in (None, 'query_power_state'):
            return maas_api.unrecognised(request, op)
        if not user.sees(machine):
            return maas_api.FORBIDDEN
        self._delay('machine' if op is None else 'query')
        if op is not None:
            return self.power.query(machine)
        with self._fleet.lock:
            machine.settle(self._clock.now())
            body = self._view.machine(machine)
        return messages.Reply(200, body, maas_api.JSON)

    def _post(
        self, request: messages.Request, user: User, system_id: str
    ) -> messages.Reply:
        machine = self._found(system_id)
        op = request.last('op')
        if op not in ('power_on', 'power_off'):
            return maas_api.unrecognised(request, op)
        self._delay('power')
        fields = maas_api.fields(request)
        return self.power.change(
            machine,
            maas_power.Asked(
                op, user, fields.get('comment'), fields.get('stop_mode')
            ),
        )
