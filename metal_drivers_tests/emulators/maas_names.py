# SPDX-License-Identifier: Apache-2.0
"""The lists of what machines are sorted by: tags, zones, resource pools.

That there are these calls is recorded, in the description of the API; what
they answer is [src], of MAAS' handlers. Zones and pools are in machines
too, whose form is recorded.
"""

from collections.abc import Callable, Iterable, Mapping

from metal_drivers_tests.emulators import (
    http,
    maas_api,
    maas_auth,
    maas_state,
    messages,
)


class Names:
    """What there is: what the region has, and what machines have."""

    def __init__(
        self,
        region: maas_state.Region,
        machines: Mapping[str, maas_state.Machine],
        auth: maas_auth.Authenticator,
    ) -> None:
        self._region = region
        self._machines = machines
        self._auth = auth

    def routes(self) -> Iterable[http.Route]:
        return (
            self._route('tags', self._tags),
            self._route('zones', self._zones),
            self._route('resourcepools', self._pools),
        )

    def _route(
        self, path: str, listed: Callable[[], Iterable[object]]
    ) -> http.Route:
        def handle(request: messages.Request) -> messages.Reply:
            self._auth.user(request)
            op = request.last('op')
            if op is not None:
                return maas_api.unrecognised(request, op)
            return maas_api.answer(list(listed()))

        return http.route('GET', f'{maas_api.ROOT}/{path}/', handle)

    def _tags(self) -> Iterable[object]:
        tags = {tag for each in self._all() for tag in each.tags}
        for name in sorted(self._region.tags | tags):
            yield {
                'name': name,
                'definition': '',
                'comment': '',
                'kernel_opts': '',
                'resource_uri': f'{maas_api.ROOT}/tags/{name}/',
            }

    def _zones(self) -> Iterable[object]:
        zones = self._region.zones | {each.zone for each in self._all()}
        for number, name in enumerate(sorted(zones), 1):
            yield {
                'name': name,
                'description': '',
                'id': number,
                'resource_uri': f'{maas_api.ROOT}/zones/{name}/',
            }

    def _pools(self) -> Iterable[object]:
        pools = self._region.pools | {each.pool for each in self._all()}
        for number, name in enumerate(sorted(pools), 1):
            yield {
                'name': name,
                'description': '',
                'id': number,
                'resource_uri': f'{maas_api.ROOT}/resourcepool/{number}/',
            }

    def _all(self) -> Iterable[maas_state.Machine]:
        return list(self._machines.values())
