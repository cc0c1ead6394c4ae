# SPDX-License-Identifier: Apache-2.0
"""What the fixtures for whole services have in common."""

import logging
import pathlib
from typing import Self

import fixtures

from metal_drivers_tests.functional.services import errors, venvs, workspace

LOG = logging.getLogger(__name__)


class ServiceFixture(fixtures.Fixture):
    """A service with a temporary directory for its state.

    A subclass has a ``name`` and implements ``_start``.

    :param say: called with one sentence before whatever takes long.
    """

    name: str

    def __init__(self, say: venvs.Say | None = None) -> None:
        super().__init__()
        self.say: venvs.Say = say or LOG.info

    def __enter__(self) -> Self:
        # Without a test around it nobody reads the details that
        # MultipleExceptions carries; a plain error says it better.
        try:
            return super().__enter__()
        except fixtures.MultipleExceptions as error:
            raise errors.root_cause(error) from None

    def _setUp(self) -> None:
        run = self.useFixture(workspace.RunDirectory(self.name))
        self.directory: pathlib.Path = run.path
        with run.kept_on_error():
            self._start()

    def _start(self) -> None:
        raise NotImplementedError
