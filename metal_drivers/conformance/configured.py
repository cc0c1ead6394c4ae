# SPDX-License-Identifier: Apache-2.0
"""The hooks that a configuration gives, for a service as it is deployed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from oslo_config import cfg, types

from metal_drivers import base, redaction
from metal_drivers._openstack import auth
from metal_drivers._openstack.groups import OptionValues
from metal_drivers.conformance.hooks import Hooks
from metal_drivers.conformance.rules import NotTried
from metal_drivers.model import Node

#: Where nobody listens: a port that only root may take.
_NOWHERE = '127.0.0.1:1'

_URL = re.compile(r'^(https?)://[^/]+')

_UUID = re.compile('[0-9A-Fa-f]{8}[0-9A-Fa-f-]*')

#: Seconds that a service is given that never answers.
SHORTEST_TIMEOUT = 1.0

#: Secrets that are shorter are found by chance.
_SHORTEST = 4


class Configured(Hooks):
    """A driver as it is configured.

    :param driver: ready to use, bare.
    :param values: its options.
    :param permit: see :meth:`Hooks.permit`.
    """

    tries = 3
    # A pool of connections mostly has ten.
    most_threads = 9
    most_nodes = 5

    def __init__(
        self,
        driver: base.MetalDriver,
        values: Mapping[str, Any],
        *,
        permit: Callable[[str], None] = lambda node_id: None,
    ) -> None:
        self._driver, self._values = driver, values
        self._permit = permit
        self._node_id: str | None = None
        self.secrets = sorted(_secrets(driver, values))

    def learn(self) -> None:
        """Learn what an id looks like, from the first node there is.

        :raises MetalError: the service cannot be used.
        """
        for node in self._driver.list_nodes()[:1]:
            self.know(node.id)

    def know(self, known_id: str) -> None:
        """Learn what an id looks like."""
        self.unknown_id = _unlike(known_id)

    def may_switch(self, node_id: str) -> None:
        """Have this be the node that may be powered off."""
        self._node_id = node_id

    def create_driver(self) -> base.MetalDriver:
        return self._driver

    def config(self) -> Mapping[str, Any]:
        return self._values

    def switchable_node(self) -> Node:
        if self._node_id is None:
            raise NotTried('no node may be powered off')
        return self._driver.get_node(self._node_id)

    def create_unreachable_driver(self) -> base.MetalDriver:
        return self._elsewhere(_NOWHERE)

    def create_silent_driver(self, address: str) -> base.MetalDriver:
        return self._elsewhere(address, _short_timeouts(type(self._driver)))

    def permit(self, node_id: str) -> None:
        self._permit(node_id)

    def _elsewhere(
        self, address: str, changed: Mapping[str, Any] | None = None
    ) -> base.MetalDriver:
        """A driver whose URLs lead to that address.

        :raises NotTried: no option is a URL.
        """
        moved = {
            name: _URL.sub(f'http://{address}', value)
            for name, value in self._values.items()
            if isinstance(value, str) and _URL.match(value)
        }
        if not moved:
            raise NotTried('no option of the driver has a URL')
        values = OptionValues({**self._values, **moved, **(changed or {})})
        osc = getattr(self._driver, 'osc', None)
        return type(self._driver)(values, osc=osc)


def _secrets(driver: base.MetalDriver, values: Mapping[str, Any]) -> set[str]:
    """What must not be seen of the configuration.

    Not what is the value of an open option as well: it cannot be told
    apart.
    """
    kind = type(driver)
    options: list[cfg.Opt] = [
        *base.options_of(kind),
        *auth.secret_options(values.get('auth_type')),
    ]
    found = redaction.secrets_of(options, values)
    found |= set(getattr(getattr(driver, 'osc', None), 'secrets', ()))
    open_values = {
        str(values.get(opt.dest)) for opt in options if not opt.secret
    }
    return {each for each in found - open_values if len(each) >= _SHORTEST}


def _short_timeouts(kind: type[base.MetalDriver]) -> dict[str, Any]:
    """A short value for each time-out among the options."""
    return {
        opt.dest: SHORTEST_TIMEOUT
        for opt in base.options_of(kind)
        if 'timeout' in opt.dest
        and isinstance(opt.type, types.Integer | types.Float)
    }


def _unlike(known: str) -> str:
    """An id of the same form that is that of no node."""
    if not re.search('[A-Za-z]', known):
        # Small numbers are those of other nodes.
        return re.sub('[0-9]', '9', known) + '99999999'
    if _UUID.fullmatch(known):  # it has no letter z
        return re.sub('[0-9A-Fa-f]', '0', known[:-1]) + (
            '1' if known[-1] != '1' else '2'
        )
    changed = re.sub('[A-Za-z]', 'z', re.sub('[0-9]', '0', known))
    return changed if changed != known else f'{known}0'
