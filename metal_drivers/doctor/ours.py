# SPDX-License-Identifier: Apache-2.0
"""The groups and options that this package and its plugins read, and which
of them are secret."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oslo_config import cfg

from metal_drivers import base, conf, exceptions, plugins, redaction, sources
from metal_drivers._openstack import auth, groups
from metal_drivers.hooks import base as hooks
from metal_drivers.hooks import loading
from metal_drivers.planning import wish
from metal_drivers.sources import Setting

#: How the names of groups begin that belong to plugins.
PLUGINS = (f'{base.NAMESPACE}.', f'{hooks.NAMESPACE}.')
#: Groups of Watcher that are read, too.
WATCHERS = frozenset(
    {
        groups.NOVA_GROUP,
        'nova_client',
        'ironic',
        'ironic_client',
        groups.CREDENTIALS_GROUP,
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """A group of ours."""

    name: str
    #: None: its plugin is installed, but cannot be loaded.
    options: tuple[cfg.Opt, ...] | None


class Ours:
    """The groups of ours that are known where this is installed.

    :param settings: what the files set.
    """

    def __init__(
        self, config: cfg.ConfigOpts, settings: Sequence[Setting]
    ) -> None:
        self._config = config
        self._settings = settings
        self._mentioned = {setting.group for setting in settings}
        #: By their names in lower case.
        self.groups = {group.name.lower(): group for group in self._find()}

    @functools.cached_property
    def names(self) -> Mapping[tuple[str, str], tuple[str, cfg.Opt]]:
        """For the group and the name that an option is written with, its
        group and itself; those of before among them."""
        found = {}
        for group in self.groups.values():
            for opt in group.options or ():
                for name in sources.names_of(group.name, opt):
                    found[name] = (group.name, opt)
        for group in self.groups.values():
            for opt in group.options or ():
                found[group.name.lower(), opt.dest] = (group.name, opt)
        return found

    def is_secret(self, setting: Setting) -> bool:
        """Whether what is set there is a secret."""
        found = self.names.get((setting.group, setting.name))
        if found is not None:
            return bool(found[1].secret)
        return setting.name in _secret_names()

    def secrets(self) -> set[str]:
        """All that the files have of secrets."""
        private = cfg.ConfigOpts()
        private(
            args=[],
            default_config_files=sources.files(self._config),
            default_config_dirs=[],
        )
        found: set[str] = set()
        for setting in self._settings:
            if not self.is_secret(setting):
                continue
            # All values, also those that lose.
            opt = cfg.MultiStrOpt(setting.name, secret=True)
            private.register_opt(opt, group=setting.group)
            try:
                value = private[setting.group][opt.dest]
            except (cfg.Error, ValueError):  # a $ that leads nowhere
                continue
            found |= redaction.secrets_of([opt], {opt.dest: value})
        return found

    def _find(self) -> Iterable[Group]:
        yield Group(conf.GROUP, tuple(conf.OPTS))
        yield Group(wish.GROUP, tuple(wish.OPTS))
        kinds: list[tuple[Iterable[plugins.Plugin[Any]], str]] = [
            (plugins.find_plugins(), base.NAMESPACE),
            (plugins.find(loading.HOOKS), hooks.NAMESPACE),
        ]
        for installed, namespace in kinds:
            for plugin in installed:
                name = f'{namespace}.{plugin.name}'
                if plugin.cls is None:
                    yield Group(name, None)
                    continue
                options = {
                    opt.dest: opt
                    for opt in (*self._of_auth(name), *plugin.options)
                }
                yield Group(name, tuple(options.values()))

    def _of_auth(self, group: str) -> Sequence[cfg.Opt]:
        """The options of the authentication plugin that a group names."""
        if group.lower() not in self._mentioned:
            return ()
        options = [cfg.StrOpt('auth_type')]
        try:
            found = groups.peek(self._config, group, options)
        except exceptions.ConfigurationError:
            return ()
        return auth.plugin_options(found.auth_type) if found.auth_type else ()


@functools.cache
def _secret_names() -> frozenset[str]:
    return frozenset(opt.dest for opt in auth.auth_options() if opt.secret)
