# SPDX-License-Identifier: Apache-2.0
"""What no rule can see from outside, by the rule that it belongs to: for a
review of the code of a driver."""

from __future__ import annotations

from typing import NamedTuple


class Unseen(NamedTuple):
    """A fault that no rule finds."""

    #: The rule that is about it, and does not see it.
    rule: str
    #: What the driver does wrong.
    fault: str
    #: Why it does not show.
    why: str


UNSEEN: tuple[Unseen, ...] = (
    Unseen(
        'config-state-tells-ready-from-absent',
        'It is ready with a value that looks right and is wrong.',
        'Only the service knows.',
    ),
    Unseen(
        'starts-without-the-network',
        'A library in C opens files or connections.',
        'Python does not report them.',
    ),
    Unseen(
        'imports-its-client-late',
        'A library is imported by its name (importlib.import_module).',
        'Imports are read from the source.',
    ),
    Unseen(
        'lists-every-node',
        'Without the hook hosts(), as with a real service: a page is lost.',
        'What is not listed is not known.',
    ),
    Unseen(
        'lists-every-node',
        'Pages are read wrongly, and the service has one page.',
        'It takes more nodes than a page has.',
    ),
    Unseen(
        'says-which-host-is-on-each-node',
        'Without the hook hosts(): a node has the name of another host.',
        'Names are made by the service, and may be anything.',
    ),
    Unseen(
        'lists-nodes',
        'maintenance, locked, busy, keep_on, keep_off, soft_off, '
        'hypervisor_id or labels are not what the service says.',
        'Each service has words of its own: only types are checked, and that '
        'the list and the node agree.',
    ),
    Unseen(
        'observed-at-is-past',
        'observed_at is the time of the request, not that of the state.',
        'Only the service knows when it saw the state.',
    ),
    Unseen(
        'lists-with-few-requests',
        'The service could be asked for less.',
        'How many requests a list takes is what the fixture says.',
    ),
    Unseen(
        'unknown-node-is-not-found',
        'An id of the service that was deleted a moment ago is remembered.',
        'No node is deleted to try it.',
    ),
    Unseen(
        'power-states-are-of-those-asked-for',
        'The states of many nodes are asked for all at once, without a limit.',
        'How many requests are under way depends on the speed of the service.',
    ),
    Unseen(
        'power-state-of-an-unknown-node-is-unknown',
        'A word of the service that the fixture does not use, such as '
        '"paused", is taken for on or off.',
        'The words of a service are not known.',
    ),
    Unseen(
        'live-query-is-live',
        'A state is remembered for less time than the rule takes, or by the '
        'service itself.',
        'On a real service, nobody powers a node by hand meanwhile.',
    ),
    Unseen(
        'live-list-is-as-fresh-as-one-node',
        'A capability that is so is not claimed.',
        'It costs time, never safety.',
    ),
    Unseen(
        'threads-get-the-node-that-they-ask-for',
        'Two threads are mixed up once in a million calls, or one lock makes '
        'all of them wait.',
        'It depends on chance, and on the speed of the machine.',
    ),
    Unseen(
        'close-gives-back-sockets-and-files',
        'Memory that is never given back, or what a library keeps once and '
        'for all.',
        'It shows after months.',
    ),
    Unseen(
        'leaves-the-process-as-it-is',
        'os._exit(), or a crash in a library in C.',
        'The process ends, and with it the report: it shows as none at all.',
    ),
    Unseen(
        'leaves-the-process-as-it-is',
        'What a library keeps for the whole process changes, such as its own '
        'settings; or a driver does not work after a fork.',
        'Only what Python itself has is compared.',
    ),
    Unseen(
        'keeps-secrets-out-of-logs',
        'A program that it starts, or a library in C, writes a secret; or a '
        'file has it.',
        'Only sys.stdout, sys.stderr, logging and command lines are looked '
        'at.',
    ),
    Unseen(
        'keeps-secrets-out-of-errors',
        'A secret is shown that is no value of an option, such as the token '
        'of a session; or one that is encrypted or cut.',
        'It is not known, or not recognised.',
    ),
    Unseen(
        'wrong-credentials-are-an-authentication-error',
        'A token that expires, or a password that is changed, is used for '
        'ever.',
        'The service would have to refuse it after a while.',
    ),
    Unseen(
        'unreachable-is-unavailable',
        'The certificate of the service is not checked.',
        'The service of a test mostly has none.',
    ),
    Unseen(
        'silence-is-a-timeout',
        'A time-out is longer than the option says.',
        'Only that it ends is tried, and not after how long.',
    ),
    Unseen(
        'silence-is-a-timeout',
        'A service that answers one byte a second is waited for for ever.',
        'It takes longer than a test may.',
    ),
    Unseen(
        'silence-is-a-timeout-when-switching',
        'A power request is sent again over TLS, or by a driver that logs in '
        'first.',
        'What is sent cannot be read, or is not sent yet.',
    ),
    Unseen(
        'status-when-switching',
        'The texts of errors are taken for something that they are not.',
        'Each service has texts of its own.',
    ),
    Unseen(
        'odd-reply-is-a-protocol-error',
        'A login page that answers a power request with 200 is taken for '
        'done.',
        'Services may answer a power request with any body, or with none.',
    ),
    Unseen(
        'soft-off-has-its-timeout',
        'The service does not heed the time-out.',
        'It is the service that does it.',
    ),
    Unseen(
        'returns-when-it-is-accepted',
        'It waits where the service itself answers late.',
        'Then the hook hold() cannot be given.',
    ),
    Unseen(
        'off-for-a-node-that-is-off-does-no-harm',
        'A request is left out because of what was asked for before, although '
        'somebody has powered the node by hand since.',
        'Nobody does so on a real service.',
    ),
    Unseen(
        'switches-no-other-node',
        'A node that was off, or is not listed, is powered on or restarted '
        'as well.',
        'Without the hook commands(), only nodes that go off show.',
    ),
    Unseen(
        'sends-once-where-the-reply-is-lost',
        'A request is sent again minutes later, or after a restart.',
        'The rule has ended by then.',
    ),
)
