# SPDX-License-Identifier: Apache-2.0
"""Faults of how a driver is loaded, and of its options."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from oslo_config import cfg

from metal_drivers import MetalError, base
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('loads-as-watcher-loads-it', 'other options')
class NewDefaultAtEachCall(SampleDriver):
    """Its options cannot be registered twice."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        default = uuid.uuid4().hex
        return [
            *super().get_config_opts(),
            cfg.StrOpt('client_id', default=default, help='An id.'),
        ]


@fault('loads-as-watcher-loads-it', 'nodes of the second instance')
class OneInstanceForAll(SampleDriver):
    """Only the first instance lists anything."""

    first: ClassVar[list[Any]] = []

    def list_nodes(self) -> list[Any]:
        if not self.first:
            self.first.append(self)
        return super().list_nodes() if self.first[0] is self else []


@fault('options-have-help', 'region has no help')
class NoHelp(SampleDriver):
    """An option without help."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [*super().get_config_opts(), cfg.StrOpt('region')]


@fault('config-state-tells-ready-from-absent', 'config_state()')
class AlwaysReady(SampleDriver):
    """Ready without any configuration."""

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        return base.ConfigState(base.ConfigStatus.READY)


@fault('says-what-it-is', "'high'")
class PriorityInWords(SampleDriver):
    """A priority that cannot be compared."""

    priority = 'high'  # type: ignore[assignment]


@fault('says-what-it-is', "'live-list'")
class CapabilityInWords(SampleDriver):
    """Capabilities that nobody recognizes."""

    capabilities = frozenset({'live-list'})  # type: ignore[arg-type]


@fault('takes-the-arguments-of-the-contract', 'set_power_state()')
class NoTimeout(SampleDriver):
    """It claims SOFT_OFF_TIMEOUT, and takes no time-out."""

    def set_power_state(  # type: ignore[override]
        self, node_id: str, state: Any, mode: Any
    ) -> None:
        raise MetalError('never called')


@fault('takes-a-config-that-cannot-be-written-to', 'TypeError')
class WritesToItsConfig(SampleDriver):
    """It fills in what is missing."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        config['timeout'] = config.get('timeout') or 30
        super().__init__(config, osc)


@fault('options-have-defaults-of-their-type', 'the default of retries')
class DefaultInAString(SampleDriver):
    """A number that is none until it is read from a file."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [
            *super().get_config_opts(),
            cfg.IntOpt('retries', default='3', help='How often.'),
        ]


@fault('config-state-names-what-is-missing', 'without url')
class ReadyWithoutUrl(SampleDriver):
    """What is required is asked for too late."""

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        return base.ConfigState.of(
            present=bool(config.get('token') or config.get('url')), missing=()
        )


@fault('config-state-does-no-io', 'open')
class StateReadsAFile(SampleDriver):
    """It reads a file to see whether it is configured."""

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        with open('/dev/null', encoding='utf-8') as file:
            file.read()
        return super().config_state(config)


@fault('starts-without-the-network', 'socket.connect')
class LogsInAtOnce(SampleDriver):
    """It asks the service before it is asked."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.list_nodes()


@fault('options-are-not-required-by-themselves', 'the option url')
class RequiredByItself(SampleDriver):
    """Whoever parses the configuration fails without its option."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        url = cfg.StrOpt('url', required=True, help='Where it is.')
        return [url, *super().get_config_opts()[1:]]
