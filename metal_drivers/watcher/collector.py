# SPDX-License-Identifier: Apache-2.0
"""Collector ``metal``: Watcher's baremetal data model, over any driver."""

from __future__ import annotations

from typing import Any

from oslo_log import log
from watcher.common import exception
from watcher.decision_engine.model import element, model_root
from watcher.decision_engine.model.collector import base
from watcher.decision_engine.scope import baremetal

from metal_drivers import exceptions
from metal_drivers.fleet import Member
from metal_drivers.model import PowerState
from metal_drivers.watcher import process

LOG = log.getLogger(__name__)

#: Ironic's words, which the model has had so far.
_WORDS = {PowerState.ON: 'power on', PowerState.OFF: 'power off'}


class MetalCollector(base.BaseClusterDataModelCollector):
    """The nodes of the bare metal service, and the hosts on them."""

    @property
    def notification_endpoints(self) -> list[Any]:
        return []

    def get_audit_scope_handler(
        self, audit_scope: Any
    ) -> baremetal.BaremetalScope:
        self._audit_scope_handler = baremetal.BaremetalScope(
            audit_scope, self.config
        )
        return self._audit_scope_handler

    def execute(self) -> model_root.BaremetalModelRoot:
        """The model, of two lists."""
        try:
            members = process.services().load().members
        except exceptions.MetalError as exc:
            LOG.error('The bare metal model cannot be built: %s', exc)
            raise exception.ClusterDataModelCollectionError(
                cdm='metal'
            ) from exc
        model = model_root.BaremetalModelRoot()
        for member in members:
            model.add_node(_element(member))
        return model


def _element(member: Member) -> element.IronicNode:
    node = member.node
    return element.IronicNode(
        uuid=node.id,
        human_id=node.name,
        power_state=_WORDS.get(node.power_state, node.power_state.value),
        maintenance=node.maintenance is not None,
        maintenance_reason=node.maintenance or '',
        extra={'compute_node_id': member.host.id} if member.host else {},
    )
