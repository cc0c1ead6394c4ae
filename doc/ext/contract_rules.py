# SPDX-License-Identifier: Apache-2.0
"""The directive ``contract-rules``: every rule of the driver contract, by
topic, as ``metal_drivers.conformance`` has them.

``contract-summary`` is how many there are; ``contract-unseen`` is what none of
them sees.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

from metal_drivers import conformance
from metal_drivers.conformance import Rule, Tier, Topic, unseen

_WIDTHS = (30, 12, 44, 14)


def needed(rule: Rule) -> list[str]:
    """What opens the rule."""
    found = [f'{name}()' for name in rule.needs]
    if rule.opens is not None:
        found.insert(0, rule.opens.name)
    if rule.changes:
        found.append('a node to power off')
    return found


class ContractRules(Directive):
    """A section for each topic, with a table of its rules."""

    def run(self) -> list[Any]:
        return [_section(topic) for topic in conformance.TOPICS]


class ContractSummary(Directive):
    """One sentence."""

    def run(self) -> list[Any]:
        counts = {
            tier: sum(rule.tier is tier for rule in conformance.RULES)
            for tier in Tier
        }
        text = (
            f'The contract has {counts[Tier.REQUIRED]} required and '
            f'{counts[Tier.RECOMMENDED]} recommended rules.'
        )
        return [nodes.paragraph(text=text)]


class ContractUnseen(Directive):
    """What no rule sees, by rule, in their order."""

    def run(self) -> list[Any]:
        table = nodes.table()
        group = nodes.tgroup(cols=3)
        group += [nodes.colspec(colwidth=width) for width in (30, 40, 30)]
        head = nodes.row()
        for title in ('Rule', 'What a driver may do', 'Why it does not show'):
            head += nodes.entry('', nodes.paragraph(text=title))
        body = nodes.tbody()
        for each in by_rule():
            row = nodes.row()
            row += nodes.entry(
                '', nodes.paragraph('', '', nodes.literal(text=each.rule))
            )
            for text in (each.fault, each.why):
                row += nodes.entry('', nodes.paragraph(text=text))
            body += row
        group += [nodes.thead('', head), body]
        table += group
        return [table]


def by_rule() -> list[unseen.Unseen]:
    """What no rule sees, in the order of the rules."""
    order = [rule.id for rule in conformance.RULES]
    return sorted(unseen.UNSEEN, key=lambda each: order.index(each.rule))


def _section(topic: Topic) -> Any:
    section = nodes.section(ids=[f'topic-{topic.id}'], names=[topic.title])
    section += nodes.title(text=topic.title)
    section += nodes.paragraph(text=topic.about)
    table = nodes.table()
    group = nodes.tgroup(cols=len(_WIDTHS))
    group += [nodes.colspec(colwidth=width) for width in _WIDTHS]
    head = nodes.row()
    for title in ('Rule', 'Tier', 'What it asks', 'Needs'):
        head += nodes.entry('', nodes.paragraph(text=title))
    body = nodes.tbody('', *map(_row, topic.rules))
    group += [nodes.thead('', head), body]
    table += group
    section += table
    return section


def _row(rule: Rule) -> Any:
    row = nodes.row(ids=[rule.id])
    row += nodes.entry(
        '', nodes.paragraph('', '', nodes.literal(text=rule.id))
    )
    for text in (rule.tier.value, rule.sentence, ', '.join(needed(rule))):
        row += nodes.entry('', nodes.paragraph(text=text))
    return row


def setup(app: Any) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive('contract-rules', ContractRules)
    app.add_directive('contract-summary', ContractSummary)
    app.add_directive('contract-unseen', ContractUnseen)
    return {'parallel_read_safe': True}
