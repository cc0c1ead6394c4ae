# SPDX-License-Identifier: Apache-2.0
"""What is between us and a service of OpenStack: TLS, and the clocks."""

from __future__ import annotations

import email.utils
import time
from typing import TYPE_CHECKING

from metal_drivers import certificates
from metal_drivers.model import CheckResult, CheckStatus

if TYPE_CHECKING:
    from keystoneauth1 import session as ks_session

#: Seconds that two clocks may differ. Marks in Nova have times, and say for
#: 60 s that a process may be at work.
_SKEW = 10


def keystone(session: ks_session.Session) -> list[CheckResult]:
    """TLS to Keystone; nothing where it is not used."""
    from keystoneauth1.identity import base

    if not isinstance(session.auth, base.BaseIdentityPlugin):
        return []
    return tls('keystone', str(session.auth.auth_url), session)


def tls(
    service: str, url: str, session: ks_session.Session
) -> list[CheckResult]:
    """TLS to a service; nothing where no token is sent in clear."""
    from keystoneauth1.identity import base

    name = f'{service} tls'
    if not url.startswith('https:'):
        if not isinstance(session.auth, base.BaseIdentityPlugin):
            return []
        return [
            CheckResult(
                name,
                CheckStatus.WARNING,
                f'none for {url}: anyone on the network path can read '
                'passwords and tokens. Use an https URL',
            )
        ]
    if session.verify is False:
        return [
            CheckResult(
                name,
                CheckStatus.WARNING,
                'not verified: anyone on the network path can read '
                'passwords and tokens. Replace insecure by cafile',
            )
        ]
    try:
        context, trusted = certificates.context_of(
            True if session.verify is None else session.verify, session.cert
        )
    except OSError as exc:
        return [
            CheckResult(
                name,
                CheckStatus.FAILED,
                f'cafile, certfile or keyfile cannot be used: {exc}. It is '
                'a file in PEM format',
            )
        ]
    return [certificates.check(name, url, context, trusted, session.timeout)]


def ahead_of(date: str | None) -> float | None:
    """How many seconds the clock of a service is ahead.

    :param date: the header of a reply that has just come, to the second.
    """
    try:
        then = email.utils.parsedate_to_datetime(date or '')
    except ValueError:
        return None
    return then.timestamp() - time.time()


def clock(service: str, ahead: float | None) -> CheckResult:
    """:param ahead: seconds; None: not known."""
    name = f'{service} clock'
    if ahead is None:
        return CheckResult(name, CheckStatus.OK, 'not reported')
    how = 'behind' if ahead > 0 else 'ahead of'
    detail = f'the clock here is {abs(ahead):.0f} s {how} that of the service'
    if abs(ahead) <= _SKEW:
        return CheckResult(name, CheckStatus.OK, detail)
    return CheckResult(
        name,
        CheckStatus.WARNING,
        f'{detail}. Tokens and markers have times: have all hosts use the '
        'same time servers',
    )
