# SPDX-License-Identifier: Apache-2.0
"""Faults that show a secret."""

from __future__ import annotations

import base64
import urllib.parse

from oslo_config import cfg

from metal_drivers import MetalError, NotFoundError
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
