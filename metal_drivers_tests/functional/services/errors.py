# SPDX-License-Identifier: Apache-2.0
"""What can go wrong while a service is being brought up or used."""

import fixtures


class ServiceError(Exception):
    """Anything the services of this package raise themselves."""


class ServiceUnavailable(ServiceError):
    """This machine cannot run the service; tests may skip with the reason."""


class InstallError(ServiceUnavailable):
    """pip or apt failed; the message ends with what it said."""


class ServiceDied(ServiceError):
    """A process ended, or gave up, while somebody waited for it."""


class WaitTimeout(ServiceError):
    """Something did not come true before its deadline."""


class RequestFailed(ServiceError):
    """An HTTP reply of 400 or above.

    :ivar status: its status code.
    :ivar body: its text, whatever the content type.
    """

    def __init__(self, method: str, url: str, status: int, body: str) -> None:
        super().__init__(f'{method} {url}: {status} {body[:500]}')
        self.status = status
        self.body = body


def root_cause(error: BaseException) -> BaseException:
    """Return what a fixture's set up really failed with.

    fixtures wraps it in MultipleExceptions, once for each fixture that was
    being set up inside another.
    """
    while isinstance(error, fixtures.MultipleExceptions):
        # Its args are (type, value, traceback), the original error first.
        error = error.args[0][1]
    return error
