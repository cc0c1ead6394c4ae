# SPDX-License-Identifier: Apache-2.0
"""Many nodes: a result for each."""

from metal_drivers import exceptions
from metal_drivers.model import Outcome, PowerState
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = simulator.OFF, simulator.ON


class TestEngine(base.PowerCase):
    def setUp(self) -> None:
        super().setUp()
        self.use(simulator.SimCloud(3))

    def outcomes(self, *refs: str) -> list[tuple[str, str]]:
        return [
            (result.name, result.outcome.value)
            for result in self.cloud.switch(OFF, *refs)
        ]

    def test_in_the_order_asked_and_each_once(self) -> None:
        self.assertEqual(
            [('n3 (h3)', 'done'), ('n1 (h1)', 'done')],
            self.outcomes('n3', 'id-1', 'n1', 'h3', 'h1.example', 'n3'),
        )
        self.assertEqual(2, len(self.cloud.driver.requests))

    def test_names_that_fit_none_or_several(self) -> None:
        for number in (1, 2):
            self.cloud.driver.nodes[f'id-{number}'].say(name='twin')
        results = self.cloud.switch(OFF, 'nix', 'twin', 'n3')
        self.assertEqual(
            [Outcome.FAILED, Outcome.REFUSED, Outcome.DONE],
            [result.outcome for result in results],
        )
        self.assertEqual('nix', results[0].node_id)
        self.assertIn("'nix' among 3", results[0].detail)
        self.assertIn('id-1, id-2. Use the id', results[1].detail)

    def test_a_failure_stops_nobody(self) -> None:
        for error, outcome in (
            (exceptions.AuthenticationError('not you'), 'failed'),
            (exceptions.NotFoundError('gone'), 'failed'),
            (exceptions.RefusedError('never'), 'refused'),
            (exceptions.TimedOutError('too late'), 'timed out'),
        ):
            self.use(simulator.SimCloud(2))
            self.cloud.fail(error, 'get_node')
            self.assertEqual(
                [('n1 (h1)', outcome), ('n2 (h2)', 'done')],
                self.outcomes('n1', 'n2'),
            )

    def test_nor_does_a_driver_that_breaks_its_contract(self) -> None:
        self.cloud.fail(TypeError('password=hunter2'), 'set_power_state')
        first, second = self.cloud.switch(OFF, 'n1', 'n2')
        self.assert_ended(
            Outcome.FAILED, first, 'TypeError', '--debug', 'remains disabled'
        )
        self.assertNotIn('hunter2', first.detail)
        self.assert_ended(Outcome.DONE, second)
        # Whether the request arrived is not known.
        self.assert_ours()
        self.assertIn('remains disabled', self.log.output)

    def test_an_interruption_stops_all(self) -> None:
        self.cloud.fail(KeyboardInterrupt(), 'get_node')
        self.assertRaises(KeyboardInterrupt, self.outcomes, 'n1', 'n2')

    def test_a_node_is_switched_on_or_off(self) -> None:
        (member, *_) = self.cloud.fleet().members
        for state in (PowerState.UNKNOWN, PowerState.ERROR):
            self.assertRaises(
                ValueError, self.cloud.engine().switch_one, member, state
            )

    def test_there_and_back_again(self) -> None:
        self.assert_ended(Outcome.DONE, self.cloud.off())
        self.assert_ended(Outcome.DONE, self.cloud.on())
        self.assertEqual(
            [OFF, ON], [sent.state for sent in self.cloud.driver.requests]
        )
        self.assert_enabled()
