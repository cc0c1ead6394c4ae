# SPDX-License-Identifier: Apache-2.0
"""More faults of threads, sockets and files, and of what belongs to the
whole process."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import os
import signal
import socket
import sqlite3
import ssl
import threading
from collections.abc import Iterable
from typing import Any, ClassVar

from metal_drivers import Node, PowerState
from metal_drivers.model import CheckResult, CheckStatus
from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault, meet


@fault('serves-several-threads', 'SQLite objects')
class KeepsADatabase(SampleDriver):
    """What it keeps can be used by one thread only."""

    database: Any = None

    def list_nodes(self) -> list[Node]:
        if self.database is None:
            self.database = sqlite3.connect(':memory:')
        self.database.execute('SELECT 1')
        return super().list_nodes()

    def close(self) -> None:
        super().close()
        if self.database is not None:
            self.database = None


@fault('serves-several-threads', 'signal only works in main thread')
class TimesOutBySignal(SampleDriver):
    """An alarm ends what takes too long."""

    def list_nodes(self) -> list[Node]:
        former = signal.signal(signal.SIGALRM, signal.SIG_IGN)
        try:
            return super().list_nodes()
        finally:
            signal.signal(signal.SIGALRM, former)


@fault('threads-get-the-node-that-they-ask-for', 'get_node(')
class OneReplyForAll(SampleDriver):
    """What came back is kept in the driver until it is read."""

    reply: Any = None

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.both = threading.Barrier(2)

    def get_node(self, node_id: str) -> Node:
        self.reply = self.call('GET', self.path(node_id))
        # Until another reply has come: chance is not to decide.
        with contextlib.suppress(threading.BrokenBarrierError):
            self.both.wait(0.5)
        return self.read(self.reply)


@fault('threads-get-the-node-that-they-ask-for', 'get_power_states()')
class OneListOfIdsForAll(SampleDriver):
    """The ids that are asked for are kept in the driver."""

    ids: Iterable[str] = ()

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        self.ids = list(node_ids)
        known = {node.id: node.power_state for node in self.list_nodes()}
        return {each: known[each] for each in self.ids}


@fault('threads-get-the-node-that-they-ask-for', 'find_nodes(')
class OneNameForAll(SampleDriver):
    """The name that is looked for is kept in the driver."""

    ref = ''

    def find_nodes(self, ref: str) -> list[Node]:
        self.ref = ref
        self.list_nodes()
        return super().find_nodes(self.ref)


@fault('threads-switch-the-node-that-they-ask-for', 'what the service')
class OnePathForAll(SampleDriver):
    """Where a command goes is kept in the driver: another host goes off."""

    target = ''

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.all = threading.Barrier(3)

    def set_power_state(self, node_id: str, *args: Any, **more: Any) -> None:
        self.target = node_id
        meet(self.all)
        super().set_power_state(self.target, *args, **more)


@fault('works-where-an-event-loop-runs', 'event loop')
class RunsUntilItIsComplete(SampleDriver):
    """The loop of the thread is used, which may be running."""

    def get_node(self, node_id: str) -> Node:
        loop = asyncio.new_event_loop()
        waiting = asyncio.sleep(0)
        try:
            loop.run_until_complete(waiting)
        finally:
            waiting.close()
            loop.close()
        return super().get_node(node_id)


@fault('close-gives-back-threads-and-may-be-repeated', ' in close())')
class ClosesOnce(SampleDriver):
    """What is closed cannot be closed."""

    closed = False

    def close(self) -> None:
        if self.closed:
            raise RuntimeError('already closed')
        self.closed = True
        super().close()


@fault('close-gives-back-threads-and-may-be-repeated', "'NoneType' object")
class ClosesWhatIsNotThere(SampleDriver):
    """It must have been used before it can be closed."""

    used: Any = None

    def session(self) -> Any:
        self.used = super().session()
        return self.used

    def close(self) -> None:
        self.used.close()
        super().close()


@fault(
    'close-gives-back-threads-and-may-be-repeated',
    'did not end',
    deadline=0.05,
)
class ClosesForEver(SampleDriver):
    """close() waits for a thread that does not end."""

    ended: ClassVar[threading.Event] = threading.Event()

    @classmethod
    def tidy(cls) -> None:
        cls.ended.set()

    def close(self) -> None:
        super().close()
        self.ended.wait(30)


@fault('close-gives-back-sockets-and-files', 'files are open')
class LeavesAFile(SampleDriver):
    """A file that is opened at each start."""

    files: ClassVar[list[Any]] = []

    @classmethod
    def tidy(cls) -> None:
        while cls.files:
            cls.files.pop().close()

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.files.append(open(os.devnull, encoding='utf-8'))  # noqa: SIM115


@fault('close-gives-back-sockets-and-files', 'files are open')
class LeavesWhatFailed(SampleDriver):
    """What was opened stays open where an error came in between."""

    left: ClassVar[list[socket.socket]] = []

    @classmethod
    def tidy(cls) -> None:
        while cls.left:
            cls.left.pop().close()

    def call(self, *args: Any) -> Any:
        opened = socket.socket()
        self.left.append(opened)
        result = super().call(*args)
        self.left.remove(opened)
        opened.close()
        return result


@fault('calls-leave-nothing-behind', 'files')
class ASessionForEachCall(SampleDriver):
    """Connections add up until the driver is closed, months later."""

    def session(self) -> Any:
        self._local.session = None
        return super().session()


@fault('calls-leave-nothing-behind', 'threads')
class AThreadForEachCall(SampleDriver):
    """Threads add up until the driver is closed."""

    def __init__(self, config: Any, osc: Any = None) -> None:
        super().__init__(config, osc)
        self.closed = threading.Event()

    def list_nodes(self) -> list[Node]:
        threading.Thread(target=self.closed.wait, daemon=True).start()
        return super().list_nodes()

    def close(self) -> None:
        self.closed.set()
        super().close()


class _Process(SampleDriver):
    """Changes something that belongs to the process."""

    def change(self) -> None:
        raise NotImplementedError

    def list_nodes(self) -> list[Node]:
        self.change()
        return super().list_nodes()


@fault('leaves-the-process-as-it-is', 'the time-out of all sockets')
class TimesOutAllSockets(_Process):
    """The time-out of a socket that nobody gave one."""

    def change(self) -> None:
        socket.setdefaulttimeout(3600)


@fault('leaves-the-process-as-it-is', 'the environment variable no_proxy')
class SetsTheEnvironment(_Process):
    """A proxy is not to be used: by anybody."""

    def change(self) -> None:
        os.environ['no_proxy'] = '*'


@fault('leaves-the-process-as-it-is', 'the working directory')
class ChangesTheDirectory(_Process):
    """Relative paths of others lead elsewhere."""

    def change(self) -> None:
        os.chdir('/')


@fault('leaves-the-process-as-it-is', 'the root logger')
class SetsUpLogging(_Process):
    """Each line of Watcher's log is there twice."""

    def change(self) -> None:
        logging.getLogger().addHandler(logging.NullHandler())


