# SPDX-License-Identifier: Apache-2.0
"""Configuration: our options, the drivers' and what we read of Watcher's.

Options of our own groups are registered. Those of groups that belong to
Watcher (``[nova]``, ``[watcher_clients_auth]``) are only read, since
registering an option a second time with another help text is an error,
and Watcher may register them before us, after us, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oslo_config import cfg

from metal_drivers import (
    base,
    exceptions,
    foreign,
    keystone,
    plugins,
    redaction,
)

GROUP = 'metal_drivers'
NOVA_GROUP = 'nova'
#: The group by which Watcher has always been configured for a driver.
FORMER_GROUPS = {'maas': 'maas_client'}
CREDENTIALS_GROUP = 'watcher_clients_auth'

AUTO = plugins.AUTO

OPTS = (
    cfg.StrOpt(
        'driver',
        default=AUTO,
        help='The bare metal driver to use, by the name of its entry point. '
        '"auto" takes the driver that is configured; if several are, the '
        'one with the highest priority; if none is, ironic.',
    ),
    cfg.ListOpt(
        'protected_hosts',
        default=[],
        help='Compute hosts and nodes that are never powered on or off: '
        'shell patterns, such as ``db-*``, matched against the name of the '
        'host and that of the node, without regard to case.',
    ),
    cfg.ListOpt(
        'protected_labels',
        default=[],
        help='Labels of the bare metal service whose nodes are never powered '
        'on or off: shell patterns, without regard to case, matched against '
        'the tags of a machine (MAAS) or the traits of a node (Ironic).',
    ),
    cfg.StrOpt(
        'power_off_mode',
        default='soft-then-hard',
        choices=[
            (
                'soft-then-hard',
                'ask the operating system to shut down, and cut the power '
                'if the node is not off after soft_off_timeout; on nodes '
                'without a soft power off, cut the power',
            ),
            ('soft', 'only ask the operating system to shut down'),
            ('hard', 'cut the power at once'),
        ],
        help='How a node is powered off.',
    ),
    cfg.IntOpt(
        'soft_off_timeout',
        default=180,
        min=1,
        help='How long a soft power off may take, in seconds.',
    ),
    cfg.IntOpt(
        'power_off_timeout',
        default=300,
        min=1,
        help='How long a node may take to be off after its power was cut, '
        'in seconds.',
    ),
    cfg.IntOpt(
        'power_on_timeout',
        default=300,
        min=1,
        help='How long a node may take to be on, in seconds.',
    ),
    cfg.IntOpt(
        'service_up_timeout',
        default=600,
        min=1,
        help='How long nova-compute may take to be up after its node is on, '
        'in seconds.',
    ),
    cfg.IntOpt(
        'poll_interval',
        default=5,
        min=1,
        help='How often the power state of a node that changes its power '
        'is polled, in seconds.',
    ),
    cfg.IntOpt(
        'max_concurrent',
        default=10,
        min=1,
        help='How many nodes may change their power at once.',
    ),
    cfg.IntOpt(
        'max_power_on_per_minute',
        default=30,
        min=1,
        max=6000,
        help='How many nodes a minute may be powered on. Machines that '
        'start draw more current than machines that run.',
    ),
    cfg.IntOpt(
        'max_power_off_per_minute',
        default=30,
        min=1,
        max=6000,
        help='How many nodes a minute may be powered off.',
    ),
    cfg.StrOpt(
        'max_powered_off',
        default='',
        regex=r'^([0-9]+|([0-9]|[1-9][0-9]|100)%)?$',
        help='How many compute hosts may be off at once, including those '
        'that are about to power off: a number, such as 10, or a share of '
        'all matched hosts, such as 30%. Empty: all.',
    ),
    cfg.IntOpt(
        'min_dwell',
        default=0,
        min=0,
        help='How long a node is left as it is after its power changed, in '
        'seconds; 0: not at all.',
    ),
    cfg.BoolOpt(
        'manage_compute_service',
        default=True,
        help='Whether nova-compute is disabled before its host is powered '
        'off, and enabled again once it is up again. Without this, Nova '
        'still places servers on hosts that are about to power off.',
    ),
)


class OptionValues(dict[str, Any]):
    """The values of one group, also as attributes. Keeps them to itself:
    its repr has only the names."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        return f'<OptionValues {", ".join(sorted(self))}>'


