# SPDX-License-Identifier: Apache-2.0
"""JSON over HTTP, as little of it as the services need."""

from collections.abc import Mapping
from typing import Any

import requests
import requests.auth

from metal_drivers_tests.functional.services import errors


class Rest:
    """One endpoint.

    :param url: what every path is appended to.
    :param auth: what requests takes: a pair, or an AuthBase.
    :param timeout: seconds without an answer.
    """

    def __init__(
        self,
        url: str,
        auth: tuple[str, str] | requests.auth.AuthBase | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> None:
        self.url = url
        self._auth = auth
        self._headers = dict(headers or {})
        self._timeout = timeout

    def request(
        self,
        method: str,
        path: str,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the decoded body of the reply, None if it has none.

        It raises what ``send`` raises.
        """
        reply = self.send(method, path, json, headers)
        return reply.json() if reply.content else None

    def send(
        self,
        method: str,
        path: str,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> requests.Response:
        """Return the whole reply.

        A connection for each request: threads need not take turns, and a
        service may be restarted in between.

        :raises RequestFailed: for a status of 400 or above.
        :raises requests.RequestException: if there is no reply.
        """
        with requests.Session() as session:
            # Neither proxies nor ~/.netrc are meant for loopback.
            session.trust_env = False
            reply = session.request(
                method,
                self.url + path,
                json=json,
                data=data,
                headers={**self._headers, **(headers or {})},
                auth=self._auth,
                timeout=self._timeout,
            )
        if reply.status_code >= 400:
            raise errors.RequestFailed(
                method, reply.url, reply.status_code, reply.text
            )
        return reply