@fault('leaves-the-process-as-it-is', 'TLS')
class TrustsEveryCertificate(_Process):
    """No certificate is checked any longer, by anybody."""

    def change(self) -> None:
        name = '_create_default_https_context'
        setattr(ssl, name, ssl._create_unverified_context)


@fault('leaves-the-process-as-it-is', 'http.client')
class ShowsAllRequests(_Process):
    """All that is sent is printed, passwords too."""

    def change(self) -> None:
        http.client.HTTPConnection.debuglevel = 1


@fault('prints-nothing', 'listing nodes')
class Prints(_Process):
    """A print that was left in."""

    def change(self) -> None:
        print('listing nodes')  # noqa: T201


@fault('check-is-all-right-and-changes-nothing', 'no result')
class ChecksNothing(SampleDriver):
    """All is well, as nothing was looked at."""

    def check(self) -> list[CheckResult]:
        return []


@fault('check-is-all-right-and-changes-nothing', 'a bool, not a list')
class CheckIsTrue(SampleDriver):
    """It says yes."""

    def check(self) -> Any:
        return bool(super().check())


@fault('check-is-all-right-and-changes-nothing', 'fields of wrong types')
class CheckInWords(SampleDriver):
    """A status that is a text."""

    def check(self) -> Any:
        return [CheckResult('nodes', 'ok')]  # type: ignore[arg-type]


@fault('check-is-all-right-and-changes-nothing', 'may not: nodes')
class CheckWantsTooMuch(SampleDriver):
    """It wants a role that nothing else needs."""

    def check(self) -> list[CheckResult]:
        failed = CheckResult('role', CheckStatus.FAILED, 'may not: nodes')
        return [*super().check(), failed]