class Credentials:
    """The keystone session that all services share.

    It stands in for Watcher's clients: a driver asks it for ``session``
    only where its own options have no credentials.

    Two are equal where they are configured alike. The repr has only the
    names of the options.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self._session: Any = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credentials):
            return NotImplemented
        return self._values == other._values

    def __repr__(self) -> str:
        return f'<Credentials {", ".join(sorted(self._values))}>'

    @property
    def secrets(self) -> set[str]:
        """What must not be shown of it."""
        options = keystone.secret_options(self._values.get('auth_type'))
        return redaction.secrets_of(options, self._values)

    @property
    def session(self) -> Any:
        if self._session is None:
            self._session = keystone.load_session(
                self._values, group=CREDENTIALS_GROUP
            )
        return self._session


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register ``[metal_drivers]``; any number of times."""
    conf.register_opts(OPTS, group=GROUP)


def settings(conf: cfg.ConfigOpts) -> OptionValues:
    """The values of ``[metal_drivers]``.

    :raises ConfigurationError: a value is not of its option's type.
    """
    register_opts(conf)
    return _read(conf, GROUP, OPTS)


def driver_group(name: str) -> str:
    """The configuration group of a driver."""
    return f'{base.NAMESPACE}.{name}'


def driver_values(
    conf: cfg.ConfigOpts, name: str, driver: type[base.MetalDriver]
) -> OptionValues:
    """The values of a driver's own options, which are registered for it.

    All but those that are required: for want of one, whoever parses the
    configuration would fail, though the driver may never be used.

    :raises ConfigurationError: a value is not of its option's type.
    """
    group = driver_group(name)
    options = base.options_of(driver)
    # Watcher's loader may have registered what another call returned.
    known = set(conf[group]) if group in conf else set()
    conf.register_opts(
        [opt for opt in options if not (opt.required or opt.dest in known)],
        group=group,
    )
    return _with_credentials(conf, group, _peek(conf, group, options))


def driver_mentioned(
    conf: cfg.ConfigOpts, name: str, options: Iterable[cfg.Opt] = ()
) -> bool:
    """Whether anything in the configuration is about the driver.

    That is a section for it, or a value of one of its options from
    elsewhere: a former group, an override, the environment.
    """
    group = driver_group(name)
    # oslo.config reads groups without regard to case.
    sections = {section.lower() for section in conf.list_all_sections()}
    if group.lower() in sections or FORMER_GROUPS.get(name) in sections:
        return True
    return any_is_set(conf, group, options)


def nova_values(conf: cfg.ConfigOpts) -> OptionValues:
    """What ``[nova]`` says of how to reach and to authenticate."""
    options = [
        *keystone.adapter_options({'region-name': 'nova_client.region_name'}),
        *keystone.session_options(),
        *keystone.auth_options(),
        cfg.StrOpt('interface'),
    ]
    values = _peek(conf, NOVA_GROUP, options)
    if not values['valid_interfaces']:
        # What Watcher still takes from the options' former names.
        former = _peek(conf, 'nova_client', [cfg.StrOpt('endpoint_type')])
        interface = values['interface'] or former['endpoint_type']
        values['valid_interfaces'] = [interface] if interface else None
    return _with_credentials(conf, NOVA_GROUP, values)


def shared_credentials(conf: cfg.ConfigOpts) -> Credentials | None:
    """``[watcher_clients_auth]``; None where it has no credentials."""
    options = [*keystone.session_options(), *keystone.auth_options()]
    values = _with_credentials(
        conf, CREDENTIALS_GROUP, _peek(conf, CREDENTIALS_GROUP, options)
    )
    if not keystone.credentials_present(values):
        return None
    return Credentials(values)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The ``oslo.config.opts`` hook: the options of every driver that is
    installed, third parties' too."""
    return [(GROUP, list(OPTS))] + [
        (driver_group(plugin.name), list(plugin.options))
        for plugin in plugins.find_plugins()
        if plugin.driver is not None
    ]


