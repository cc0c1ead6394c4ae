# SPDX-License-Identifier: Apache-2.0
"""OAuth 1.0 PLAINTEXT as MAAS checks it, and who was sent a secret."""

import re
import time
import urllib.parse
import uuid
from collections.abc import Iterable

from metal_drivers_tests.emulators import maas_state, messages

# How many seconds a request may be behind, as measured; ahead is no matter.
THRESHOLD = 300


class Authenticator:
    """Knows who a request is from.

    What a request of a wrong secret is answered contains the true one, as
    MAAS 3.4.1 and 3.7.3 do it.
    """

    def __init__(self, region: maas_state.Region) -> None:
        self.users: dict[str, maas_state.User] = {}
        self._region = region
        self._nonces: set[tuple[str, str]] = set()

    def user(self, request: messages.Request) -> maas_state.User:
        """:raises Refusal: it is from nobody that is known"""
        header = request.headers.get('Authorization', '')
        if not is_signed(request):
            # [src]: the recordings have no request without a signature.
            raise messages.Refusal(
                messages.Reply(401, b'Forbidden', 'text/plain')
            )
        given = {
            name: urllib.parse.unquote(value)
            for name, value in re.findall(r'(\w+)="([^"]*)"', header)
        }
        user = self._owner(given)
        self._check_time(given)
        self._check_nonce(given)
        expected = f'&{user.token_secret}'
        if given.get('oauth_signature') != expected:
            raise _refuse_quoted(
                'Invalid signature. Expected signature base string: '
                + expected
            )
        return user

    def _owner(self, given: dict[str, str]) -> maas_state.User:
        consumer = given.get('oauth_consumer_key')
        token = given.get('oauth_token')
        users = list(self.users.values())
        if consumer not in [user.consumer_key for user in users]:
            raise _refuse('Authorization Error: Invalid API key.')
        for user in users:
            if (consumer, token) == (user.consumer_key, user.token_key):
                return user
        raise _refuse_quoted(f'Invalid access token: {token}')

    def _check_time(self, given: dict[str, str]) -> None:
        now = int(time.time() + self._region.clock_skew)
        then = int(given.get('oauth_timestamp') or 0)
        if now - then > THRESHOLD:
            raise _refuse_quoted(
                f'Expired timestamp: given {then} and now {now} has a '
                f'greater difference than threshold {THRESHOLD}'
            )

    def _check_nonce(self, given: dict[str, str]) -> None:
        # [src]: the same request a second time, as HTTP libraries repeat
        # it, is refused.
        nonce = given.get('oauth_nonce', '')
        key = given['oauth_token'], nonce
        if key in self._nonces:
            raise _refuse_quoted(f'Nonce already used: {nonce}')
        self._nonces.add(key)


def is_signed(request: messages.Request) -> bool:
    """Whether it says at all who it is from."""
    return request.headers.get('Authorization', '').startswith('OAuth ')


def sign(apikey: str, timestamp: float | None = None) -> str:
    """An ``Authorization`` header, as python-libmaas makes it."""
    consumer, token, secret = apikey.split(':')
    seconds = int(time.time() if timestamp is None else timestamp)
    fields = {
        'oauth_nonce': uuid.uuid4().hex,
        'oauth_timestamp': str(seconds),
        'oauth_version': '1.0',
        'oauth_signature_method': 'PLAINTEXT',
        'oauth_consumer_key': consumer,
        'oauth_token': token,
        'oauth_signature': urllib.parse.quote(f'&{secret}', safe=''),
    }
    pairs = ', '.join(f'{name}="{value}"' for name, value in fields.items())
    return f'OAuth realm="OAuth", {pairs}'


def carries(secret: str) -> messages.Match:
    """A predicate: somewhere in the request is this text.

    For ``count``, ``wait_for`` and ``fail`` of any emulator, so that it
    shows too whether a credential went to a server that is not MAAS.
    """
    forms = {secret, urllib.parse.quote(secret, safe='')}

    def match(request: messages.Request) -> bool:
        texts: Iterable[str] = (
            request.target,
            *request.headers.values(),
            request.body.decode('latin-1'),
        )
        return any(form in text for text in texts for form in forms)

    return match


def _refuse_quoted(message: str) -> messages.Refusal:
    return _refuse(f'Authorization Error: {message!r}')


def _refuse(text: str) -> messages.Refusal:
    return messages.Refusal(
        messages.Reply(401, text.encode(), 'text/html; charset=utf-8')
    )
