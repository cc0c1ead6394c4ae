# SPDX-License-Identifier: Apache-2.0
"""Waiting for something to become true, with a deadline."""

from collections.abc import Callable
from typing import TypeVar

import tenacity

from metal_drivers_tests.functional.services import errors

T = TypeVar('T')


def wait_until(
    probe: Callable[[], T],
    what: str,
    timeout: float = 60.0,
    interval: float = 0.2,
) -> T:
    """Call ``probe`` until it returns something true, and return that.

    :param what: completes the sentence "timed out waiting for ...".
    :param timeout: seconds, counted from now.
    :param interval: seconds between two calls.
    :raises WaitTimeout: if it never did. What ``probe`` raises passes.
    """
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_delay(timeout),
        wait=tenacity.wait_fixed(interval),
        retry=tenacity.retry_if_not_result(bool),
    )
    try:
        return retrying(probe)
    except tenacity.RetryError:
        raise errors.WaitTimeout(
            f'timed out after {timeout:g} s waiting for {what}'
        ) from None
