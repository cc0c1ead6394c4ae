# SPDX-License-Identifier: Apache-2.0
"""Rules about how a driver is loaded, and about its options."""

from __future__ import annotations

from typing import Any

from oslo_config import cfg

from metal_drivers import base, boundary
from metal_drivers._openstack.groups import OptionValues
from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Broken, NotTried, Topic
from metal_drivers.model import Capability

TOPIC = Topic(
    'loading',
    'Loading and options',
    'A driver is loaded by metal-drivers, and by Watcher itself: options '
    'first, then an instance with their values.',
)

_GROUP = f'{base.NAMESPACE}.conformance'


@TOPIC.rule(
    'The options can be registered twice, and an instance that is made with '
    'their values lists the same nodes.'
)
def loads_as_watcher_loads_it(bench: Bench) -> None:
    driver = bench.kind(
        values_of(bench), osc=getattr(bench.driver, 'osc', None)
    )
    bench.cleanup(driver.close)
    seen.equal(
        sorted(node.id for node in bench.driver.list_nodes()),
        sorted(node.id for node in driver.list_nodes()),
        'nodes of the second instance',
    )


@TOPIC.rule('Each option has a help text.')
def options_have_help(bench: Bench) -> None:
    for opt in bench.kind.get_config_opts():
        seen.require(opt.help, f'the option {opt.dest} has no help')


@TOPIC.rule(
    'config_state() reports READY for the values that configure the driver, '
    'and ABSENT where no option has a value.'
)
def config_state_tells_ready_from_absent(bench: Bench) -> None:
    nothing = OptionValues(
        {opt.dest: opt.default for opt in bench.kind.get_config_opts()}
    )
    for values, status in (
        (bench.config(), base.ConfigStatus.READY),
        (nothing, base.ConfigStatus.ABSENT),
    ):
        seen.equal(
            status, bench.kind.config_state(values).status, 'config_state()'
        )


@TOPIC.rule(
    'The priority is a whole number, and the capabilities are members of '
    'Capability.'
)
def says_what_it_is(bench: Bench) -> None:
    seen.require(
        type(bench.kind.priority) is int,
        f'the priority is {seen.shown(bench.kind.priority)}',
    )
    for each in bench.driver.capabilities:
        seen.require(
            isinstance(each, Capability),
            f'{seen.shown(each)} among the capabilities',
        )


@TOPIC.rule('Each method takes the arguments of the contract.')
def takes_the_arguments_of_the_contract(bench: Bench) -> None:
    boundary.guard(bench.driver)


def values_of(bench: Bench) -> OptionValues:
    """The values of the options, as oslo.config gives them."""
    conf = cfg.ConfigOpts()
    for _ in range(2):  # once by Watcher's loader, once by ours
        try:
            conf.register_opts(bench.kind.get_config_opts(), group=_GROUP)
        except cfg.DuplicateOptError as exc:
            raise Broken(
                f'get_config_opts() returned other options: {exc}'
            ) from exc
    conf(
        args=[], default_config_files=[], default_config_dirs=[], use_env=False
    )
    known: Any = conf[_GROUP]
    for name, value in bench.config().items():
        if name in known:
            conf.set_override(name, value, group=_GROUP)
    try:
        return OptionValues(known.items())
    except cfg.Error as exc:  # an option that is required, or refers to one
        raise NotTried(f'the options cannot be read: {exc}') from exc
