# SPDX-License-Identifier: Apache-2.0
"""What is read of the sections that are Watcher's own."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from oslo_config import cfg

from metal_drivers import conf, exceptions, redaction, sources
from metal_drivers._openstack import auth, groups
from metal_drivers.doctor import ours
from metal_drivers.doctor.model import Finding, Place, ok

#: All of which something is read.
SECTIONS = ours.WATCHERS | set(conf.FORMER_GROUPS.values())
#: Those with credentials. What others have is shown as an option of ours.
_GROUPS = (groups.NOVA_GROUP, groups.CREDENTIALS_GROUP)


def options(config: cfg.ConfigOpts, group: str) -> Sequence[cfg.Opt]:
    """What may be set for its ``auth_type``; empty: not a group for which
    that is known."""
    if group not in _GROUPS:
        return ()
    common = auth.auth_options()
    try:
        kind = groups.peek(config, group, [cfg.StrOpt('auth_type')]).auth_type
    except exceptions.ConfigurationError:
        kind = None
    plugin = auth.plugin_options(kind) if kind else []
    if plugin:
        names = ('auth_type', 'auth_section')
        common = (*(opt for opt in common if opt.dest in names), *plugin)
    return (*common, *_of_requests(group))


def is_known(group: str, name: str) -> bool:
    """Whether it is an option there for any ``auth_type``."""
    return (group, name) in _names(group)


def values(place: Place) -> Iterator[Finding]:
    """Each of these options that a file sets: its value, and where that is
    from. What only Watcher reads is not among them."""
    written = {(each.group, each.name) for each in place.settings}
    for group in _GROUPS:
        for opt in options(place.config, group):
            if written.isdisjoint(sources.names_of(group, opt)):
                continue
            found = groups.written(place.config, group, opt)
            if found is not None:
                value, where = found
                yield ok(
                    f'[{group}] {opt.dest}',
                    f'{redaction.shown(opt, value)}, from {where}',
                )


def _of_requests(group: str) -> tuple[cfg.Opt, ...]:
    """Those that do not depend on the ``auth_type``."""
    if group == groups.NOVA_GROUP:
        return groups.nova_options()
    return auth.session_options()


@functools.cache
def _names(group: str) -> frozenset[tuple[str, str]]:
    return frozenset(
        name
        for opt in (*auth.auth_options(), *_of_requests(group))
        for name in sources.names_of(group, opt)
    )
