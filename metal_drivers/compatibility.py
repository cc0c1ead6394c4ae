# SPDX-License-Identifier: Apache-2.0
"""Which drivers this release can work with.

The driver contract has a version, (major, minor): that of the release which
changed it last. A major version may break drivers, a minor one only adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

#: The version of the driver contract of this release.
CONTRACT: tuple[int, int] = (1, 0)

#: The older major versions whose drivers still load, each with the day
#: (``YYYY-MM-DD``) up to which every release loads them: a year after the
#: first release with the next major version. What ends support is a
#: release, never the clock of a host.
SUPPORTED_UNTIL: Mapping[int, str] = {}


class Verdict(NamedTuple):
    """Whether a driver can be used: yes, where both are empty."""

    #: Why it cannot.
    refusal: str = ''
    #: It can, but for how long.
    warning: str = ''


def is_version(value: object) -> bool:
    """Whether it is the version of a contract: a major version from 1, and
    a minor one from 0."""
    return (
        isinstance(value, tuple)
        and [type(number) for number in value] == [int, int]
        and value >= (1, 0)
        and value[1] >= 0
    )


def judge(
    written_for: tuple[int, int],
    contract: tuple[int, int],
    supported_until: Mapping[int, str],
    distribution: str,
) -> Verdict:
    """Whether a driver that was written for one version of the contract
    works with another.

    :param supported_until: as :data:`SUPPORTED_UNTIL`.
    :param distribution: that of the driver.

    A newer one is refused even if only its minor version is newer: the
    driver may call what is not here, and would fail when it powers a host.
    """
    text = f'it is written for version {shown(written_for)} of the driver '
    if written_for > contract:
        return Verdict(
            f'{text}contract, and here is {shown(contract)}: it needs '
            f'watcher-metal-drivers {_release(written_for)} or newer; upgrade '
            f'that, or uninstall {distribution}'
        )
    cure = f'upgrade {distribution}, or uninstall {distribution}'
    major = written_for[0]
    if major == contract[0]:
        return Verdict()
    if major not in supported_until:
        return Verdict(
            f'{text}contract, which is no longer supported: here is '
            f'{shown(contract)}; {cure}'
        )
    return Verdict(
        warning=f'{text}contract; that is supported until '
        f'{supported_until[major]}, here is {shown(contract)}; {cure}'
    )


def shown(version: tuple[int, int]) -> str:
    """``1.0``."""
    return f'{version[0]}.{version[1]}'


def _release(version: tuple[int, int]) -> str:
    """The first release that has this version of the contract."""
    major, minor = version
    return shown(version) if minor else str(major)
