# SPDX-License-Identifier: Apache-2.0
"""Servers by their Redfish BMCs, where there is neither Ironic nor MAAS."""

import functools
import threading
import time

from oslo_config import cfg

import metal_drivers as m
from metal_drivers_redfish import inventory

_HARD, _SOFT = m.OffMode.HARD, m.OffMode.SOFT


class RedfishDriver(m.MetalDriver):
    """Each BMC is asked in a thread of its own, and waited for no longer
    than its time: none holds up another."""

    contract, priority = (1, 0), 60
    required_options = ('inventory_file', 'credentials_file')
    capabilities = frozenset(
        {m.Capability.FIND, m.Capability.LIVE_QUERY, m.Capability.SOFT_OFF}
    )

    @classmethod
    def get_config_opts(cls):
        return [
            cfg.StrOpt('inventory_file', help='YAML: which server is where.'),
            cfg.StrOpt('credentials_file', help='YAML: the users of BMCs.'),
            cfg.IntOpt('timeout', default=20, min=1, help='Seconds per BMC.'),
            cfg.StrOpt('cafile', help='The CAs of the certificates of BMCs.'),
            cfg.BoolOpt('insecure', default=False, help='Trust any BMC.'),
        ]

    @functools.cached_property
    def _servers(self):
        from metal_drivers_redfish import server

        entries = inventory.read(self.config).items()
        return {k: server.Server(k, v, self.config) for k, v in entries}

    def list_nodes(self):
        answers = self._ask(self._servers)
        if all(error for _, error in answers):
            raise answers[0][1]
        return [node for node, _ in answers]

    def find_nodes(self, ref):
        nodes = [server.node() for server in self._servers.values()]
        found = [node.id for node in m.named(nodes, ref)]
        return [node for node, _ in self._ask(found)]

    def get_node(self, node_id, reset=None):
        for node, error in self._ask([node_id], reset):
            if error:
                raise error
            return node
        raise m.NotFoundError(f'Redfish: no {node_id!r} in the inventory_file')

    def get_power_states(self, node_ids):
        unknown = dict.fromkeys(node_ids, m.PowerState.UNKNOWN)
        found = self._ask(unknown)
        return unknown | {node.id: node.power_state for node, _ in found}

    def set_power_state(self, node_id, state, mode=_HARD, timeout=None):
        off = 'GracefulShutdown' if mode is _SOFT else 'ForceOff'
        self.get_node(node_id, 'On' if state is m.PowerState.ON else off)

    def check(self):
        found = super().check()
        if found[0].status is m.CheckStatus.OK:
            for node, error in self._ask(self._servers):
                if error:
                    status, said = m.CheckStatus.WARNING, str(error)
                    found.append(m.CheckResult(node.name, status, said))
        return found

    def close(self):
        for server in vars(self).pop('_servers', {}).values():
            server.close()

    def _ask(self, hosts, reset=None):
        """Each node, and None or why it is not known."""
        servers = [self._servers[h] for h in hosts if h in self._servers]
        seconds = self.config['timeout']
        late = m.TimedOutError, f'no reply within {seconds} s'
        answers = {server: server.failed(*late) for server in servers}
        args, threads = (reset, answers, time.monotonic() + seconds), []
        for server in servers:
            job = threading.Thread(target=server.ask, args=args, daemon=True)
            job.start()
            threads.append(job)
        for job in threads:
            job.join(max(0, args[-1] - time.monotonic()))
        found = list(answers.values())
        denied = [isinstance(e, m.AuthenticationError) for _, e in found]
        if found and all(denied):
            raise found[0][1]
        return found
