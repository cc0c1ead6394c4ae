# SPDX-License-Identifier: Apache-2.0
"""Makes the checks, one after the other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

from metal_drivers import _text, exceptions, redaction
from metal_drivers.doctor.model import Check, Finding, NotTried, Place, failed
from metal_drivers.model import CheckStatus


def run(
    place: Place,
    checks: Iterable[Check],
    waiting: Callable[[str], contextlib.AbstractContextManager[None]],
) -> Iterator[Finding]:
    """What they find. One that fails, or that raises anything, does not
    keep the others from being made; one that needs it is left out.

    :param waiting: shows whom is waited for.
    """
    redact = redaction.Redactor(place.ours.secrets())
    bad: set[str] = set()
    for check in checks:
        if bad & set(check.needs):
            bad.add(check.name)
            continue
        for found in _findings(place, check, waiting):
            if found.status is CheckStatus.FAILED:
                bad.add(check.name)
            yield Finding(
                found.name,
                found.status,
                redact(' '.join(found.detail.split())),
                tuple(each for each in found.fixes if redact(each) == each),
            )


def _findings(
    place: Place,
    check: Check,
    waiting: Callable[[str], contextlib.AbstractContextManager[None]],
) -> Iterator[Finding]:
    during = waiting(check.asks) if check.asks else contextlib.nullcontext()
    try:
        with during:
            yield from check.run(place)
    except NotTried:
        return
    except exceptions.MetalError as exc:
        yield failed(check.name, str(exc))
    except Exception as exc:
        yield failed(
            check.name,
            f'This check did not end: {_text.said(exc)}. Please report it, '
            'with the output of --debug',
        )
