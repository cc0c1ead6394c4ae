# SPDX-License-Identifier: Apache-2.0
"""Forks, eventlet and the end of the interpreter, each in a process of its
own that has seconds to end and says nothing but what it is asked to."""

import os
import textwrap
import time

from metal_drivers_tests.emulators import faults, messages
from metal_drivers_tests.unit.drivers.maas import base

_BEGIN = """
import os, signal, socket, sys, threading, time
from metal_drivers import MetalError, PowerState, exceptions
from metal_drivers.drivers.maas import MaasDriver

def driver(**options):
    config = {'url': os.environ['URL'], 'api_key': os.environ['KEY']}
    config['cafile'] = os.environ.get('CAFILE')
    return MaasDriver({'timeout': 60} | config | options)

maas = driver()

def count():
    return len(maas.list_nodes())
"""

_EVENTLET = """
import warnings
with warnings.catch_warnings(record=True):  # it is deprecated, and says so
    import eventlet
eventlet.monkey_patch()
import threading

ticks = []

def tick():
    while True:
        ticks.append(1)
        eventlet.sleep(0.001)

eventlet.spawn(tick)
"""

_SLOW = messages.matching('GET', '.*/machines/', zone='az1')


class ProcessTestCase(base.Watched):
    tls = False

    def setUp(self) -> None:
        super().setUp()
        self.maas = self.start(machines=3, tls=self.tls)

    def run_code(
        self, code: str, before: str = '', begin: str = _BEGIN, **env: str
    ) -> str:
        """What it prints; anything on stderr is a failure."""
        known = {
            'URL': self.maas.maas_url,
            'KEY': self.maas.apikey,
            'PATH': os.environ.get('PATH', ''),
        }
        if self.tls:
            known['CAFILE'] = self.maas.cafile
        done = base.run_python(
            before + begin + textwrap.dedent(code), env=known | env
        )
        self.recorder.note(done.stdout, done.stderr)
        errors = [
            line
            for line in done.stderr.splitlines()
            # eventlet, of what was there before it.
            if 'RLock' not in line
        ]
        self.assertEqual([], errors)
        self.assertEqual(0, done.returncode)
        return done.stdout


class TestExit(ProcessTestCase):
    def test_without_close(self) -> None:
        self.assertEqual('3\n', self.run_code('print(count())'))

    def test_with_calls_under_way(self) -> None:
        """In threads that the interpreter does not wait for."""
        self.maas.fail(_SLOW, faults.hang(), None)
        # What is registered first is called last.
        wait = """
import atexit, threading
ended = threading.Event()
atexit.register(ended.wait, 10)
"""
        printed = self.run_code(
            """
            slow = driver(zones=['az1'], timeout=60)
            def call():
                try:
                    slow.list_nodes()
                except MetalError as exc:
                    print('closed' in str(exc))
                    ended.set()
            def call_on():
                while True:
                    count()
            count()
            threading.excepthook = lambda args: None
            for target in (call, call_on, call_on):
                threading.Thread(target=target, daemon=True).start()
            # Behind the list, which is under way then.
            slow.get_power_states([maas.list_nodes()[0].id])
            """,
            before=wait,
        )
        self.assertEqual('True\n', printed)

    def test_by_a_signal(self) -> None:
        printed = self.run_code(
            """
            print(count())
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                sys.exit(0)
            """
        )
        self.assertEqual('3\n', printed)

    def test_while_a_name_is_looked_up(self) -> None:
        """Which nothing can cancel, and may take a resolver minutes."""
        begin = time.monotonic()
        printed = self.run_code(
            """
            forever = threading.Event()
            socket.getaddrinfo = lambda *args, **kwargs: forever.wait()
            maas = driver(url='http://maas.invalid/MAAS', timeout=0.2)
            try:
                maas.list_nodes()
            except exceptions.TimedOutError as exc:
                print(exc)
            """
        )
        self.assertIn('within 0.2 s', printed)
        self.assertLess(time.monotonic() - begin, 10)


class ForkTestCase(ProcessTestCase):
    FORK = """
    import gc

    def fork(child):
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            child()
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    """

    def fork(self, code: str) -> str:
        return self.run_code(
            textwrap.dedent(self.FORK) + textwrap.dedent(code)
        )


