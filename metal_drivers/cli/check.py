# SPDX-License-Identifier: Apache-2.0
"""``check``: whether the configuration is right."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from metal_drivers import exceptions, fleet, planning, selector, services
from metal_drivers.cli import base
from metal_drivers.model import CheckResult, CheckStatus
from metal_drivers.power import PowerSettings
from metal_drivers.power.guards import protecting


class Check(base.Lister):
    """Check configuration, services and permissions; change nothing."""

    COLUMNS = ('Check', 'Result', 'Detail')

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        results = list(self._results())
        if any(each.status is CheckStatus.FAILED for each in results):
            self.status = 1
        return self.COLUMNS, [
            (each.name, each.status.value, each.detail) for each in results
        ]

    def _results(self) -> Iterable[CheckResult]:
        settings = PowerSettings.from_conf(self.conf)
        chooser = selector.Selector(self.conf)
        driver = nova = None
        try:
            chosen = chooser.select()
            driver = self.opened(chooser.load())
        except exceptions.MetalError as exc:
            found = [CheckResult('driver', CheckStatus.FAILED, str(exc))]
        else:
            with self.waiting(None):
                told = driver.check()
            detail = f'{chosen.name}: {chosen.detail}'
            found = [CheckResult('driver', CheckStatus.OK, detail), *told]
        yield from found
        yield from self._of_hooks()
        try:
            nova = services.open_compute(self.conf)
        except exceptions.ConfigurationError as exc:
            yield CheckResult('nova', CheckStatus.FAILED, str(exc))
            return
        if nova is None:
            yield CheckResult(
                'nova',
                CheckStatus.WARNING,
                'no credentials in [nova] or [watcher_clients_auth]: '
                'no node matches a compute host',
            )
            return
        with self.waiting(nova, driver=False):
            found += (asked := nova.check())
        yield from asked
        if driver is None or any(
            each.status is CheckStatus.FAILED for each in found
        ):
            return
        try:
            with self.waiting(nova):
                members = fleet.load(driver, nova)
        except exceptions.MetalError as exc:
            yield CheckResult('matching', CheckStatus.FAILED, str(exc))
        else:
            yield from _matching(members, settings)
            yield from _unreliable(members)

    def _of_hooks(self) -> Iterable[CheckResult]:
        try:
            hooks = self.opened(services.open_hooks(self.conf))
        except exceptions.MetalError as exc:
            yield CheckResult('hooks', CheckStatus.FAILED, str(exc))
            return
        yield from hooks.check()


def _matching(
    found: fleet.Fleet, settings: PowerSettings
) -> Iterable[CheckResult]:
    problems = [
        f'{member.node.name}: {member.problem}'
        for member in found.members
        if member.host is None
    ]
    matched = len(found.members) - len(problems)
    detail = f'{matched} of {len(found.members)} nodes match a compute host'
    if problems:
        more = f' and {len(problems) - 3} more' if len(problems) > 3 else ''
        detail += f' ({"; ".join(problems[:3])}{more})'
    yield CheckResult(
        'matching',
        CheckStatus.WARNING if problems else CheckStatus.OK,
        detail,
    )
    idle = [
        pattern
        for pattern in settings.protected_hosts
        if not any(protecting(member, [pattern]) for member in found.members)
    ]
    if idle:
        yield CheckResult(
            'protected hosts',
            CheckStatus.WARNING,
            f'no host or node matches {", ".join(idle)}',
        )


def _unreliable(found: fleet.Fleet) -> Iterable[CheckResult]:
    """Hosts that failed to power on."""
    failures = planning.failures_of(found.members)
    told = [
        f'{member.label} {failures[member.node.id]}'
        for member in found.members
        if member.node.id in failures
    ]
    if told:
        more = f' and {len(told) - 3} more' if len(told) > 3 else ''
        hosts = 'host' if len(told) == 1 else 'hosts'
        yield CheckResult(
            'unreliable hosts',
            CheckStatus.WARNING,
            f'{len(told)} {hosts} may not come back: '
            f'{"; ".join(told[:3])}{more}. Check the machines, then power '
            'them on with `metal-drivers node power on`',
        )
