# SPDX-License-Identifier: Apache-2.0
"""What comes back from a driver is what the contract promises, or an error
that names the driver."""

import asyncio
import datetime
from typing import Any

from metal_drivers import (
    Capability,
    MetalDriver,
    Node,
    PowerState,
    boundary,
    exceptions,
)
from metal_drivers.model import CheckResult, CheckStatus
from metal_drivers_tests.unit.boundary import base
from metal_drivers_tests.unit.boundary.base import GOOD, broken

#: Fields that are not of their types, and what the error says.
WRONG_FIELDS: tuple[tuple[dict[str, Any], str], ...] = (
    ({'id': 7}, 'an int as id'),
    ({'id': None}, 'None as id'),
    ({'id': ''}, 'an empty id'),
    ({'name': None}, 'None as name'),
    ({'power_state': 'off'}, 'a str as power_state'),
    ({'power_state': None}, 'None as power_state'),
    ({'observed_at': 'now'}, 'a str as observed_at'),
    ({'observed_at': datetime.datetime(2026, 3, 1)}, 'a time zone'),
    ({'powered_on_at': 'now'}, 'a str as powered_on_at'),
    ({'powered_on_at': datetime.datetime(2026, 3, 1)}, 'a time zone'),
    ({'target': 'on'}, 'a str as target'),
    ({'hypervisor_id': 3}, 'an int as hypervisor_id'),
    ({'host_names': 'h1'}, 'a str as host_names'),
    ({'host_names': ['h1']}, 'a list as host_names'),
    ({'host_names': ('h1', None)}, 'None in host_names'),
    ({'maintenance': True}, 'a bool as maintenance'),
    ({'locked': False}, 'a bool as locked'),
    ({'busy': 0}, 'an int as busy'),
    ({'keep_on': True}, 'a bool as keep_on'),
    ({'keep_off': []}, 'a list as keep_off'),
    ({'soft_off': 'no'}, 'a str as soft_off'),
    ({'soft_off': None}, 'None as soft_off'),
    ({'fault': ValueError()}, 'a ValueError as fault'),
    ({'idle_watts': '150'}, 'a str as idle_watts'),
    ({'idle_watts': True}, 'True as idle_watts'),
    ({'idle_watts': -1.0}, '-1.0 as idle_watts'),
    ({'idle_watts': float('nan')}, 'nan as idle_watts'),
    ({'labels': {'gold'}}, 'a set as labels'),
    ({'labels': frozenset({1})}, 'an int in labels'),
    ({'details': None}, 'None as details'),
    ({'details': {1: 2}}, 'an int in details'),
)


class Text(str):
    """A text all the same."""


class TestNodes(base.BoundaryCase):
    def test_a_good_node_is_returned_as_it_is(self) -> None:
        self.assertIs(GOOD, self.driver.list_nodes()[0])
        self.assertIs(GOOD, self.driver.get_node('n1'))

    def test_any_finite_iterable_of_nodes_will_do(self) -> None:
        node = Node(Text('n2'), Text('two'))
        self.acme.do['list_nodes'] = lambda: iter((GOOD, node))
        self.assertEqual([GOOD, node], self.driver.list_nodes())

    def test_fields_of_wrong_types(self) -> None:
        for fields, said in WRONG_FIELDS:
            node = broken(GOOD, **fields)
            self.acme.do['list_nodes'] = lambda node=node: [GOOD, node]
            self.acme.do['get_node'] = lambda node_id, node=node: node
            self.broke('list_nodes', said)
            self.broke('get_node', said)

    def test_what_is_no_list_of_nodes(self) -> None:
        for found, said in (
            (None, 'returned None'),
            (7, 'an int'),
            ('n1', 'a str'),
            ({'n1': GOOD}, 'a str among the nodes'),
            ([GOOD, None], 'None among the nodes'),
            ([{'id': 'n1'}], 'a dict among the nodes'),
            ([GOOD, GOOD], "two nodes with the id 'n1'"),
        ):
            self.acme.do['list_nodes'] = lambda found=found: found
            self.broke('list_nodes', said)

    def test_another_node_than_it_was_asked_for(self) -> None:
        for found, said in (
            (broken(GOOD, id='n2'), "node 'n2', not the node"),
            (None, 'None, not a Node'),
            ({'id': 'n1'}, 'a dict'),
            ('n1', 'a str'),
        ):
            self.acme.do['get_node'] = lambda node_id, found=found: found
            self.broke('get_node', "get_node('n1')", said)

    def test_methods_that_nobody_awaits(self) -> None:
        async def later(*args: object) -> Any:
            return await asyncio.sleep(0, [GOOD])

        for name in base.CALLS:
            self.acme.do[name] = later
            self.broke(name, 'a coroutine')


class TestPowerStates(base.BoundaryCase):
    def test_exactly_those_that_were_asked_for(self) -> None:
        on = PowerState.ON
        for found, said in (
            (None, 'None'),
            ([on, on], 'a list'),
            ({'n1': on}, "no power state for node 'n2'"),
            ({'n1': on, 'n2': on, 'n3': on}, "'n3', which was not"),
            ({'n1': on, 'n2': 'on'}, "a str for node 'n2'"),
        ):
            self.acme.do['get_power_states'] = lambda ids, found=found: found
            self.broke('get_power_states', said)

    def test_may_be_asked_with_an_iterator(self) -> None:
        self.assertEqual(
            {'n1': PowerState.ON, 'n2': PowerState.ON},
            self.driver.get_power_states(iter(('n1', 'n2', 'n1'))),
        )

    def test_the_default_does_not_mix_nodes_up(self) -> None:
        """One that answers with another node is unknown, the others are
        told."""

        class Plain(base.AcmeDriver):
            get_power_states = MetalDriver.get_power_states

        plain = Plain({})
        answers: dict[str, Any] = {'n1': GOOD, 'n2': GOOD, 'n3': None}
        plain.do['get_node'] = lambda node_id: answers[node_id]
        self.assertEqual(
            {
                'n1': PowerState.ON,
                'n2': PowerState.UNKNOWN,
                'n3': PowerState.UNKNOWN,
                'n4': PowerState.UNKNOWN,
            },
            boundary.guard(plain).get_power_states(['n1', 'n2', 'n3', 'n4']),
        )