class TestFork(ForkTestCase):
    def test_children_that_call_or_end(self) -> None:
        """The parent's connection is its own still, and good."""
        printed = self.fork(
            """
            def sockets():
                found = []
                for fd in os.listdir('/proc/self/fd'):
                    try:
                        found.append(os.readlink(f'/proc/self/fd/{fd}'))
                    except OSError:  # of the listing itself
                        pass
                print(sum(each.startswith('socket:') for each in found))
            def forget():
                global maas
                del maas
                gc.collect()
            def child():
                print(count())
                fork(lambda: print(count()))
                print(count())
            count()
            sockets()
            fork(sockets)
            for end in (lambda: None, lambda: maas.close(), forget):
                fork(end)
                print(count())
            fork(lambda: print(count()))
            print(count())
            fork(child)
            print(count())
            """
        )
        # A child has one end of the pair that wakes the loop, and nothing
        # else: MAAS would have the connection until it ends.
        self.assertEqual('3\n1\n' + '3\n' * 9, printed)
        # One for each process that calls.
        self.assertEqual(4, self.maas.connections)

    def test_while_others_call(self) -> None:
        printed = self.fork(
            """
            going = True
            def call_on():
                while going:
                    count()
            threads = [threading.Thread(target=call_on) for _ in range(2)]
            for thread in threads:
                thread.start()
            for _ in range(2):
                fork(count)
            going = False
            for thread in threads:
                thread.join()
            print(count())
            """
        )
        self.assertEqual('3\n', printed)


class TestForkTls(ForkTestCase):
    """Which has more to say at the end of a connection."""

    tls = True

    def test_child_and_parent_go_on(self) -> None:
        printed = self.fork(
            """
            print(count())
            fork(lambda: print(count()))
            fork(lambda: maas.close())
            print(count())
            """
        )
        self.assertEqual('3\n' * 3, printed)
        self.assertEqual(2, self.maas.connections)


class TestEventlet(ProcessTestCase):
    """With everything patched."""

    def run_green(self, code: str, **env: str) -> str:
        return self.run_code(code, before=_EVENTLET, **env)

    def test_patched_late(self) -> None:
        printed = self.run_code('print(count())', begin=_BEGIN + _EVENTLET)
        self.assertEqual('3\n', printed)

    def test_green_threads_go_on(self) -> None:
        """And many call at once: more than there are native ones."""
        self.maas.region.latency['list'] = 0.02
        printed = self.run_green(
            """
            assert count() == 3
            before = len(ticks)
            pool = eventlet.GreenPool(40)
            print(sum(pool.imap(lambda number: count(), range(40))))
            print(len(ticks) - before > 40)
            """
        )
        self.assertEqual('120\nTrue\n', printed)
        self.assertLessEqual(self.maas.connections, 4)

    def test_all_kinds_of_calls(self) -> None:
        """And forks, as oslo.service makes its workers."""
        self.maas.fail(_SLOW, faults.hang(), None)
        url = self.maas.maas_url.replace('127.0.0.1', 'localhost')
        printed = self.run_green(
            """
            nodes = [node.id for node in maas.list_nodes()]
            sys.stdout.flush()
            pid = os.fork()
            if not pid:
                eventlet.hubs.use_hub()
                print(count(), flush=True)
                os._exit(0)
            os.waitpid(pid, 0)
            slow = driver(zones=['az1'], max_concurrent=1)
            try:
                with eventlet.Timeout(0.2):
                    slow.list_nodes()
            except eventlet.Timeout:
                print('in-time')
            # Its only place is free again.
            print(slow.get_node(nodes[0]).power_state.value)
            maas.set_power_state(nodes[0], PowerState.OFF)
            for state in maas.get_power_states(nodes).values():
                print(state.value)
            maas.set_power_state(nodes[0], PowerState.ON)
            print(maas.get_node(nodes[0]).power_state.value)
            from eventlet import tpool
            print(tpool.execute(count))
            lost = driver(url='http://127.0.0.1:1/MAAS')
            try:
                lost.list_nodes()
            except exceptions.UnavailableError:
                print('unavailable')
            maas.close()
            maas.close()
            try:
                count()
            except exceptions.UnavailableError as exc:
                print('closed' in str(exc))
            """,
            URL=url,
        )
        self.assertEqual(
            '3 in-time on off on on on 3 unavailable True',
            ' '.join(printed.split()),
        )
