# SPDX-License-Identifier: Apache-2.0
"""Rules about the status of an HTTP reply, and the error that it is."""

from __future__ import annotations

from collections.abc import Mapping

from metal_drivers import exceptions
from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Topic
from metal_drivers.model import PowerState

TOPIC = Topic(
    'statuses',
    'The status of a reply',
    'What the caller does depends on the class of the error: BusyError and '
    'RefusedError say that nothing was changed.',
)

Errors = tuple[type[exceptions.MetalError], ...]

_AUTHENTICATION: Errors = (exceptions.AuthenticationError,)
_BUSY: Errors = (exceptions.BusyError,)
_NOT_FOUND: Errors = (exceptions.NotFoundError,)
_PROTOCOL: Errors = (exceptions.ProtocolError,)
_REFUSED: Errors = (exceptions.RefusedError,)
_UNAVAILABLE: Errors = (exceptions.UnavailableError,)
_CONFIGURATION: Errors = (exceptions.ConfigurationError,)

#: What a reply with that status may be raised as, where a node is shown.
SHOWING: Mapping[int, Errors] = {
    302: _PROTOCOL,
    400: _REFUSED + _NOT_FOUND,
    401: _AUTHENTICATION,
    403: _AUTHENTICATION,
    404: _NOT_FOUND,
    409: _BUSY + _REFUSED + _UNAVAILABLE,
    423: _REFUSED + _BUSY,
    429: _BUSY + _UNAVAILABLE,
    500: _UNAVAILABLE,
    502: _UNAVAILABLE,
    503: _UNAVAILABLE + _BUSY,
    504: _UNAVAILABLE,
}

#: Where all are listed: a service that has no list is not the right one.
LISTING: Mapping[int, Errors] = {
    **SHOWING,
    400: _REFUSED + _PROTOCOL + _CONFIGURATION,
    404: _NOT_FOUND + _PROTOCOL,
    409: _BUSY + _REFUSED + _UNAVAILABLE + _PROTOCOL,
    423: _REFUSED + _BUSY + _PROTOCOL,
}

#: Where a node is powered off or on.
SWITCHING: Mapping[int, Errors] = {
    **SHOWING,
    400: _REFUSED,
    403: _AUTHENTICATION + _REFUSED,
    409: _BUSY + _REFUSED,
}

#: What is no reply of any service.
_PAGE = b'<html><h1>Sign in</h1></html>'


@TOPIC.rule(
    'Where list_nodes() is answered with an error, it raises the error that '
    'belongs to the status, and returns no list.',
    needs=('fail_with',),
)
def status_when_listing(bench: Bench) -> None:
    bench.nodes()
    for status, errors in LISTING.items():
        with bench.having(bench.hooks.fail_with(status)):
            seen.raises(
                errors,
                f'list_nodes(), answered with {status},',
                bench.driver.list_nodes,
            )


@TOPIC.rule(
    'Where get_node() is answered with an error, it raises the error that '
    'belongs to the status.',
    needs=('fail_with',),
)
def status_when_showing(bench: Bench) -> None:
    node = bench.nodes()[0]
    for status, errors in SHOWING.items():
        with bench.having(bench.hooks.fail_with(status)):
            seen.raises(
                errors,
                f'get_node(), answered with {status},',
                lambda: bench.driver.get_node(node.id),
            )


@TOPIC.rule(
    'Where set_power_state() is answered with an error, it raises the error '
    'that belongs to the status: after 5xx the request may have been carried '
    'out, after BusyError and RefusedError it was not.',
    needs=('fail_with',),
    changes=True,
)
def status_when_switching(bench: Bench) -> None:
    node = bench.switchable_node()
    for status, errors in SWITCHING.items():
        with bench.having(bench.hooks.fail_with(status)):
            seen.raises(
                errors,
                f'set_power_state(), answered with {status},',
                lambda: bench.switch(node.id, PowerState.OFF),
            )


@TOPIC.rule(
    'get_power_states() raises an AuthenticationError for 401; for any other '
    'status each state is UNKNOWN.',
    needs=('fail_with',),
)
def status_of_power_states(bench: Bench) -> None:
    ids = [node.id for node in bench.nodes()]
    with bench.having(bench.hooks.fail_with(401)):
        seen.raises(
            exceptions.AuthenticationError,
            'get_power_states(), answered with 401,',
            lambda: bench.driver.get_power_states(ids),
        )
    for status in (404, 409, 500, 503):
        with bench.having(bench.hooks.fail_with(status)):
            seen.equal(
                dict.fromkeys(ids, PowerState.UNKNOWN),
                dict(bench.driver.get_power_states(ids)),
                f'get_power_states(), answered with {status}',
            )


@TOPIC.rule(
    'A page of HTML, such as a login page, and an empty body are a '
    'ProtocolError where nodes are asked for.',
    needs=('fail_with',),
)
def odd_reply_is_a_protocol_error(bench: Bench) -> None:
    node = bench.nodes()[0]
    for body in (_PAGE, b'', b'null', b'7'):
        with bench.having(bench.hooks.fail_with(200, body)):
            for what, call in (
                ('list_nodes()', bench.driver.list_nodes),
                ('get_node()', lambda: bench.driver.get_node(node.id)),
            ):
                seen.raises(
                    exceptions.ProtocolError,
                    f'{what}, answered with {body.decode()!r},',
                    call,
                )
