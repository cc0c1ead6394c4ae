# SPDX-License-Identifier: Apache-2.0
"""What a driver raises, made fit to be shown."""

from __future__ import annotations

import dataclasses
import sys

from metal_drivers import _text, exceptions, redaction


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """Whose driver, or hook, it is, and what it must not tell."""

    name: str
    distribution: str
    redact: redaction.Redactor
    #: What it is.
    noun: str = 'driver'

    @property
    def label(self) -> str:
        return f'The {self.noun} {self.name} of {self.distribution}'

    def said(self, exc: BaseException) -> str:
        """The type of an exception, and what it says, cleaned."""
        return _text.said(exc, self.redact)

    def broke(self, what: str) -> exceptions.DriverError:
        """It broke its contract; ``what`` may be of its own."""
        what = ' '.join(self.redact(what).split())
        return exceptions.DriverError(
            f'{self.label} broke its contract: {what}',
            cure=f'This must be fixed in the {self.noun}: report it to its '
            'author, with the output of --debug.',
        )

    def named(self, call: str, exc: BaseException) -> exceptions.DriverError:
        """For an exception that a driver must not raise."""
        error = self.broke(f'{call} raised {self.said(exc)}')
        error.__cause__ = redaction.redacted(exc, self.redact)
        return error

    def tidy(
        self, call: str, exc: exceptions.MetalError
    ) -> exceptions.MetalError:
        """The driver's own error, in one line and without secrets.

        Its class may be the driver's own, and lack what ours set.
        """
        try:
            exc.message = self._line(self._message(call, exc))
            cure = self._line(exc.cure)
            if cure != exc.cure:
                exc.cure = cure
            exc.args = tuple(
                self.redact(each) if isinstance(each, str) else each
                for each in exc.args
            )
            said = str(exc)
            shown = self._line(said) == said
        except Exception:
            shown = False
        if not shown:  # it has a text of its own
            return self.named(call, exc)
        redaction.hide_causes(exc, self.redact)
        return exc

    def _message(self, call: str, exc: exceptions.MetalError) -> str:
        first = exc.args[0] if exc.args else None
        match getattr(exc, 'message', first):
            case str(text):
                return text
            case BaseException() as cause:
                return self.said(cause)
        return f'{self.label}: {call} raised {type(exc).__name__}'

    def _line(self, text: str) -> str:
        text = self.redact(text)
        return ' '.join(text.split()) if len(text.splitlines()) > 1 else text


def interrupts(exc: BaseException) -> bool:
    """Whether the owner of this thread ends it: then it does not concern
    the driver."""
    greenlet = sys.modules.get('greenlet')
    return isinstance(exc, KeyboardInterrupt) or (
        greenlet is not None and isinstance(exc, greenlet.GreenletExit)
    )
