# SPDX-License-Identifier: Apache-2.0
"""Which audit and which action plan an action is of, for the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oslo_log import log
from watcher import objects
from watcher.common import context

LOG = log.getLogger(__name__)


def of(action_type: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """``audit``, ``action_plan`` and ``action``, as far as is known.

    Watcher does not give an action its own record: it is the one that is
    under way with these parameters.
    """
    by = {'command': 'watcher-applier'}
    try:
        found = _action(action_type, parameters)
        if found is not None:
            plan = objects.ActionPlan.get_by_id(
                context.make_context(), found.action_plan_id, eager=True
            )
            by |= {'action': found.uuid, 'action_plan': plan.uuid}
            by['audit'] = plan.audit.uuid
    except Exception as exc:
        # It is only for the history. Its message may hold the URL of the
        # database.
        LOG.warning(
            'The history will not tell of which action plan the power change '
            "of %s is: Watcher's database was asked, and raised %s",
            parameters.get('resource_id'),
            type(exc).__name__,
        )
    return by


def _action(action_type: str, parameters: Mapping[str, Any]) -> Any:
    ongoing = objects.Action.list(
        context.make_context(),
        filters={'state': objects.action.State.ONGOING},
    )
    for found in ongoing:
        if found.action_type == action_type and (
            found.input_parameters == parameters
        ):
            return found
    return None
