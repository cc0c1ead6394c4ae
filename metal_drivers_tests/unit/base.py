# SPDX-License-Identifier: Apache-2.0
"""What the unit tests share."""

from collections.abc import Callable, Mapping
from typing import Any

import fixtures
import testtools
from oslo_config import cfg

from metal_drivers import exceptions


class TestCase(testtools.TestCase):
    """A unit test."""

    def conf_file(
        self, text: str = '', /, **sections: Mapping[str, Any]
    ) -> str:
        """The path of a configuration file.

        :param text: what it begins with.
        :param sections: further sections by name, and their options.
        """
        for name, options in sections.items():
            lines = [f'{key} = {value}' for key, value in options.items()]
            text += '\n'.join(['', f'[{name}]', *lines, ''])
        home = self.useFixture(fixtures.TempDir())
        path: str = home.join('metal.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def conf(
        self, text: str = '', /, **sections: Mapping[str, Any]
    ) -> cfg.ConfigOpts:
        """A configuration that is read from such a file."""
        conf = cfg.ConfigOpts()
        conf([f'--config-file={self.conf_file(text, **sections)}'])
        return conf

    def refusal(
        self, function: Callable[..., object], *args: Any, **kwargs: Any
    ) -> exceptions.ConfigurationError:
        """The configuration error that this call ends with."""
        try:
            result = function(*args, **kwargs)
        except exceptions.ConfigurationError as exc:
            return exc
        raise AssertionError(f'not refused, but {result!r}')
