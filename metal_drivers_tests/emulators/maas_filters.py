# SPDX-License-Identifier: Apache-2.0
"""The filters of ``GET /machines/``.

Which there are, that they are repeatable and what is refused is measured;
the texts of the refusals are [src], of MAAS' ReadNodesForm.
"""

import re
from collections.abc import Collection, Sequence

from metal_drivers_tests.emulators import maas_api, maas_state, messages

# MAAS has these too; an emulator that ignored them would mislead.
_NOT_EMULATED = re.compile(
    'mac_address|(not_)?agent_name|(not_)?arch|cpu_(count|speed)|mem'
    '|(not_)?(pod|pod_type|fabrics|fabric_classes|subnets|vlans)|devices'
    '|link_speed|storage|interfaces|not_(in_zone|in_pool|id|hostname|domain'
    '|owner|status|power_state|system_id)|(not_)?simple_status'
    '|(not_)?deployment_target'
)
_POWER_STATES = ('on', 'off', 'unknown', 'error')
# Where it is measured what an empty value is: refused as any that is not
# known, or the name of no machine.
_MAY_BE_EMPTY = frozenset({'pool', 'status', 'power_state', 'hostname'})


class Filters:
    """What a list is asked for.

    :param users: the names of all users, owners of nothing too
    :raises Refusal: a filter or a value that MAAS does not know
    """

    def __init__(
        self,
        request: messages.Request,
        region: maas_state.Region,
        machines: Collection[maas_state.Machine],
        users: Collection[str],
    ) -> None:
        self._wanted = {
            name: list(values)
            for name, values in request.query.items()
            if name != 'op'
        }
        for name in ('tags', 'zone', 'pool', 'owner', 'status'):
            self._wanted.setdefault(name, [])
        # MAAS' way of old: one parameter with many tags.
        self._wanted['tags'] = re.findall(
            r'[^\s,]+', ' '.join(self._wanted['tags'])
        )
        self._errors: dict[str, list[str]] = {}
        self._check_names(request)
        tags = {tag for machine in machines for tag in machine.tags}
        self._check('tags', region.tags | tags, 'No such tag(s): {}.', True)
        zones = region.zones | {machine.zone for machine in machines}
        self._check('zone', zones, 'No such zone(s): {}.')
        pools = region.pools | {machine.pool for machine in machines}
        self._check('pool', pools, 'No such pool(s): {}.')
        self._check('owner', users, "No such owner: '{}'.")
        choice = (
            'Select a valid choice. {} is not one of the available choices.'
        )
        statuses = [status.name.lower() for status in maas_state.Status]
        self._check('status', statuses, choice)
        self._check('power_state', _POWER_STATES, choice)
        if self._errors:
            raise messages.Refusal(maas_api.invalid(self._errors))

    def match(self, machine: maas_state.Machine) -> bool:
        tags = set(machine.tags)
        if not tags.issuperset(self._wanted['tags']):
            return False
        if not tags.isdisjoint(self._wanted.get('not_tags', ())):
            return False
        own = {
            'id': machine.system_id,
            'hostname': machine.hostname,
            'domain': machine.domain,
            'zone': machine.zone,
            'pool': machine.pool,
            'owner': machine.owner,
            'status': machine.status.name.lower(),
            'power_state': machine.cached,
        }
        return all(
            value in self._wanted[name]
            for name, value in own.items()
            if self._wanted.get(name)
        )

    def _check_names(self, request: messages.Request) -> None:
        known = {
            *('id', 'hostname', 'domain', 'zone', 'pool', 'tags'),
            *('not_tags', 'owner', 'status', 'power_state', 'op'),
        }
        for name, values in request.query.items():
            if name in known:
                if '' in values and name not in _MAY_BE_EMPTY:
                    raise NotImplementedError(
                        f'the filter {name} without a value'
                    )
                continue
            if _NOT_EMULATED.fullmatch(name):
                raise NotImplementedError(f'the filter {name}')
            self._errors[name] = ['No such constraint.']

    def _check(
        self,
        name: str,
        known: Collection[str],
        message: str,
        quoted: bool = False,
    ) -> None:
        wanted: Sequence[str] = self._wanted.get(name, [])
        unknown = sorted(set(wanted).difference(known))
        if unknown:
            names = [repr(n) if quoted else n for n in unknown]
            self._errors[name] = [message.format(', '.join(names))]
