# SPDX-License-Identifier: Apache-2.0
"""Takes the steps that the rules say, one after the other.

It alone knows services, clocks and threads; it decides nothing.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from typing import Any

from metal_drivers import base, compute, events, exceptions
from metal_drivers.clock import Backoff, Cancel, Clock
from metal_drivers.compute import markers
from metal_drivers.events import Step as Event
from metal_drivers.fleet import Member
from metal_drivers.hooks import Event as HookKind
from metal_drivers.hooks import HookEvent
from metal_drivers.hooks.in_use import Hooks
from metal_drivers.model import Outcome, PowerState
from metal_drivers.poller import Watch
from metal_drivers.power import conclusions, rules
from metal_drivers.power.facts import Facts
from metal_drivers.power.shared import OffSlots, Shared
from metal_drivers.power.values import Fact, Order, What
from metal_drivers.settings import PowerSettings

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Tools:
    """What a transition works with."""

    driver: base.MetalDriver
    nova: compute.Compute | None
    settings: PowerSettings
    clock: Clock
    watch: events.Watcher
    shared: Shared
    cancel: Cancel
    hooks: Hooks
    off_slots: OffSlots
    #: The name of the driver.
    backend: str
    #: Numbers from 0 to 1.
    chance: Callable[[], float]


class Runner:
    """One transition of one node. Used once."""

    def __init__(
        self,
        tools: Tools,
        table: rules.Table,
        member: Member,
        state: PowerState | None,
    ) -> None:
        self._tools, self._table, self._state = tools, table, state
        self._clock = tools.clock
        #: Set when there is something to wake up for.
        self._alarm = threading.Event()
        self._backoff: Backoff | None = None
        self._watch: Watch[Any] | None = None
        self._waiting = '', ''
        self.facts = Facts(
            Order(
                member.node.id,
                state,
                tools.settings,
                tools.driver.capabilities,
                tools.nova is not None,
                tools.hooks.names,
            ),
            member,
            began=tools.clock.monotonic(),
        )

    def run(self) -> tuple[Outcome, str]:
        """Take the node there, or say why not."""
        self._tell(Event.ASKED)
        with self._tools.cancel.waking(self._alarm):
            try:
                end = self._to_the_end()
            except Exception as exc:
                # One node's trouble is not that of the others.
                end = self._abandon(_as_error(exc))
            except BaseException:
                end = self._abandon(exceptions.MetalError('interrupted'))
                LOG.warning('%s: %s', self.facts.member.label, end.detail)
                raise
            finally:
                self._close()
        last = Event.DONE if end.outcome.good else Event.FAILED
        if end.outcome is Outcome.REFUSED:
            last = Event.REFUSED
        self._tell(last, end.detail, end.outcome)
        return end.outcome, end.detail

    def _to_the_end(self) -> rules.End:
        while True:
            if self._tools.cancel.called:
                self.facts = self.facts.change(cancelled=True)
            now = self._clock.monotonic()
            step = rules.next_step(self._table, self.facts, now)
            if isinstance(step, rules.End):
                return step
            self._take(step)

    def _take(self, step: rules.Step) -> None:
        match step:
            case rules.Ask():
                self._ask(step.what)
            case rules.Tell():
                self._tell_hooks(step)
            case rules.Disable():
                self._disable(step)
            case rules.Enable():
                self._enable(step)
            case rules.Send():
                self._send(step)
            case rules.Wait():
                self._wait(step)
            case rules.NextMode():
                self._tell_waiting(Event.WAITING, step.why)
                self.facts = self.facts.next_mode(self._clock.monotonic())
            case rules.Decide():
                self._decide(step.outcome, step.detail, step.failed)

    def _abandon(self, error: exceptions.MetalError) -> rules.End:
        """Nothing more is begun; what can be undone is."""
        if self.facts.decided is None:
            self._decide(rules.outcome_of(error), str(error))
        return self._to_the_end()

    def _decide(
        self, outcome: Outcome, detail: str, failed: bool = False
    ) -> None:
        self.facts = self.facts.decide(outcome, detail, failed)

    # Asking.

    def _ask(self, what: What) -> None:
        asked = self._clock.monotonic()
        value, error = None, None
        try:
            value = self._answer(what)
        except exceptions.MetalError as exc:
            error = exc
        except Exception as exc:
            error = _unexpected(exc)
        self._learn(what, asked, value, error)

    def _answer(self, what: What) -> Any:
        tools, node_id = self._tools, self.facts.order.node_id
        match what:
            case What.CLAIM:
                state = self._state or PowerState.ON
                return (
                    tools.shared.claim(node_id, state),
                    tools.shared.last_sent(node_id),
                    tools.shared.powered_on(node_id),
                )
            case What.SLOT:
                assert self._state is not None  # noqa: S101, none is sent
                return tools.shared.rates[self._state].take(
                    tools.settings.rate(self._state), self._clock.monotonic()
                )
            case What.OTHERS_OFF:
                return tools.off_slots.take(node_id)
            case What.NODE:
                return tools.driver.get_node(node_id)
        if tools.nova is None:
            return None
        match what:
            case What.SERVICE:
                return tools.nova.get_service(self.facts.host)
            case What.SERVERS:
                host = self.facts.member.host
                assert host is not None  # noqa: S101, none is asked for
                return tools.nova.count_servers(host.name, host.id)
            case What.MOVING:
                return frozenset(tools.nova.list_moving(self.facts.host))
        return frozenset(tools.nova.list_unplaced())

    def _learn(
        self,
        what: What,
        asked: float,
        value: Any,
        error: exceptions.MetalError | None,
    ) -> None:
        before = self.facts.member.node.power_state
        fact = Fact(
            self.facts.turn + 1, asked, self._clock.monotonic(), value, error
        )
        self.facts = conclusions.learn(
            self.facts, what, fact, self._clock.now()
        )
        after = self.facts.member.node.power_state
        if after is not before and self.facts.sent is not None:
            self._tell(Event.STATE, after.value)

    # Hooks.

    def _tell_hooks(self, step: rules.Tell) -> None:
        facts = self.facts
        node = facts.member.node
        told = HookEvent(
            step.event,
            facts.order.node_id,
            node.name,
            facts.host,
            self._tools.backend,
        )
        self._tell_waiting(Event.WAITING, f'for {", ".join(step.hooks)}')
        self.facts = facts.tell(
            step.event, step.hooks, self._clock.monotonic()
        )
        came = self._tools.hooks.tell(told, step.hooks)
        self.facts = self.facts.hear(came, self._clock.monotonic())

    # Changing.

    def _disable(self, step: rules.Disable) -> None:
        facts, nova = self.facts, self._tools.nova
        assert nova is not None  # noqa: S101, it was asked
        assert facts.service is not None  # noqa: S101, it was asked
        began = self._clock.monotonic()
        reason = markers.reason(
            facts.order.node_id, self._clock.now(), step.kind, step.times
        )
        if step.former is not None:
            reason = step.former.reason
        marker = markers.parse(reason)
        assert marker is not None  # noqa: S101, it is of our own making
        if step.adopt:
            self.facts = facts.adopting(marker)
        else:
            self.facts = facts.writing(marker, began)
        error = None
        try:
            nova.disable(facts.service.value, reason)
        except Exception as exc:
            error = _as_error(exc)
        if not step.adopt:
            self.facts = self.facts.wrote(self._clock.monotonic(), error)
        if self.facts.decided is not None:
            return
        if error is not None:
            self._decide(rules.outcome_of(error), str(error))
        elif not step.adopt:
            self._tell(Event.DISABLED, f'on {facts.host}')

    def _enable(self, step: rules.Enable) -> None:
        facts = self.facts
        assert self._tools.nova is not None  # noqa: S101, it was asked
        assert facts.service is not None  # noqa: S101, it was asked
        asked, error = self._clock.monotonic(), None
        try:
            self._tools.nova.enable(facts.service.value)
        except Exception as exc:
            error = _as_error(exc)
        answered = self._clock.monotonic()
        self.facts = facts.enabling(asked, answered, error)
        if error is None:
            undone = step.event is Event.UNDONE
            detail = f'nova-compute on {facts.host} is enabled'
            self._tell(step.event, detail if undone else f'on {facts.host}')

    def _send(self, step: rules.Send) -> None:
        state = self._state
        assert state is not None  # noqa: S101, a recovery sends nothing
        # Known only to drivers that have a use for it.
        extra = {} if step.timeout is None else {'timeout': step.timeout}
        self._tell(step.event)
        asked, former = self._clock.monotonic(), self.facts.sent
        self.facts = self.facts.sending(
            step.mode, step.event.value, step.seconds, asked
        )
        try:
            self._tools.driver.set_power_state(
                self.facts.order.node_id, state, step.mode, **extra
            )
        except exceptions.DriverError as exc:
            # A driver that is broken is not asked for more.
            self._sent(exc)
            self._decide(Outcome.FAILED, str(exc))
        except (exceptions.UnavailableError, exceptions.ProtocolError) as exc:
            self._sent(exc)
        except exceptions.MetalError as exc:
            now = self._clock.monotonic()
            self.facts = self.facts.refused(former, asked, now, exc)
        except Exception as exc:
            error = _unexpected(exc)
            self._sent(error)
            self._decide(Outcome.FAILED, str(error))
        except BaseException:
            self._sent()
            raise
        else:
            self._sent(taken=True)

    def _sent(
        self, doubt: exceptions.MetalError | None = None, taken: bool = False
    ) -> None:
        """The request may have arrived, at any time until now."""
        now = self._clock.monotonic()
        if self._slot_taken:
            assert self._state is not None  # noqa: S101, it was sent
            self._tools.shared.rates[self._state].use(now)
        self.facts = self.facts.sent_until(now, doubt, taken)
        self._tools.shared.sent(
            self.facts.order.node_id,
            self.facts.goal,
            now,
            self.facts.sent.arrives(now) if self.facts.sent else now,
        )

    # Waiting.

    def _wait(self, step: rules.Wait) -> None:
        """Until there is news, or it is time to look again."""
        if step.why:
            self._tell_waiting(step.event, step.why)
        self._give_back_slot()
        key = f'{step.event} {step.look} {self.facts.mode_turn}'
        if self._backoff is None or self._waiting[0] != key:
            self._backoff = Backoff(
                self._tools.settings.poll_interval, self._tools.chance
            )
            self._watch = self._watching(step, self._backoff)
            self._waiting = key, self._waiting[1]
        began = self._clock.monotonic()
        self.facts = self.facts.waiting()
        if self._watch is None:
            left = max(0.0, step.until - began)
            self._pause(min(left, self._backoff()))
        else:
            self._wait_for_news(step, self._watch)
        if step.excused:
            self.facts = self.facts.excuse(began, self._clock.monotonic())

    def _watching(
        self, step: rules.Wait, backoff: Backoff
    ) -> Watch[Any] | None:
        shared, key = self._tools.shared, self.facts.order.node_id
        poller: Any
        if step.look is What.NODE:
            poller = shared.nodes(self._tools.driver)
        elif step.look is What.SERVICE and self._tools.nova is not None:
            poller, key = shared.services(self._tools.nova), self.facts.host
        else:
            return None
        return Watch(poller, key, self._clock, backoff, step.at_once)

    def _wait_for_news(self, step: rules.Wait, watch: Watch[Any]) -> None:
        assert step.look is not None  # noqa: S101, the caller has looked
        with watch.poller.waiting(self._alarm):
            while not self._tools.cancel.called:
                self._alarm.clear()
                now = self._clock.monotonic()
                late = now >= step.until
                try:
                    seen = watch.look(last=late)
                except exceptions.MetalError as exc:
                    self._learn(step.look, now, None, exc)
                    return
                except Exception as exc:
                    self._learn(step.look, now, None, _unexpected(exc))
                    return
                if seen is not None:
                    self._learn(step.look, seen[1], seen[0], None)
                    return
                if late:
                    return
                self._pause(min(step.until - now, watch.left))

    def _pause(self, seconds: float) -> None:
        if not self._tools.cancel.called:
            # Times are floats: a wait for next to nothing would not end.
            self._clock.wait(self._alarm, max(seconds, 0.001))

    # Giving back.

    @property
    def _slot_taken(self) -> bool:
        slot = self.facts.slot
        return slot is not None and slot.error is None and not slot.value

    def _give_back_slot(self) -> None:
        if self._slot_taken:
            assert self._state is not None  # noqa: S101, it has a slot
            self._tools.shared.rates[self._state].give_back()
            self.facts = self.facts.change(slot=None)

    def _close(self) -> None:
        self._give_back_slot()
        facts, shared = self.facts, self._tools.shared
        node = facts.member.node
        if facts.sent is not None and node.settled:
            now = self._clock.monotonic()
            shared.seen(facts.order.node_id, node.power_state, now)
        if (told := facts.telling(HookKind.AFTER_ON)) is not None:
            shared.owe(facts.order.node_id, bool(told.failures))
        if facts.claim is not None and facts.claim.value is None:
            shared.release(facts.order.node_id)

    # Telling.

    def _tell(
        self, step: Event, detail: str = '', outcome: Outcome | None = None
    ) -> None:
        event = events.Event(
            self.facts.member,
            step,
            detail,
            self._state,
            self._tools.backend,
            self._clock.monotonic() - self.facts.began,
            outcome,
            self.facts.compute.zone if self.facts.compute else None,
        )
        events.publish(event, self._tools.watch)

    def _tell_waiting(self, event: Event, why: str) -> None:
        """Once, however often that is looked at."""
        if why != self._waiting[1]:
            self._waiting = self._waiting[0], why
            self._tell(event, why)


def _as_error(exc: Exception) -> exceptions.MetalError:
    return exc if isinstance(exc, exceptions.MetalError) else _unexpected(exc)


def _unexpected(exc: Exception) -> exceptions.MetalError:
    """A third-party driver may break its contract. Its message may hold a
    secret: it goes only to the debug log."""
    LOG.debug('Unexpected exception in a transition', exc_info=exc)
    error = exceptions.MetalError(
        f'unexpected exception from the driver ({type(exc).__name__}); see '
        'the log with --debug, and report it to the author of the driver'
    )
    error.__cause__ = exc
    return error
