# SPDX-License-Identifier: Apache-2.0
"""Faults of options, of what is made of them, and of class attributes."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Mapping
from typing import Any, ClassVar

from oslo_config import cfg

from metal_drivers import Capability, ConfigurationError, Node, base
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


class _More(SampleDriver):
    """Has one option more."""

    more: ClassVar[cfg.Opt]

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [*super().get_config_opts(), cls.more]


@fault('options-are-not-required-by-themselves', 'region')
class MustBeSet(_More):
    """Nobody can start without this option, whatever driver is used."""

    more = cfg.StrOpt('region', required=True, help='The region.')


@fault('loads-as-watcher-loads-it', 'a dict, not a list of options')
class OptionsByName(SampleDriver):
    """Options in a dict."""

    @classmethod
    def get_config_opts(cls) -> Any:
        return {opt.dest: opt for opt in super().get_config_opts()}


@fault('loads-as-watcher-loads-it', 'a tuple among the options')
class OptionsInGroups(SampleDriver):
    """Options as ``oslo.config.opts`` wants them: with their group."""

    @classmethod
    def get_config_opts(cls) -> Any:
        return [('sample', super().get_config_opts())]


@fault('takes-the-arguments-of-the-contract', 'TakesNoOsc() has other')
class TakesNoOsc(SampleDriver):
    """It takes its options only."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)


@fault('takes-the-arguments-of-the-contract', 'get_config_opts()')
class OptionsOfAnInstance(SampleDriver):
    """Its options are asked for before there is an instance."""

    def get_config_opts(self) -> list[cfg.Opt]:  # type: ignore[override]
        return SampleDriver.get_config_opts()


@fault('takes-the-arguments-of-the-contract', 'find_nodes()')
class FindsByNothing(SampleDriver):
    """A method without the argument of the contract."""

    def find_nodes(self) -> list[Node]:  # type: ignore[override]
        return []


@fault('options-have-help', 'region has no help')
class BlankHelp(_More):
    """A help text that says nothing."""

    more = cfg.StrOpt('region', help=' ')


@fault('options-have-defaults-of-their-type', 'the default of insecure')
class FalseInAString(_More):
    """A default that is true, because it is a text."""

    more = cfg.BoolOpt('insecure', default='false', help='No TLS.')


@fault('options-have-defaults-of-their-type', 'the default of tags')
class ListInAString(_More):
    """A list that is a text until it is read from a file."""

    more = cfg.ListOpt('tags', default='a,b', help='Tags.')


@fault('loads-as-watcher-loads-it', 'DefaultValueError')
class DefaultOutOfRange(SampleDriver):
    """A default that nobody could configure."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        retries = cfg.IntOpt('retries', default=0, min=1, help='How often.')
        return [*super().get_config_opts(), retries]


@fault('says-what-it-is', 'True')
class PriorityIsTrue(SampleDriver):
    """A priority that is no number."""

    priority = True


@fault('says-what-it-is', 'capabilities')
class OneCapability(SampleDriver):
    """A capability, and no set of them."""

    capabilities = Capability.SOFT_OFF  # type: ignore[assignment]


@fault('says-what-it-is', 'required_options')
class RequiredInAString(SampleDriver):
    """A comma is missing: the options ``u``, ``r`` and ``l``."""

    required_options = 'url'  # type: ignore[assignment]


@fault('says-what-it-is', 'max_concurrent')
class NoThreads(SampleDriver):
    """The number of threads is 0: it was meant for no limit."""

    max_concurrent = 0


@fault('config-state-tells-ready-from-absent', 'INCOMPLETE')
class RequiresWhatIsNoOption(SampleDriver):
    """A required option is written in another way: it is never there."""

    required_options = ('url', 'api_token')


@fault('config-state-tells-ready-from-absent', 'a bool, not a ConfigState')
class StateIsTrue(SampleDriver):
    """It says yes."""

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> Any:
        return bool(config.get('url'))


@fault('config-state-tells-ready-from-absent', 'ConfigurationError')
class StateRaises(SampleDriver):
    """An error for every cloud where it is installed and not used."""

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        if not config.get('url'):
            raise ConfigurationError('url is missing')
        return super().config_state(config)


@fault('config-state-names-what-is-missing', 'url has a default')
class RequiredWithADefault(SampleDriver):
    """What is required is never missing."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        _, *others = super().get_config_opts()
        default = 'http://localhost'
        return [cfg.StrOpt('url', default=default, help='Where.'), *others]


@fault('config-state-names-what-is-missing', 'without token')
class NamesTheFirstOnly(SampleDriver):
    """It says that something is missing, and not what."""

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        found = super().config_state(config)
        return base.ConfigState(found.status, found.missing and ('url',))


@fault('config-state-does-no-io', 'socket.getaddrinfo')
class StateLooksUpAName(SampleDriver):
    """It asks a name server whether it is configured."""

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        socket.getaddrinfo('127.0.0.1', 80)
        return super().config_state(config)


@fault('config-state-does-no-io', 'subprocess.Popen')
class StateRunsACommand(SampleDriver):
    """It looks whether its tool is there by running it."""

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        import subprocess

        # What hears of it is told before the command is looked for.
        with contextlib.suppress(FileNotFoundError):
            subprocess.run(['/nowhere/ipmitool', '-V'], check=True)
        return super().config_state(config)


@fault('starts-without-the-network', 'socket.gethostbyname')
class LooksUpItsHost(SampleDriver):
    """A name server that does not answer keeps Watcher from starting."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.address = socket.gethostbyname('127.0.0.1')


@fault('takes-a-config-that-cannot-be-written-to', 'copy')
class CopiesItsConfig(SampleDriver):
    """It wants a method that only a dict has."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config.copy(), osc)


@fault('takes-a-config-that-cannot-be-written-to', 'JSON serializable')
class WantsADict(SampleDriver):
    """It takes its config for a dict."""

    def list_nodes(self) -> list[Node]:
        self.key = json.dumps(self.config)
        return super().list_nodes()


@fault('takes-a-config-that-cannot-be-written-to', 'does not support item')
class WritesWhenItLists(SampleDriver):
    """It keeps the time of its last request in the config."""

    def list_nodes(self) -> list[Node]:
        self.config['last_request'] = 0  # type: ignore[index]
        return super().list_nodes()


@fault('takes-a-config-that-cannot-be-written-to', 'changed the value of tags')
class AppendsToAnOption(_More):
    """What it adds to a list is there for every other instance as well."""

    more = cfg.ListOpt('tags', default=[], help='Tags.')

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        tags = config.get('tags')
        if tags is not None:
            tags.append('metal')
