# SPDX-License-Identifier: Apache-2.0
"""Rules about secrets: passwords, tokens, keys."""

from __future__ import annotations

import traceback
from collections.abc import Iterable

from metal_drivers import exceptions
from metal_drivers.conformance import hooks, seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Topic
from metal_drivers.redaction import Redactor

TOPIC = Topic(
    'secrets',
    'Secrets',
    'A secret is looked for in clear, in base64 and percent-encoded.',
)


@TOPIC.rule('An option whose value is a secret is registered as secret.')
def options_for_secrets_are_secret(bench: Bench) -> None:
    values, secrets = bench.config(), bench.secrets
    for opt in bench.kind.get_config_opts():
        if values.get(opt.dest) in secrets:
            seen.require(opt.secret, f'the option {opt.dest} is not secret')


@TOPIC.rule('No secret is in the repr of the driver.')
def keeps_secrets_out_of_its_repr(bench: Bench) -> None:
    look_into(bench, 'the repr of the driver', [repr(bench.driver)])


@TOPIC.rule('No secret is in what check() reports.')
def keeps_secrets_out_of_checks(bench: Bench) -> None:
    drivers = [bench.driver]
    if hooks.gives(bench.hooks, 'create_unreachable_driver'):
        drivers.append(bench.unreachable())
    for driver in drivers:
        texts = [repr(each) for each in driver.check()]
        look_into(bench, 'a result of check()', texts)


@TOPIC.rule('No secret is in an error, its repr or its traceback.')
def keeps_secrets_out_of_errors(bench: Bench) -> None:
    drivers = [bench.driver]
    if hooks.gives(bench.hooks, 'create_unreachable_driver'):
        drivers.append(bench.unreachable())
    for driver in drivers:
        for call in (
            lambda driver=driver: driver.get_node(bench.unknown_id),
            driver.list_nodes,
        ):
            try:
                call()
            except exceptions.MetalError as exc:
                look_into(bench, 'an error', texts_of(exc))


def look_into(bench: Bench, what: str, texts: Iterable[str]) -> None:
    """:raises Broken: a secret is in one of them."""
    redact = Redactor(bench.secrets)
    for text in texts:
        seen.require(redact(text) == text, f'a secret is in {what}')


def texts_of(exc: BaseException) -> list[str]:
    """What an exception may be shown as."""
    return [str(exc), repr(exc), *traceback.format_exception(exc)]
