# SPDX-License-Identifier: Apache-2.0
"""However a rule ends, it is a result, and nothing is left behind."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from metal_drivers import PowerState, conformance
from metal_drivers.conformance import Broken, NotTried, Rule, Verdict
from metal_drivers.conformance.bench import Bench
from metal_drivers.drivers.fake import FakeDriver
from metal_drivers.model import Capability
from metal_drivers_tests.unit import base

NODE = 'node-0001'


class _Hooks(conformance.Hooks):
    secrets = ('s3cret4711',)
    patience = 0.2
    poll_interval = 0.01
    deadline = 10.0


class _OnlyOff(FakeDriver):
    """Once off, always off."""

    def set_power_state(self, node_id, state, *args, **more):  # type: ignore
        if state is PowerState.OFF:
            super().set_power_state(node_id, state, *args, **more)


class TestRunner(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.driver = FakeDriver({'nodes': 2})
        self.hooks = _Hooks()

    def attempt(
        self,
        check: Callable[[Bench], None],
        needs: tuple[str, ...] = (),
        opens: Capability | None = None,
    ) -> conformance.Result:
        rule = Rule(
            'a-rule', 'topic', 'A sentence.', check, opens=opens, needs=needs
        )
        return conformance.Runner(self.hooks, self.driver).attempt(rule)

    def is_on(self) -> bool:
        return self.driver.get_node(NODE).power_state is PowerState.ON

    def test_a_rule_that_is_kept(self) -> None:
        found = self.attempt(lambda bench: None)
        self.assertEqual((Verdict.OK, ''), (found.verdict, found.detail))

    def test_a_rule_that_is_broken_says_what_was_seen(self) -> None:
        def check(bench: Bench) -> None:
            raise Broken('two\nlines, with s3cret4711')

        found = self.attempt(check)
        self.assertEqual(
            (Verdict.FAILED, 'two lines, with ***'),
            (found.verdict, found.detail),
        )
        self.assertFalse(found.good)

    def test_whatever_a_driver_raises_is_a_result(self) -> None:
        for error in (SystemExit(3), KeyboardInterrupt(), ValueError('odd')):

            def check(bench: Bench, error: BaseException = error) -> None:
                raise error

            found = self.attempt(check)
            self.assertEqual(Verdict.FAILED, found.verdict)
            self.assertIn(f'unexpected {type(error).__name__}', found.detail)
            self.assertIn('test_runner.py:', found.detail)

    def test_one_that_hangs_is_given_up(self) -> None:
        self.hooks.deadline, self.hooks.patience = 0.05, 0.01
        end = threading.Event()
        self.addCleanup(end.set)

        def check(bench: Bench) -> None:
            end.wait()

        found = self.attempt(check)
        self.assertEqual(Verdict.FAILED, found.verdict)
        self.assertIn('did not end within', found.detail)

    def test_one_that_was_given_up_sends_nothing_more(self) -> None:
        self.hooks.deadline, self.hooks.patience = 0.05, 0.01
        end, ended = threading.Event(), threading.Event()

        def check(bench: Bench) -> None:
            end.wait()
            try:
                bench.switch(NODE, PowerState.OFF)
            finally:
                ended.set()

        self.attempt(check)
        end.set()
        self.assertTrue(ended.wait(10))
        self.assertTrue(self.is_on())

    def test_what_cannot_be_tried_says_why(self) -> None:
        def check(bench: Bench) -> None:
            raise NotTried('there is no soft power off')

        for found, why in (
            (self.attempt(check), 'there is no soft power off'),
            (
                self.attempt(check, needs=('hold',)),
                'needs the hook hold() of a test',
            ),
            (
                self.attempt(check, opens=Capability.FIND),
                'find is not claimed',
            ),
        ):
            self.assertEqual(Verdict.NOT_TRIED, found.verdict)
            self.assertIn(why, found.detail)
            self.assertTrue(found.good)

    def test_the_node_is_on_again_however_it_ends(self) -> None:
        for error in (None, Broken('x'), SystemExit(1)):

            def check(
                bench: Bench, error: BaseException | None = error
            ) -> None:
                bench.switch(NODE, PowerState.OFF)
                if error:
                    raise error

            found = self.attempt(check)
            self.assertEqual((), found.left)
            self.assertTrue(self.is_on())

    def test_a_node_that_stays_off_is_reported_and_ends_the_run(self) -> None:
        self.driver = _OnlyOff({'nodes': 2})
        rule = Rule(
            'a-rule',
            'topic',
            'A sentence.',
            lambda bench: bench.switch(NODE, PowerState.OFF),
        )
        runner = conformance.Runner(self.hooks, self.driver)
        first, second = runner.run([rule, rule])
        self.assertEqual(Verdict.FAILED, first.verdict)
        self.assertIn('not within 0.2 s: node node-0001 is on', first.detail)
        self.assertTrue(first.left)
        self.assertEqual(Verdict.NOT_TRIED, second.verdict)

    def test_cancelled_in_the_middle(self) -> None:
        runner = conformance.Runner(self.hooks, self.driver)
        begun, end = threading.Event(), threading.Event()
        self.addCleanup(end.set)

        def check(bench: Bench) -> None:
            bench.switch(NODE, PowerState.OFF)
            begun.set()
            end.wait()

        def cancel() -> None:
            begun.wait()
            runner.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        rule = Rule('a-rule', 'topic', 'A sentence.', check)
        found = runner.run([rule, rule])
        thread.join()
        self.assertEqual(
            [(Verdict.NOT_TRIED, 'interrupted')] * 2,
            [(each.verdict, each.detail) for each in found],
        )
        self.assertTrue(self.is_on())

    def test_others_may_change_a_real_service_meanwhile(self) -> None:
        self.hooks.tries = 3
        seen: list[int] = []

        def check(bench: Bench) -> None:
            seen.append(1)
            if len(seen) < 3:
                raise Broken('it changed')

        self.assertEqual(Verdict.OK, self.attempt(check).verdict)
        seen.clear()
        self.hooks.tries = 2
        self.assertEqual(Verdict.FAILED, self.attempt(check).verdict)


class TestRules(base.TestCase):
    def test_they_need_no_test_runner(self) -> None:
        """Nothing of it is imported by what tries rules."""
        for rule in conformance.RULES:
            module = sys.modules[rule.check.__module__]
            self.assertFalse(hasattr(module, 'testtools'))
            self.assertFalse(hasattr(module, 'unittest'))

    def test_each_says_what_it_asks_and_where_it_is_written(self) -> None:
        for rule in conformance.RULES:
            self.assertRegex(rule.id, r'^[a-z]+(-[a-z]+)*$')
            self.assertTrue(rule.sentence.endswith('.'), rule.id)
            self.assertEqual(f'contributor/contract.html#{rule.id}', rule.page)
            for name in rule.needs:
                self.assertTrue(hasattr(conformance.Hooks, name), name)
