# SPDX-License-Identifier: Apache-2.0
"""Configuration: our options, and the drivers'."""

from __future__ import annotations

from collections.abc import Iterable

from oslo_config import cfg

from metal_drivers import base, plugins
from metal_drivers._openstack import groups
from metal_drivers._openstack.groups import OptionValues
from metal_drivers.hooks import Hook, loading

GROUP = 'metal_drivers'
#: The group by which Watcher has always been configured for a driver.
FORMER_GROUPS = {'maas': 'maas_client'}

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
    cfg.IntOpt(
        'wake_retry_interval',
        default=3600,
        min=1,
        help='How long after a failed power on a host is tried again, in '
        'seconds: by the plans of Watcher and `metal-drivers plan`. Doubled '
        'with each further failure, up to a day.',
    ),
    cfg.BoolOpt(
        'manage_compute_service',
        default=True,
        help='Whether nova-compute is disabled before its host is powered '
        'off, and enabled again once it is up again. Without this, Nova '
        'still places servers on hosts that are about to power off.',
    ),
    cfg.ListOpt(
        'adopted_reasons',
        default=[],
        help='Reasons for a disabled nova-compute that others write in the '
        'place of the one of metal-drivers: shell patterns, such as '
        '``Masakari detected host failed*``. A host that is off with such a '
        'reason counts as powered off by metal-drivers, and may be powered on '
        'and enabled by it. A pattern cannot contain a comma.',
    ),
    cfg.ListOpt(
        'hooks',
        default=[],
        help='The hooks in use, in this order, by the names of their entry '
        'points: ``masakari``, ``command``, or those of other packages. They '
        'are told of each host that is powered off or on, and can refuse a '
        'power off.',
    ),
    cfg.StrOpt(
        'history_file',
        default='',
        help='A file to which each power change that ended is appended, as '
        'one line of JSON, for `metal-drivers report`. Several processes may '
        'write to it, on one machine. It may be renamed at any time: a new '
        'one is begun then. Empty: no history is kept.',
    ),
    cfg.ListOpt(
        'idle_watts',
        default=[],
        help='How many watts a host draws while it is on and idle, which is '
        'what is saved while it is off: ``150, gpu-*=600, '
        'trait:CUSTOM_BIG=450``. Shell patterns, without regard to case, on '
        'the names of the host and of its node; after ``trait:``, on the '
        'tags of a machine (MAAS) or the traits of a node (Ironic). The '
        'first that fits counts, before what a driver reports of its node; a '
        'number without a pattern is for all other hosts. A host of which '
        'nothing is known counts in hours only.',
    ),
    cfg.FloatOpt(
        'grid_co2',
        min=0,
        help='Grams of CO2 for each kWh, to report the CO2 that was saved. '
        'Not set: no CO2 is reported.',
    ),
)


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register ``[metal_drivers]``; any number of times."""
    conf.register_opts(OPTS, group=GROUP)


def settings(conf: cfg.ConfigOpts) -> OptionValues:
    """The values of ``[metal_drivers]``.

    :raises ConfigurationError: a value is not of its option's type.
    """
    register_opts(conf)
    return groups.read(conf, GROUP, OPTS)


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
    return _plugin_values(conf, driver_group(name), driver)


def hook_values(
    conf: cfg.ConfigOpts, name: str, hook: type[Hook]
) -> OptionValues:
    """The values of a hook's own options, as :func:`driver_values`."""
    return _plugin_values(conf, loading.group(name), hook)


def _plugin_values(
    conf: cfg.ConfigOpts, group: str, plugin: type[base.HasOptions]
) -> OptionValues:
    options = base.options_of(plugin)
    # Watcher's loader may have registered what another call returned.
    known = set(conf[group]) if group in conf else set()
    conf.register_opts(
        [opt for opt in options if not (opt.required or opt.dest in known)],
        group=group,
    )
    return groups.with_credentials(
        conf, group, groups.peek(conf, group, options)
    )


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
    return groups.any_is_set(conf, group, options)


def driver_sections(
    conf: cfg.ConfigOpts, name: str, options: Iterable[cfg.Opt]
) -> tuple[str, ...]:
    """The sections that have options of the driver: its own, and those of
    former groups."""
    sections = {section.lower() for section in conf.list_all_sections()}
    group = driver_group(name)
    found = [group] if group.lower() in sections else []
    for opt in options:
        for old in opt.deprecated_opts:
            if (
                old.group
                and old.group.lower() in sections
                and old.group not in found
                and groups.any_is_set(
                    conf, old.group, [cfg.StrOpt(old.name or opt.dest)]
                )
            ):
                found.append(old.group)
    return tuple(found)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The ``oslo.config.opts`` hook: the options of every driver and every
    hook that is installed, third parties' too."""
    drivers, hooks = plugins.find_plugins(), plugins.find(loading.HOOKS)
    return [
        (GROUP, list(OPTS)),
        *(
            (driver_group(plugin.name), list(plugin.options))
            for plugin in drivers
            if plugin.cls is not None
        ),
        *(
            (loading.group(plugin.name), list(plugin.options))
            for plugin in hooks
            if plugin.cls is not None
        ),
    ]
