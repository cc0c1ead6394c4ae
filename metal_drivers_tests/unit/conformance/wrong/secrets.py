# SPDX-License-Identifier: Apache-2.0
"""Faults that show a secret."""

from __future__ import annotations

import base64
import dataclasses
import logging
import urllib.parse
from typing import Any

from oslo_config import cfg

from metal_drivers import MetalError, Node, NotFoundError
from metal_drivers.model import CheckResult, CheckStatus
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('options-for-secrets-are-secret', 'token is not secret')
class OpenToken(SampleDriver):
    """``driver show`` shows the token."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        options = super().get_config_opts()
        return [
            cfg.StrOpt('token', help='A token.')
            if opt.dest == 'token'
            else opt
            for opt in options
        ]


@fault('keeps-secrets-out-of-its-repr', 'the repr of the driver')
class TokenInRepr(SampleDriver):
    """Its repr has the configuration."""

    def __repr__(self) -> str:
        return f'<SampleDriver {dict(self.config)}>'


@fault('keeps-secrets-out-of-checks', 'a result of check()')
class TokenInCheck(SampleDriver):
    """check() says what it authenticates with, in base64."""

    def check(self) -> list[CheckResult]:
        token = base64.b64encode(b'user:' + self.config['token'].encode())
        return [CheckResult('header', CheckStatus.OK, f'Basic {token!r}')]


@fault('keeps-secrets-out-of-errors', 'an error')
class TokenInError(SampleDriver):
    """An error has the URL, and the URL has the token."""

    def error(self, tried: str, status: int) -> MetalError:
        token = urllib.parse.quote(self.config['token'], safe='')
        if status == 404:
            return NotFoundError(f'{tried}?token={token} was not found')
        return super().error(tried, status)


@fault('options-that-look-like-secrets-are-secret', 'bmc_password')
class OpenPassword(SampleDriver):
    """A second secret, which is shown."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [
            *super().get_config_opts(),
            cfg.StrOpt('bmc_password', help='The password of all BMCs.'),
        ]


@fault('keeps-secrets-out-of-driver-show', 'headers')
class TokenInAnotherOption(SampleDriver):
    """The token is a part of an option that is shown."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        token = config['token']
        super().__init__({**config, 'headers': [f'X-Token: {token}']}, osc)

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [
            *super().get_config_opts(),
            cfg.ListOpt('headers', help='Headers of each request.'),
        ]


@fault('keeps-secrets-out-of-nodes', "node 'm1'")
class TokenInDetails(SampleDriver):
    """The details of a node have the URL with the token."""

    def read(self, found: Any) -> Node:
        token = urllib.parse.quote(self.config['token'])
        return dataclasses.replace(
            super().read(found), details={'console': f'/?token={token}'}
        )


@fault('keeps-secrets-out-of-logs', 'the log sample.driver')
class LogsItsHeaders(SampleDriver):
    """At DEBUG, all that is sent is logged."""

    def session(self) -> Any:
        session = super().session()
        headers = dict(session.headers)
        logging.getLogger('sample.driver').debug('Headers: %s', headers)
        return session


@fault('keeps-secrets-out-of-logs', 'stdout')
class PrintsItsToken(SampleDriver):
    """A print that was left in."""

    def check(self) -> list[CheckResult]:
        print('token', self.config['token'])  # noqa: T201
        return super().check()


@fault('keeps-secrets-out-of-logs-when-switching', 'the log sample.driver')
class LogsItsCommands(SampleDriver):
    """Each command is logged with how it was authenticated."""

    def set_power_state(self, *args: Any, **more: Any) -> None:
        super().set_power_state(*args, **more)
        token = self.config['token']
        logging.getLogger('sample.driver').info('PUT with %s', token)
