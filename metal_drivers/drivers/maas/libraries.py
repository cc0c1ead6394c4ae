# SPDX-License-Identifier: Apache-2.0
"""The optional libraries, and the one place where they are imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metal_drivers import exceptions


class Libraries:
    """Imported when this driver is used.

    :raises ConfigurationError: the extra ``maas`` is not installed.
    """

    def __init__(self) -> None:
        try:
            import aiohttp
            from maas.client import bones
            from maas.client.utils import creds
        except ImportError as exc:
            raise exceptions.ConfigurationError(
                f'The driver maas cannot be used: {exc}',
                cure='Install its libraries: pip install '
                '"watcher-metal-drivers[maas]".',
                driver='maas',
            ) from exc
        self.aiohttp = aiohttp
        self._bones = bones
        self._creds = creds

    def session(self, description: Mapping[str, Any], key: str) -> Any:
        return self._bones.SessionAPI(
            description, self._creds.Credentials.parse(key)
        )

    def call(self, params: Mapping[str, str], action: Any) -> Any:
        return self._bones.CallAPI(params, action)
