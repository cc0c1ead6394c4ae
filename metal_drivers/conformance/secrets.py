# SPDX-License-Identifier: Apache-2.0
"""Rules about secrets: passwords, tokens, keys."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable

from oslo_config import types

from metal_drivers import base, exceptions, redaction
from metal_drivers.conformance import recording, seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import NotTried, Topic
from metal_drivers.model import PowerState

TOPIC = Topic(
    'secrets',
    'Secrets',
    'A secret is looked for in clear, in base64 and percent-encoded.',
)

#: How the name of an option ends whose value is a secret.
_LOOKS_SECRET = re.compile(
    '(password|passwd|passphrase|passcode|secret|token|api_?key|'
    'private_key|access_key|credential)s?$'
)

#: What is no secret whatever it is called.
_NUMBERS = (types.Boolean, types.Integer, types.Float)


@TOPIC.rule('An option whose value is a secret is registered as secret.')
def options_for_secrets_are_secret(bench: Bench) -> None:
    values, secrets = bench.config(), bench.secrets
    for opt in bench.kind.get_config_opts():
        if values.get(opt.dest) in secrets:
            seen.require(opt.secret, f'the option {opt.dest} is not secret')


@TOPIC.rule(
    'An option whose name ends in password, token, secret, api_key and the '
    'like is registered as secret, also one for several of them.'
)
def options_that_look_like_secrets_are_secret(bench: Bench) -> None:
    for opt in bench.kind.get_config_opts():
        number = isinstance(opt.type, _NUMBERS)
        if _LOOKS_SECRET.search(opt.dest) and not number:
            seen.require(opt.secret, f'the option {opt.dest} is not secret')


@TOPIC.rule('No secret is in what driver show prints of the options.')
def keeps_secrets_out_of_driver_show(bench: Bench) -> None:
    values, secrets = bench.config(), redaction.Redactor(bench.secrets)
    for opt in bench.kind.get_config_opts():
        shown = redaction.shown(opt, values.get(opt.dest))
        seen.require(
            not secrets.finds(f'{shown} {opt.default} {opt.help}'),
            f'a secret is in what is shown of the option {opt.dest}',
        )


@TOPIC.rule('No secret is in the repr of the driver.')
def keeps_secrets_out_of_its_repr(bench: Bench) -> None:
    texts = [repr(bench.driver), str(bench.driver)]
    _look_into(bench, 'the repr of the driver', texts)


@TOPIC.rule('No secret is in a field of a node.')
def keeps_secrets_out_of_nodes(bench: Bench) -> None:
    nodes = bench.nodes()
    nodes.append(bench.driver.get_node(nodes[0].id))
    for node in nodes:
        texts = [repr(node), repr(dict(node.details))]
        _look_into(bench, f'node {node.id!r}', texts)


@TOPIC.rule('No secret is in what check() reports.')
def keeps_secrets_out_of_checks(bench: Bench) -> None:
    for driver in _drivers(bench):
        texts = [repr(each) for each in driver.check()]
        _look_into(bench, 'a result of check()', texts)


@TOPIC.rule(
    'No secret is in an error, its repr, its traceback, or what it came from.'
)
def keeps_secrets_out_of_errors(bench: Bench) -> None:
    for driver in _drivers(bench):
        for call in _calls(bench, driver):
            try:
                call()
            except exceptions.MetalError as exc:
                _look_into(bench, 'an error', recording.texts_of(exc))


@TOPIC.rule(
    'No secret is in what the driver and its libraries log, at DEBUG, or '
    'print, nor on the command line of a program that is run.'
)
def keeps_secrets_out_of_logs(bench: Bench) -> None:
    secrets = bench.secrets
    with recording.recorded() as found:
        drivers = [*_drivers(bench), bench.twin()]
        for driver in drivers:
            for call in (*_calls(bench, driver), driver.check):
                with contextlib.suppress(exceptions.MetalError):
                    call()
        drivers[-1].close()
    redact = redaction.Redactor(secrets)
    for what, text in found.texts:
        seen.require(not redact.finds(text), f'a secret is in {what}')


@TOPIC.rule(
    'No secret is in what the driver and its libraries log or print where a '
    'node is powered off.',
    changes=True,
)
def keeps_secrets_out_of_logs_when_switching(bench: Bench) -> None:
    node = bench.switchable_node()
    redact = redaction.Redactor(bench.secrets)
    with recording.recorded() as found:
        bench.switch(node.id, PowerState.OFF)
        bench.settle(node.id, PowerState.OFF)
    for what, text in found.texts:
        seen.require(not redact.finds(text), f'a secret is in {what}')


def _drivers(bench: Bench) -> list[base.MetalDriver]:
    """The driver, and those in trouble that can be made.

    :raises NotTried: no secret is known.
    """
    assert bench.secrets  # noqa: S101, for what it raises
    drivers = [bench.driver]
    for name, make in (
        ('create_unreachable_driver', bench.unreachable),
        ('create_unauthorised_driver', bench.unauthorised),
    ):
        if bench.gives(name):
            with contextlib.suppress(NotTried):
                drivers.append(make())
    return drivers


def _calls(
    bench: Bench, driver: base.MetalDriver
) -> Iterable[Callable[[], object]]:
    """What asks for nodes."""
    return (
        driver.list_nodes,
        lambda: driver.get_node(bench.unknown_id),
        lambda: driver.find_nodes(bench.unknown_id),
        lambda: driver.get_power_states([bench.unknown_id]),
    )


def _look_into(bench: Bench, what: str, texts: Iterable[str]) -> None:
    """:raises Broken: a secret is in one of them."""
    redact = redaction.Redactor(bench.secrets)
    for text in texts:
        seen.require(not redact.finds(text), f'a secret is in {what}')
