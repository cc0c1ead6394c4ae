# SPDX-License-Identifier: Apache-2.0
"""Requests and replies, as the emulators see them."""

import dataclasses
import json
import re
import urllib.parse
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Headers = Sequence[tuple[str, str]]
Match = Callable[['Request'], bool]

_UUID = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', re.I)


# What oslo.utils' bool_from_string accepts.
_TRUE = ('1', 't', 'true', 'on', 'y', 'yes')
_FALSE = ('0', 'f', 'false', 'off', 'n', 'no')


def loose_bool(text: str) -> bool | None:
    """A boolean as oslo.utils reads it, None where it is none."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def not_a_bool(text: str) -> str:
    """How oslo.utils refuses a word that is no boolean."""
    words = ', '.join(map(repr, sorted(_TRUE + _FALSE)))
    return f"Unrecognized value '{text}', acceptable values are: {words}"


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


@dataclasses.dataclass(frozen=True)
class Request:
    """One request that an emulator received.

    :ivar path: decoded, without the query
    :ivar target: as it stood in the request line
    :ivar query: every value of every parameter, blank ones included
    :ivar headers: names are matched without regard to case
    :ivar at: when it arrived, ``time.monotonic()`` seconds
    """

    method: str
    path: str
    target: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes
    at: float
    scheme: str = 'http'

    @property
    def host_url(self) -> str:
        """The address that the client asked, for links in replies."""
        return f'{self.scheme}://{self.headers.get("Host", "")}'

    def json(self) -> Any:
        """The body. :raises ValueError: it is not JSON."""
        return json.loads(self.body)

    def last(self, name: str) -> str | None:
        """The last value of a query parameter, None where it is not set."""
        values = self.query.get(name)
        return values[-1] if values else None


@dataclasses.dataclass(frozen=True)
class Reply:
    """An answer; ``body`` is sent as it is, so it may be prebuilt."""

    status: int = 200
    body: bytes = b''
    content_type: str | None = 'application/json'
    headers: Headers = ()

    def with_headers(self, *headers: tuple[str, str]) -> 'Reply':
        return dataclasses.replace(self, headers=(*self.headers, *headers))


class Refusal(Exception):
    """Raised by a route to answer with an error."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status, reply.body)
        self.reply = reply


def json_reply(
    value: object,
    status: int = 200,
    headers: Headers = (),
    content_type: str = 'application/json',
) -> Reply:
    return Reply(status, json.dumps(value).encode(), content_type, headers)


def request_id() -> str:
    return f'req-{uuid.uuid4()}'


def unauthorized(auth_url: str) -> Reply:
    """What keystonemiddleware 401s look like, in Nova and in Ironic.

    Measured on Nova 34.0.0 and Ironic 39.0.0.
    """
    return json_reply(
        {
            'error': {
                'code': 401,
                'title': 'Unauthorized',
                'message': 'The request you have made requires '
                'authentication.',
            }
        },
        401,
        [('WWW-Authenticate', f'Keystone uri="{auth_url}"')],
    )


def matching(
    method: str | None = None, path: str = '.*', **query: str
) -> Match:
    """A predicate for ``fail``, ``count`` and ``wait_for``.

    :param path: a regular expression for the whole path
    :param query: parameters whose last value has to be this
    """
    pattern = re.compile(path)

    def match(request: Request) -> bool:
        return (
            method in (None, request.method)
            and pattern.fullmatch(request.path) is not None
            and all(request.last(k) == v for k, v in query.items())
        )

    return match


def parse_target(target: str) -> tuple[str, dict[str, list[str]]]:
    """Split a request target into its decoded path and its query."""
    path, _, query = target.partition('?')
    return (
        urllib.parse.unquote(path),
        urllib.parse.parse_qs(query, keep_blank_values=True),
    )