def _read(
    conf: cfg.ConfigOpts, group: str, options: Iterable[cfg.Opt]
) -> OptionValues:
    values = OptionValues()
    for opt in options:
        try:
            values[opt.dest] = conf[group][opt.dest]
        except (cfg.Error, ValueError) as exc:
            raise _invalid(group, opt, exc) from (None if opt.secret else exc)
    return values


def any_is_set(
    conf: cfg.ConfigOpts, group: str, options: Iterable[cfg.Opt]
) -> bool:
    """Whether one of the options was given a value, valid or not."""
    unclear = []
    for opt in options:
        try:
            found = conf.get_location(opt.dest, group)
        except KeyboardInterrupt:
            raise
        except BaseException:  # the type of an option may be a plugin's
            # Not registered; or a value, or the default, is not valid.
            unclear.append(opt)
            continue
        if found is not None and (
            found.location.is_user_controlled
            or found.location is cfg.Locations.set_override
        ):
            return True
    if not unclear:
        return False
    private = _private(conf)
    for opt in unclear:
        # Without a default, and of any type: what is found was set.
        bare = cfg.StrOpt(
            opt.name, dest=opt.dest, deprecated_opts=opt.deprecated_opts
        )
        private.register_opt(bare, group=group)
        try:
            if private[group][bare.dest] is not None:
                return True
        except (cfg.Error, ValueError):
            return True
    return False


def _invalid(
    group: str, opt: cfg.Opt, exc: Exception
) -> exceptions.ConfigurationError:
    """oslo.config quotes the value; of a secret nothing is said."""
    what = f'[{group}] {opt.name} has a value that is not valid'
    if isinstance(exc, cfg.ConfigFileValueError | ValueError):
        cure = f'Its meaning: {opt.help}' if opt.help else ''
    else:
        cure = 'Write $$ for a $ that does not refer to another option.'
    return exceptions.ConfigurationError(
        what if opt.secret else f'{what}: {foreign.clean(str(exc))}',
        cure=cure,
        options=(opt.dest,),
    )


def _peek(
    conf: cfg.ConfigOpts, group: str, options: Sequence[cfg.Opt]
) -> OptionValues:
    """The values of options in a group that is not ours.

    What its owner has registered is read there, overrides included; the
    rest from the same configuration files, in a parser of our own.
    """
    theirs = set(conf[group]) if group in conf else set()
    ours = [opt for opt in options if opt.dest not in theirs]
    if not ours:
        return _read(conf, group, options)
    private = _private(conf)
    private.register_opts(ours, group=group)
    values = _read(private, group, ours)
    values.update(
        _read(conf, group, [opt for opt in options if opt.dest in theirs])
    )
    return values


def _private(conf: cfg.ConfigOpts) -> cfg.ConfigOpts:
    """The same configuration files, read by a parser of our own."""
    private = cfg.ConfigOpts()
    parsed = 'config_file' in conf
    private(
        args=[],
        default_config_files=(conf.config_file or []) if parsed else [],
        default_config_dirs=(conf.config_dir or []) if parsed else [],
    )
    return private


def _with_credentials(
    conf: cfg.ConfigOpts, group: str, values: OptionValues
) -> OptionValues:
    """Follow ``auth_section`` to the group that has the credentials, as
    keystoneauth does, and read what its plugin asks for."""
    section = values.get('auth_section')
    if section:
        values.update(_peek(conf, section, keystone.auth_options()))
        values['auth_section'] = section
    if values.get('auth_type'):
        options = keystone.plugin_options(values['auth_type'])
        unread = [opt for opt in options if opt.dest not in values]
        values.update(_peek(conf, section or group, unread))
    return values
