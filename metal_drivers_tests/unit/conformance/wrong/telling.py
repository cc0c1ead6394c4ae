# SPDX-License-Identifier: Apache-2.0
"""More faults that show a secret."""

from __future__ import annotations

import base64
import dataclasses
import logging
import subprocess
import urllib.parse
import warnings
from typing import Any

from oslo_config import cfg

from metal_drivers import MetalError, Node
from metal_drivers.model import CheckResult, CheckStatus
from metal_drivers_tests.unit.conformance.sample import CHECK, SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault

LOG = logging.getLogger('sample.driver')


class _InTheUrl(SampleDriver):
    """The token is a part of each URL, which libraries log and quote."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        token = urllib.parse.quote(self.config['token'], safe='')
        separator = '&' if '?' in path else '?'
        return super().call(method, f'{path}{separator}t={token}', body)


@fault('keeps-secrets-out-of-logs', 'the log urllib3')
class TokenInTheUrl(_InTheUrl):
    """What is logged by its library has the token in it."""


@fault('keeps-secrets-out-of-errors', 'an error')
class TokenInTheCause(_InTheUrl):
    """What an error came from has the token in it."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return super().call(method, path, body)
        except MetalError as exc:
            message = f'Sample: {method} {path} failed'
            raise type(exc)(message, cure=CHECK) from exc.__cause__


@fault('keeps-secrets-out-of-logs-when-switching', 'the log urllib3')
class TokenInTheUrlOfACommand(SampleDriver):
    """What is logged by its library of a command has the token in it."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        if method == 'PUT':
            path += '?' + urllib.parse.urlencode({'t': self.config['token']})
        return super().call(method, path, body)


@fault('keeps-secrets-out-of-errors', 'an error')
class TokenInANote(SampleDriver):
    """A note that was added to an error."""

    def call(self, *args: Any) -> Any:
        try:
            return super().call(*args)
        except MetalError as exc:
            exc.add_note(f'sent with {self.config}')
            raise


@fault('keeps-secrets-out-of-errors', 'an error')
class TokenInTheContext(SampleDriver):
    """An error that happened while another one was looked into."""

    def error(self, tried: str, status: int) -> MetalError:
        error = super().error(tried, status)
        try:
            raise KeyError(self.config['token'])
        except KeyError as exc:
            error.__context__ = exc
        return error


@fault('keeps-secrets-out-of-errors', 'an error')
class BasicInTheRepr(SampleDriver):
    """The header of an error, in base64."""

    def error(self, tried: str, status: int) -> MetalError:
        error = super().error(tried, status)
        secret = f'admin:{self.config["token"]}'.encode()
        error.args = (*error.args, base64.b64encode(secret))
        return error


@fault('keeps-secrets-out-of-its-repr', 'the repr of the driver')
class TokenInStr(SampleDriver):
    """Its text has the header."""

    def __str__(self) -> str:
        return f'sample({self.session().headers})'


@fault('keeps-secrets-out-of-nodes', "node 'm1'")
class TokenInTheFault(SampleDriver):
    """What went wrong last, with what was sent."""

    def read(self, found: Any) -> Node:
        text = f'GET with X-Token: {self.config["token"]} failed'
        return dataclasses.replace(super().read(found), fault=text)


@fault('keeps-secrets-out-of-nodes', "node 'm1'")
class TokenInOneNode(SampleDriver):
    """What is shown of one node has more details than the list."""

    def get_node(self, node_id: str) -> Node:
        details = {'bmc': f'https://admin:{self.config["token"]}@bmc'}
        return dataclasses.replace(super().get_node(node_id), details=details)


@fault('keeps-secrets-out-of-checks', 'a result of check()')
class UrlInCheck(SampleDriver):
    """check() says where it looked, with what."""

    def check(self) -> list[CheckResult]:
        token = urllib.parse.quote(self.config['token'])
        return [CheckResult('url', CheckStatus.OK, f'http://u:{token}@host/')]


@fault('options-that-look-like-secrets-are-secret', 'bmc_passwords')
class PasswordsInADict(SampleDriver):
    """One password for each BMC, which are shown."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [
            *super().get_config_opts(),
            cfg.DictOpt('bmc_passwords', help='One for each BMC.'),
        ]


@fault('options-that-look-like-secrets-are-secret', 'client_secret')
class OpenClientSecret(SampleDriver):
    """A secret of another name, which is shown."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [
            *super().get_config_opts(),
            cfg.Opt('client_secret', help='The secret of the client.'),
        ]


@fault('keeps-secrets-out-of-driver-show', 'header')
class TokenInTheHelp(SampleDriver):
    """An example that was not made up."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        *others, _ = super().get_config_opts()
        text = 'A header, such as token s3cret/t0ken+4711.'
        return [*others, cfg.StrOpt('header', help=text)]


@fault('keeps-secrets-out-of-logs', 'the log sample.driver')
class LogsItsConfig(SampleDriver):
    """At its start, it logs what it was started with."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        LOG.debug('Options: %s', dict(config))


@fault('keeps-secrets-out-of-logs', 'the log sample.driver')
class LogsItsErrors(SampleDriver):
    """A traceback in the log has what the error came from."""

    def list_nodes(self) -> list[Node]:
        try:
            return super().list_nodes()
        except MetalError as exc:
            exc.__cause__ = ValueError(f'token {self.config["token"]}')
            LOG.exception('Listing nodes')
            raise exc from None


@fault('keeps-secrets-out-of-logs', 'the log sample.driver')
class LogsWhenItCloses(SampleDriver):
    """The last thing that it says."""

    def close(self) -> None:
        super().close()
        LOG.info('Token %s is no longer used', self.config['token'])


@fault('keeps-secrets-out-of-logs', 'stderr')
class Warns(SampleDriver):
    """A warning of Python is printed."""

    def check(self) -> list[CheckResult]:
        with warnings.catch_warnings():
            warnings.simplefilter('always')
            warnings.warn(f'token {self.config["token"]}', stacklevel=1)
        return super().check()


@fault('keeps-secrets-out-of-logs', 'the command line')
class TokenOnACommandLine(SampleDriver):
    """Everybody on the host sees the password of a tool that is run."""

    def check(self) -> list[CheckResult]:
        command = ['true', '-P', self.config['token']]
        subprocess.run(command, check=False)
        return super().check()
