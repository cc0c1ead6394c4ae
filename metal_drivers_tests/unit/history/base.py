# SPDX-License-Identifier: Apache-2.0
"""What the tests of the history share."""

import json
import pathlib
from typing import Any

import fixtures

from metal_drivers.energy import Watts
from metal_drivers.history import file, recorder
from metal_drivers_tests.unit.power import base, simulator

OURS = base.OURS

#: Who asks, in these tests.
BY = {'command': 'metal-drivers node power off', 'user': 'ada'}


class SimCloud(simulator.SimCloud):
    """Its transitions are recorded."""

    def __init__(self, path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file.HistoryFile(path)
        self.watts = Watts(default=150.0)

    def engine(self, **settings: Any) -> Any:
        engine = super().engine(**settings)
        engine._watch = recorder.Recorder(
            self.file, self.watts, self.clock
        ).beside(self.events.append, BY)
        return engine


class HistoryCase(base.PowerCase):
    """A test with a cloud of one node, and the history of it."""

    def setUp(self) -> None:
        super().setUp()
        home = self.useFixture(fixtures.TempDir())
        self.path = pathlib.Path(home.join('history.jsonl'))
        self.history = SimCloud(str(self.path))
        self.addCleanup(self.history.file.close)
        self.use(self.history)

    def lines(self) -> list[dict[str, Any]]:
        text = self.path.read_text(encoding='utf-8')
        self.assertTrue(text.endswith('\n'))
        return [json.loads(line) for line in text.splitlines()]
