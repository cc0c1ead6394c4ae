# SPDX-License-Identifier: Apache-2.0
"""The hooks in use, as one."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import (
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Protocol

from metal_drivers import exceptions
from metal_drivers.hooks.base import Event, HookEvent, HookNote
from metal_drivers.hooks.guarded import GuardedHook
from metal_drivers.model import CheckResult, ComputeHost, Node

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """A hook that was told of an event, and failed."""

    hook: str
    error: exceptions.MetalError

    def __str__(self) -> str:
        return f'hook {self.hook}: {self.error}'


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What became of an event."""

    event: Event
    #: The hooks that were told, in their order.
    hooks: tuple[str, ...] = ()
    #: Those that failed, but for what they say may be ignored.
    failures: tuple[Failure, ...] = ()


class Member(Protocol):
    """A node and its compute host, as far as hooks are concerned."""

    @property
    def node(self) -> Node: ...

    @property
    def host(self) -> ComputeHost | None: ...


def left_of(member: Member, notes: Mapping[str, Sequence[HookNote]]) -> bool:
    """Whether a hook has something left that belongs to this very node.

    :param notes: as :meth:`Hooks.notes` has them.
    """
    return member.host is not None and any(
        note.node_id == member.node.id
        for note in notes.get(member.host.name, ())
    )


class Hooks:
    """The hooks in use, in their order.

    May be used by several threads at once.
    """

    def __init__(self, hooks: Iterable[GuardedHook] = ()) -> None:
        self._hooks = tuple(hooks)

    def __len__(self) -> int:
        return len(self._hooks)

    def __iter__(self) -> Iterator[GuardedHook]:
        return iter(self._hooks)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(hook.name for hook in self._hooks)

    def tell(self, event: HookEvent, hooks: Collection[str]) -> Told:
        """Tell these hooks of an event, one after the other.

        Raises nothing. The first one that refuses a power off is the last
        one that is told of it; that it was undone is told the other way
        round.

        :param hooks: their names.
        """
        told: list[str] = []
        failures: list[Failure] = []
        order = self._hooks
        if event.event is Event.UNDONE:
            order = order[::-1]
        for hook in order:
            if hook.name not in hooks:
                continue
            told.append(hook.name)
            try:
                hook.tell(event)
            except exceptions.MetalError as exc:
                if event.event in hook.ignorable:
                    LOG.warning(
                        '%s: hook %s: %s', event.node_name, hook.name, exc
                    )
                    continue
                failures.append(Failure(hook.name, exc))
                if event.event is Event.BEFORE_OFF:
                    break
        return Told(event.event, tuple(told), tuple(failures))

    def notes(self) -> dict[str, list[HookNote]]:
        """By the name of the host, what the hooks know of it.

        A hook that cannot tell is a line of the log.
        """
        found: dict[str, list[HookNote]] = {}
        for hook in self._hooks:
            try:
                notes = hook.notes()
            except exceptions.MetalError as exc:
                LOG.warning('hook %s: %s', hook.name, exc)
                continue
            for host, note in notes.items():
                found.setdefault(host, []).append(note)
        return found

    def left_of(self, members: Iterable[Member]) -> frozenset[str]:
        """The ids of the nodes of which hooks have something left."""
        notes = self.notes() if self._hooks else {}
        return frozenset(
            member.node.id
            for member in members
            if notes and left_of(member, notes)
        )

    def check(self) -> Iterator[CheckResult]:
        """Whether each of them can work."""
        for hook in self._hooks:
            yield from hook.check()

    def close(self) -> None:
        """Give back threads and sockets; safe to call twice."""
        for hook in self._hooks:
            hook.close()
