# SPDX-License-Identifier: Apache-2.0
"""Rules about how a driver is loaded, and about its options."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from oslo_config import cfg

from metal_drivers import base, boundary, exceptions
from metal_drivers._openstack.groups import OptionValues
from metal_drivers.boundary import answers
from metal_drivers.conformance import audit, imports, seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Broken, NotTried, Tier, Topic

TOPIC = Topic(
    'loading',
    'Loading and options',
    'A driver is loaded by metal-drivers, and by Watcher itself: options '
    'first, then an instance with their values.',
)

_GROUP = f'{base.NAMESPACE}.conformance'


@TOPIC.rule(
    'The driver can be loaded. Its options can be registered twice, and an '
    'instance that is made with their values lists the same nodes.'
)
def loads_as_watcher_loads_it(bench: Bench) -> None:
    driver = bench.kind(
        values_of(bench), osc=getattr(bench.driver, 'osc', None)
    )
    bench.will_close(driver)
    seen.equal(
        sorted(node.id for node in bench.driver.list_nodes()),
        sorted(node.id for node in driver.list_nodes()),
        'nodes of the second instance',
    )


@TOPIC.rule('Each option has a help text.')
def options_have_help(bench: Bench) -> None:
    for opt in bench.kind.get_config_opts():
        text = (opt.help or '').strip()
        seen.require(text, f'the option {opt.dest} has no help')


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
        seen.equal(status, _state(bench, values).status, 'config_state()')


@TOPIC.rule(
    'The priority is a whole number, the capabilities are a set of members '
    'of Capability, required_options is a tuple of names, and max_concurrent '
    'is a number from 1.'
)
def says_what_it_is(bench: Bench) -> None:
    seen.require(
        type(bench.kind.priority) is int,
        f'the priority is {seen.shown(bench.kind.priority)}',
    )
    try:
        answers.capabilities(bench.driver.capabilities)
    except answers.Wrong as exc:
        shown = seen.shown(bench.driver.capabilities)
        raise Broken(f'capabilities is {shown}: {exc}') from exc
    required = bench.kind.required_options
    seen.require(
        isinstance(required, tuple | list | set | frozenset)
        and all(isinstance(each, str) for each in required),
        f'required_options is {answers.what(required)}, not a tuple of names',
    )
    most = bench.driver.max_concurrent
    seen.require(
        isinstance(most, int) and most >= 1,
        f'max_concurrent is {seen.shown(most)}',
    )


@TOPIC.rule('Each method takes the arguments of the contract.')
def takes_the_arguments_of_the_contract(bench: Bench) -> None:
    try:
        boundary.guard(bench.driver)
    except exceptions.DriverError as exc:
        raise Broken(exc.message) from exc
    for what, call, args in (
        (f'{bench.kind.__name__}()', bench.kind, ({}, None)),
        ('get_config_opts()', bench.kind.get_config_opts, ()),
        ('config_state()', bench.kind.config_state, ({},)),
    ):
        named = {'osc': None} if len(args) == 2 else {}
        try:
            inspect.signature(call).bind(*args[:1], **named)
        except TypeError as exc:
            raise Broken(f'{what} has other arguments ({exc})') from exc
        except ValueError:  # nothing is known of it
            continue


@TOPIC.rule(
    'The driver needs no more of its config than a mapping that takes '
    'attribute access, and does not write to it.'
)
def takes_a_config_that_cannot_be_written_to(bench: Bench) -> None:
    plain = {
        **{opt.dest: opt.default for opt in bench.kind.get_config_opts()},
        **bench.config(),
    }
    before, values = copy.deepcopy(plain), _Values(copy.deepcopy(plain))
    osc = getattr(bench.driver, 'osc', None)
    seen.require(
        _state(bench, values).status is base.ConfigStatus.READY,
        'config_state() is not READY for a config that is no dict',
    )
    driver = bench.kind(values, osc=osc)
    bench.will_close(driver)
    seen.equal(
        sorted(node.id for node in bench.driver.list_nodes()),
        sorted(node.id for node in driver.list_nodes()),
        'nodes with a config that is no dict',
    )
    for name, value in values.items():
        seen.require(
            value == before[name], f'the driver changed the value of {name}'
        )


@TOPIC.rule('The default of an option is of the type of the option.')
def options_have_defaults_of_their_type(bench: Bench) -> None:
    for opt in bench.kind.get_config_opts():
        default = opt.default
        if default is None or '$' in str(default):
            continue
        try:
            converted = opt.type(default)
        except (TypeError, ValueError) as exc:
            raise Broken(
                f'the default of {opt.dest} is {seen.shown(default)}, which '
                'is no value of its type'
            ) from exc
        seen.require(
            isinstance(default, type(converted)),
            f'the default of {opt.dest} is {seen.shown(default)}, not '
            f'{seen.shown(converted)}',
        )


@TOPIC.rule(
    'No option is registered with required=True: without it, every process '
    'that reads the configuration would end. required_options has those.'
)
def options_are_not_required_by_themselves(bench: Bench) -> None:
    for opt in bench.kind.get_config_opts():
        seen.require(
            not opt.required, f'the option {opt.dest} has required=True'
        )


@TOPIC.rule(
    'Without one of required_options, config_state() is INCOMPLETE and names '
    'it.'
)
def config_state_names_what_is_missing(bench: Bench) -> None:
    required = bench.kind.required_options
    if not required:
        raise NotTried('there are no required_options')
    defaults = {opt.dest: opt.default for opt in bench.kind.get_config_opts()}
    for name in required:
        seen.require(
            defaults.get(name) in (None, '', [], {}),
            f'{name} has a default, and is never missing',
        )
        values = OptionValues({**bench.config(), name: None})
        state = _state(bench, values)
        if len(required) == 1 and state.status is base.ConfigStatus.ABSENT:
            continue
        seen.equal(
            base.ConfigStatus.INCOMPLETE,
            state.status,
            f'config_state() without {name}',
        )
        seen.require(
            name in state.missing,
            f'config_state() without {name} names {state.missing}',
        )


@TOPIC.rule('config_state() opens no file and no connection.')
def config_state_does_no_io(bench: Bench) -> None:
    values = bench.config()
    # What it imports late is imported now.
    bench.kind.config_state(values)
    with audit.watched(audit.ANY) as found:
        bench.kind.config_state(values)
    seen.require(not found, f'config_state() did I/O: {", ".join(found)}')


@TOPIC.rule('An instance is made without asking the service.')
def starts_without_the_network(bench: Bench) -> None:
    with audit.watched(audit.NETWORK) as found:
        bench.twin()
    seen.require(not found, f'making it did I/O: {", ".join(found)}')


@TOPIC.rule(
    'The module imports the client library of the service where it is used, '
    'not at its top: every process that looks for a driver imports it.',
    tier=Tier.RECOMMENDED,
)
def imports_its_client_late(bench: Bench) -> None:
    found = imports.heavy(bench.kind.__module__)
    seen.require(
        not found,
        f'{bench.kind.__module__} imports {", ".join(sorted(found))}',
    )


def _state(bench: Bench, values: Mapping[str, Any]) -> base.ConfigState:
    found: object = bench.kind.config_state(values)
    if not isinstance(found, base.ConfigState):
        raise Broken(
            f'config_state() returned {answers.what(found)}, not a ConfigState'
        )
    return found


def _options(bench: Bench) -> list[cfg.Opt]:
    found: Any = bench.kind.get_config_opts()
    if not isinstance(found, list | tuple):
        raise Broken(
            f'get_config_opts() returned {answers.what(found)}, not a list of '
            'options'
        )
    for each in found:
        if not isinstance(each, cfg.Opt):
            raise Broken(
                f'get_config_opts() returned {answers.what(each)} among the '
                'options'
            )
    return list(found)


def values_of(bench: Bench) -> OptionValues:
    """The values of the options, as oslo.config gives them."""
    conf = cfg.ConfigOpts()
    for _ in range(2):  # once by Watcher's loader, once by ours
        try:
            conf.register_opts(_options(bench), group=_GROUP)
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


class _Values(Mapping[str, Any]):
    """A mapping that takes attribute access, and nothing else."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__values = dict(values)

    def __getitem__(self, name: str) -> Any:
        return self.__values[name]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.__values)

    def __len__(self) -> int:
        return len(self.__values)
