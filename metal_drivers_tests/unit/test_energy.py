# SPDX-License-Identifier: Apache-2.0
"""How many watts a host saves while it is off: never a figure that nobody
gave."""

from metal_drivers.energy import Watts
from metal_drivers.fleet import Member
from metal_drivers.model import ComputeHost, Node
from metal_drivers_tests.unit import base


def member(
    name: str = 'metal-1',
    host: str = 'compute-1',
    watts: float | None = None,
    labels: tuple[str, ...] = (),
) -> Member:
    return Member(
        Node('n1', name, labels=frozenset(labels), idle_watts=watts),
        ComputeHost('h1', host, f'{host}.example', 'up', 'enabled', 's1'),
    )


class TestWatts(base.TestCase):
    def watts(self, text: str = '', **values: object) -> Watts:
        options = {'idle_watts': text, **values}
        return Watts.from_conf(self.conf(metal_drivers=options))

    def test_nothing_is_invented(self) -> None:
        watts = self.watts()
        self.assertIsNone(watts.of(member()))
        self.assertIsNone(watts.grams(1.0))

    def test_a_number_for_all(self) -> None:
        self.assertEqual(150.0, self.watts('150').of(member()))

    def test_patterns_on_names_and_labels(self) -> None:
        watts = self.watts('150, gpu-*=600, trait:CUSTOM_BIG=450.5')
        self.assertEqual(150, watts.of(member()))
        self.assertEqual(600, watts.of(member(name='GPU-7')))
        self.assertEqual(600, watts.of(member(host='gpu-7')))
        self.assertEqual(450.5, watts.of(member(labels=('custom_big',))))
        # A label is no name, and a name no label.
        self.assertEqual(150, watts.of(member(name='CUSTOM_BIG')))
        self.assertEqual(150, watts.of(member(labels=('gpu-1',))))

    def test_the_first_that_fits_counts(self) -> None:
        watts = self.watts('gpu-*=600, 150, *=90')
        self.assertEqual(600, watts.of(member(host='gpu-7')))
        self.assertEqual(90, watts.of(member()))

    def test_a_node_of_which_the_driver_knows_more(self) -> None:
        watts = self.watts('150, gpu-*=600')
        self.assertEqual(222, watts.of(member(watts=222)))
        self.assertEqual(0, watts.of(member(watts=0)))
        self.assertEqual(600, watts.of(member(host='gpu-7', watts=222)))
        self.assertEqual(222, self.watts().of(member(watts=222)))

    def test_grid_co2(self) -> None:
        self.assertEqual(760.0, self.watts(grid_co2=380).grams(2.0))
        self.refusal(self.watts, grid_co2=-1)

    def test_what_cannot_be_read(self) -> None:
        for text, said in (
            ('many', "'many', which is no number of watts"),
            ('gpu-*=', "'gpu-*=', which is no number"),
            ('gpu-*=-5', 'no number of watts'),
            ('nan', 'no number of watts'),
            ('gpu-*=inf', 'no number of watts'),
            ('=600', 'has no pattern before'),
            ('trait:=600', 'has no pattern before'),
            ('150, 200', "'200', a second number without a pattern"),
        ):
            error = self.refusal(self.watts, text)
            self.assertIn(said, error.message)
            self.assertIn('gpu-*=600', str(error))
