# SPDX-License-Identifier: Apache-2.0
"""What a rule of the driver contract is.

A rule is data: what it says, how binding that is, what has to be there for
it to be tried, and the function that tries it. The page of the
documentation, the suite and the report are made from the rules.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING

from metal_drivers.model import Capability

if TYPE_CHECKING:  # a bench knows rules
    from metal_drivers.conformance.bench import Bench

#: The page of the documentation that has all rules.
PAGE = 'contributor/contract'


class Tier(enum.Enum):
    """How binding a rule is."""

    #: A driver that breaks it is wrong.
    REQUIRED = 'required'
    #: A driver that breaks it works, and could be better.
    RECOMMENDED = 'recommended'


class Broken(Exception):
    """The driver breaks the rule: what was seen, and what the rule asks."""


class NotTried(Exception):
    """The rule cannot be tried here: why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the contract."""

    #: Stable: reports and fixtures refer to it.
    id: str
    #: The id of the topic that it belongs to.
    topic: str
    #: What it asks, for people.
    sentence: str
    #: Tries it.
    #:
    #: :raises Broken: the driver breaks it.
    #: :raises NotTried: it cannot be tried here.
    check: Callable[[Bench], None] = dataclasses.field(repr=False)
    tier: Tier = Tier.REQUIRED
    #: The capability that opens it: it is not tried with a driver that does
    #: not claim that.
    opens: Capability | None = None
    #: The hooks without which it cannot be tried: methods of
    #: :class:`~metal_drivers.conformance.hooks.Hooks`.
    needs: tuple[str, ...] = ()
    #: Whether it powers a node off or on.
    changes: bool = False

    @property
    def page(self) -> str:
        """Where the documentation has it."""
        return f'{PAGE}.html#{self.id}'


class Topic:
    """Rules that belong together, in their order.

    :param about: what they have in common, one sentence.
    """

    def __init__(self, id_: str, title: str, about: str) -> None:
        self.id, self.title, self.about = id_, title, about
        self.rules: list[Rule] = []

    def rule(
        self,
        sentence: str,
        *,
        tier: Tier = Tier.REQUIRED,
        opens: Capability | None = None,
        needs: tuple[str, ...] = (),
        changes: bool = False,
    ) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
        """Have a function be the check of a rule, whose id is its name."""

        def add(check: Callable[[Bench], None]) -> Callable[[Bench], None]:
            self.rules.append(
                Rule(
                    check.__name__.replace('_', '-'),
                    self.id,
                    sentence,
                    check,
                    tier,
                    opens,
                    needs,
                    changes,
                )
            )
            return check

        return add