class TestCheck(base.BoundaryCase):
    def test_what_is_a_result_is_kept(self) -> None:
        good = CheckResult('a', CheckStatus.OK)
        last = CheckResult('z', CheckStatus.WARNING)

        def breaks_off() -> Any:
            yield good
            raise KeyError('gone')

        for found, said in (
            ((good, None, last), 'None among its results'),
            ((good, CheckResult('b', True)), "wrong types ('b')"),  # type: ignore[arg-type]
            (breaks_off(), "KeyError: 'gone'"),
        ):
            self.acme.do['check'] = lambda found=found: found
            results = self.driver.check()
            self.assertEqual(good, results[0])
            self.assertIs(CheckStatus.FAILED, results[-1].status)
            self.assertIn(said, results[-1].detail)
            self.assertIn('acme-metal', results[-1].detail)

    def test_without_secrets(self) -> None:
        bad = CheckResult('a', CheckStatus.FAILED, f'401 at {base.SECRET}')
        self.acme.do['check'] = lambda: [bad]
        (result,) = self.driver.check()
        self.assertEqual('401 at ***', result.detail)

    def test_the_default_takes_wild_errors(self) -> None:
        class Plain(base.AcmeDriver):
            check = MetalDriver.check

        plain = Plain({})
        plain.do['list_nodes'] = lambda: [None]
        (result,) = boundary.guard(plain).check()
        self.assertIs(CheckStatus.FAILED, result.status)
        self.assertIn('None among the nodes', result.detail)


class TestDriver(base.BoundaryCase):
    """What is wrong before it is asked for anything."""

    def guard(self, **members: Any) -> exceptions.DriverError:
        driver = type('OddDriver', (base.AcmeDriver,), members)({})
        exc = self.assertRaises(exceptions.DriverError, boundary.guard, driver)
        self.assertIn('report it to its author', str(exc))
        self.assertIn('driver odd of', str(exc))
        return exc

    def test_capabilities(self) -> None:
        for found, said in (
            (None, 'None'),
            ('soft-off', 'a str'),
            ({'soft-off'}, 'a str in it'),
        ):
            self.assertIn(said, str(self.guard(capabilities=found)))

    def test_methods_that_cannot_be_called(self) -> None:
        def short(self: object, node_id: str, state: PowerState) -> None:
            pass

        exc = self.guard(set_power_state=short)
        self.assertIn('set_power_state() has other arguments', str(exc))

    def test_a_time_out_is_taken_where_it_is_promised(self) -> None:
        def short(self: object, node_id: str, state: Any, mode: Any) -> None:
            pass

        boundary.guard(
            type('A', (base.AcmeDriver,), {'set_power_state': short})({})
        )
        self.guard(
            set_power_state=short,
            capabilities=frozenset({Capability.SOFT_OFF_TIMEOUT}),
        )

    def test_max_concurrent(self) -> None:
        class Plain(base.AcmeDriver):
            get_power_states = MetalDriver.get_power_states

        for most in ('ten', 0, None):
            plain = Plain({})
            vars(plain)['max_concurrent'] = most
            exc = self.assertRaises(
                exceptions.DriverError,
                boundary.guard(plain).get_power_states,
                ['n1'],
            )
            self.assertIn('max_concurrent', str(exc))


class TestGuard(base.BoundaryCase):
    def test_is_a_driver(self) -> None:
        self.assertIsInstance(self.driver, MetalDriver)
        self.assertIs(self.acme.config, self.driver.config)
        self.assertEqual(self.acme.capabilities, self.driver.capabilities)
        self.assertEqual(
            [opt.dest for opt in self.acme.get_config_opts()],
            [opt.dest for opt in self.driver.get_config_opts()],
        )
        self.assertNotIn(base.SECRET, repr(self.driver))

    def test_once_is_enough(self) -> None:
        self.assertIs(self.driver, boundary.guard(self.driver))
        # What is kept for a driver is found again.
        self.assertIs(self.driver, boundary.guard(self.acme))

    def test_nothing_gets_around_it(self) -> None:
        """Whatever the contract has is guarded, or taken as it is."""
        own = vars(boundary.GuardedDriver)
        taken = vars(self.driver)
        for name, member in vars(MetalDriver).items():
            if not name.startswith('_'):
                self.assertTrue(
                    name in own or name in taken, f'{name} ({member})'
                )

    def test_a_driver_that_cannot_be_hashed(self) -> None:
        class Equal(base.AcmeDriver):
            def __eq__(self, other: object) -> bool:
                return True

        self.assertEqual([GOOD], boundary.guard(Equal({})).list_nodes())

    def test_a_state_that_cannot_be_asked_for(self) -> None:
        asked: list[Any] = []
        self.acme.do['set_power_state'] = lambda *args: asked.append(args)
        for state in (PowerState.UNKNOWN, 'off'):
            self.assertRaises(
                ValueError, self.driver.set_power_state, 'n1', state
            )
        self.assertEqual([], asked)
