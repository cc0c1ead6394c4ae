# SPDX-License-Identifier: Apache-2.0
"""What Nova's migrations and aggregates answer to."""

from typing import Any

from metal_drivers_tests.emulators import (
    messages,
    nova_api,
    nova_views,
)
from metal_drivers_tests.emulators.nova_controllers import Controller

_PAGED_MIGRATIONS = (2, 59)
# [src] Of the schema since then.
_MIGRATION_FILTERS = frozenset(
    {
        'changes-since',
        'hidden',
        'host',
        'instance_uuid',
        'limit',
        'marker',
        'migration_type',
        'source_compute',
        'status',
    }
)


class Migrations(Controller):
    """``/os-migrations``."""

    def index(self, request: messages.Request) -> messages.Reply:
        version = self._version(request)
        limit = self.nova.max_limit
        if version >= _PAGED_MIGRATIONS:
            nova_api.check_properties(request.query, _MIGRATION_FILTERS)
            limit = nova_api.limit_of(request, limit)
        self._allow('os-migrations:index')
        name, source = request.last('host'), request.last('source_compute')
        since = None
        if version >= _PAGED_MIGRATIONS:  # [src] else ignored
            since = nova_api.changes_since(request)
        if version < _PAGED_MIGRATIONS:  # later ones are left out in silence
            self._need_cells(self._hosts())
        with self.cloud.lock:
            views = [
                nova_views.migration(number, migration, version)
                for number, migration in enumerate(self.cloud.migrations, 1)
                if name in (None, migration.source, migration.destination)
                and self.cloud.hosts[migration.source].cell_answers
                # [src] `host` goes before it.
                and (name is not None or source in (None, migration.source))
                and (
                    since is None
                    # [src] One that was never updated is left out.
                    or (
                        migration.updated is not None
                        and migration.updated >= since
                    )
                )
            ]
        if version < _PAGED_MIGRATIONS:
            return messages.json_reply({'migrations': views})
        shown, links = nova_api.page(
            views,
            request,
            limit,
            lambda view, marker: view['uuid'] == marker,
            lambda view: view['uuid'],
        )
        body: dict[str, Any] = {'migrations': shown}
        if links:
            body['migrations_links'] = links
        return messages.json_reply(body)


class Aggregates(Controller):
    """``/os-aggregates``. [src] There are no pages."""

    def index(self, request: messages.Request) -> messages.Reply:
        version = self._version(request)
        self._allow('os-aggregates:index')
        with self.cloud.lock:
            views = [
                nova_views.aggregate(number, aggregate, version)
                for number, aggregate in enumerate(self.cloud.aggregates, 1)
            ]
        return messages.json_reply({'aggregates': views})
