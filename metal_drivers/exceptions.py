# SPDX-License-Identifier: Apache-2.0
"""One tree of errors, sorted by what the caller can do about them.

A message says what was tried, on what, and what came back; ``cure`` says
what to do next. Both are for people, and neither ever holds a secret.
"""

from __future__ import annotations


class MetalError(Exception):
    """The root of everything that this package raises on purpose.

    :param message: what was tried, on which node and service, and what
        came back.
    :param cure: what the reader can do about it.
    """

    #: The cure for errors that bring none of their own.
    cure = ''
    #: The status of the HTTP reply, where there was one.
    status: int | None = None

    def __init__(self, message: str, *, cure: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if cure is not None:
            self.cure = cure

    def __str__(self) -> str:
        if not self.cure:
            return self.message
        return f'{self.message.rstrip(".")}. {self.cure}'


class ConfigurationError(MetalError):
    """The configuration has to be fixed: retrying will not help.

    :param driver: the driver that is concerned, where there is one.
    :param options: the names of the options that are missing or wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        cure: str | None = None,
        driver: str | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, cure=cure)
        self.driver = driver
        self.options = options


class AuthenticationError(MetalError):
    """The service does not know us, or does not let us: the credentials
    or the roles behind them have to be fixed."""

    cure = 'Check the user, the password and the roles in the configuration.'


class NotFoundError(MetalError):
    """The service has no such node, host or service."""


class RefusedError(MetalError):
    """The service, or a guard of ours, forbids it; nothing was changed.

    To try again without a change helps nothing.
    """


class UnsupportedError(RefusedError):
    """The service cannot do that to this node, and never will."""


class BusyError(MetalError):
    """Someone else is at work on the node; nothing was changed.

    To try again later helps.
    """

    cure = 'Try again when that has ended.'


class UnavailableError(MetalError):
    """The service cannot be reached, or cannot answer at this time.

    Whether a request that was on its way was carried out is not known.
    """


class TimedOutError(UnavailableError):
    """No end was seen in time: the state is not known; ask first."""

    cure = 'Check the state before doing anything else.'


class ProtocolError(MetalError):
    """A reply that is not what the service promises."""

    cure = (
        'Check that the URL is that of the service itself and that its '
        'version is supported.'
    )


class DriverError(ProtocolError):
    """The driver broke its contract: it raised, or returned, what it must
    not. Where it was asked for a change, that may have been carried out.
    """

    cure = 'Report it to the author of the driver.'
