# SPDX-License-Identifier: Apache-2.0
"""What holds for every hook."""

import concurrent.futures
import inspect
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import testtools
from oslo_config import cfg

from metal_drivers import exceptions
from metal_drivers.hooks import Event, Hook, HookEvent, HookNote
from metal_drivers.model import CheckResult
from metal_drivers_tests.contract import driver


class HookContract(testtools.TestCase):
    """Subclass it, and say how to make a hook that is ready to work."""

    #: Texts that must never be seen: passwords, tokens.
    secrets: Iterable[str] = ()
    #: The name of a host that the hook knows nothing of.
    unknown_host = 'no-such-host-anywhere'

    def create_hook(self) -> Hook:
        """A hook, ready to use; called once for each test."""
        raise NotImplementedError

    def configured(self) -> Mapping[str, Any]:
        """Values that configure the hook: by default, those of the one
        that was created."""
        return self.hook.config

    def subject(self) -> tuple[str, str, str]:
        """The id and the name of a node, and the host on it, that may be
        powered off, as far as the hook is concerned."""
        return 'id-1', 'metal-01', 'compute-01'

    def setUp(self) -> None:
        super().setUp()
        if type(self).create_hook is HookContract.create_hook:
            self.skipTest('a base for the tests of hooks')
        self.hook = self.create_hook()
        self.addCleanup(self.hook.close)

    def tell(self, *events: Event) -> None:
        """Tell the hook of these, of the host that may be powered off."""
        node_id, name, host = self.subject()
        for event in events:
            told = HookEvent(event, node_id, name, host, 'fake')
            getattr(self.hook, event.value)(told)

    # How it is loaded.

    def test_loads_with_its_options(self) -> None:
        conf, kind = cfg.ConfigOpts(), type(self.hook)
        for _ in range(2):
            conf.register_opts(kind.get_config_opts(), group='a.hook')
        conf([])
        for name, value in self.configured().items():
            if name in conf['a.hook']:
                conf.set_override(name, value, group='a.hook')
        made = kind(dict(conf['a.hook'].items()), osc=self.hook.osc)
        self.addCleanup(made.close)
        self.assertEqual(self.hook.timeout, made.timeout)

    def test_options_have_help(self) -> None:
        for opt in type(self.hook).get_config_opts():
            self.assertTrue(opt.help, opt.name)

    def test_options_for_secrets_are_secret(self) -> None:
        values = self.configured()
        for opt in type(self.hook).get_config_opts():
            if values.get(opt.dest) in tuple(self.secrets):
                self.assertTrue(opt.secret, opt.name)

    def test_says_what_it_is(self) -> None:
        self.assertGreater(self.hook.timeout, 0)
        self.assertIsInstance(self.hook.ignorable, frozenset)
        for event in self.hook.ignorable:
            self.assertIsInstance(event, Event)

    def test_methods_take_an_event(self) -> None:
        for event in Event:
            method = getattr(self.hook, event.value)
            inspect.signature(method).bind(None)
            self.assertFalse(inspect.iscoroutinefunction(method), event)

    # What it is told.

    def test_off_and_on_again(self) -> None:
        self.tell(Event.BEFORE_OFF, Event.AFTER_OFF)
        self.tell(Event.BEFORE_ON, Event.BEFORE_ENABLE, Event.AFTER_ON)

    def test_a_power_off_that_is_undone(self) -> None:
        self.tell(Event.BEFORE_OFF, Event.UNDONE, Event.BEFORE_OFF)
        self.tell(Event.UNDONE)

    def test_each_may_be_told_twice(self) -> None:
        """A process may have been killed after the first time."""
        for event in Event:
            if event is not Event.UNDONE:
                self.tell(event, event)
        self.tell(Event.BEFORE_OFF, Event.UNDONE, Event.UNDONE)

    def test_each_may_be_left_out(self) -> None:
        self.tell(Event.AFTER_ON)
        self.tell(Event.BEFORE_OFF, Event.AFTER_ON)
        self.tell(Event.UNDONE)
        self.tell(Event.AFTER_OFF, Event.AFTER_ON)

    def test_a_host_that_it_does_not_know(self) -> None:
        for host in (self.unknown_host, '', '../x', 'a b', 'ä', '%2e'):
            for event in Event:
                told = HookEvent(event, 'id-0', 'metal-0', host, 'fake')
                try:
                    getattr(self.hook, event.value)(told)
                except exceptions.MetalError as exc:
                    self.assert_no_secret(f'{exc!r} {exc}')

    def test_nothing_is_left_of_a_host_that_came_back(self) -> None:
        before = dict(self.hook.notes())
        self.tell(Event.BEFORE_OFF, Event.AFTER_OFF, Event.BEFORE_ON)
        self.tell(Event.BEFORE_ENABLE, Event.AFTER_ON)
        self.assertEqual(before, dict(self.hook.notes()))

    # How it behaves.

    def test_notes_are_of_hosts(self) -> None:
        self.tell(Event.BEFORE_OFF)
        for host, note in self.hook.notes().items():
            self.assertIsInstance(host, str)
            self.assertIsInstance(note, HookNote)
            self.assert_no_secret(note.text)
        self.tell(Event.UNDONE)

    def test_check_changes_nothing(self) -> None:
        before = dict(self.hook.notes())
        for result in self.hook.check():
            self.assertIsInstance(result, CheckResult)
            self.assert_no_secret(result.detail)
        self.assertEqual(before, dict(self.hook.notes()))

    def test_serves_several_threads(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(self.hook.notes) for _ in range(8)]
        for job in jobs:
            self.assertIsInstance(job.result(), Mapping)

    def test_close_gives_back_threads_and_may_be_repeated(self) -> None:
        before = set(threading.enumerate())
        with self.hook as hook:
            hook.check()
        self.hook.close()
        # A server in this process may need a moment to see it.
        driver.wait_until(
            lambda: set(threading.enumerate()) <= before,
            5,
            'no thread is left',
        )

    def assert_no_secret(self, text: str) -> None:
        for secret in self.secrets:
            self.assertNotIn(secret, text)
