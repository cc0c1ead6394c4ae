# SPDX-License-Identifier: Apache-2.0
"""``driver check`` and ``driver certify``."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib.metadata
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from metal_drivers import (
    boundary,
    compute,
    conf,
    conformance,
    exceptions,
    lookup,
    selector,
    services,
)
from metal_drivers.candidates import Candidate, CandidateState
from metal_drivers.cli import base, signals, terminal
from metal_drivers.compute import markers
from metal_drivers.conformance import certify, report
from metal_drivers.conformance.configured import Configured
from metal_drivers.fleet import Member
from metal_drivers.model import PowerState
from metal_drivers.power import guards
from metal_drivers.settings import PowerSettings

_OURSELVES = 'watcher-metal-drivers'


class _Rules(base.Lister):
    """A command that tries rules on one driver."""

    COLUMNS = report.COLUMNS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument('name', metavar='NAME', help='the driver')
        return parser

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        stdout = self.app.stdout
        if parsed_args.formatter == 'table' and stdout.isatty():
            self.formatter = terminal.TerminalFormatter(
                terminal.width_of(stdout)
            )
        status: int = super().produce_output(parsed_args, column_names, data)
        return status

    def find(self, name: str) -> Candidate:
        """:raises ConfigurationError: there is no such driver, or it is not
        configured."""
        found = selector.Selector(self.conf).named(name)
        if found.state in (CandidateState.ABSENT, CandidateState.INCOMPLETE):
            raise exceptions.ConfigurationError(
                f'The driver {name} cannot be tried: {found.detail}',
                cure=f'Configure [{found.group}].',
                driver=name,
                options=found.missing,
            )
        return found

    def start(self, found: Candidate) -> boundary.GuardedDriver:
        return self.opened(selector.Selector(self.conf).start(found))

    def hooks(self, found: Candidate, driver: Any, **more: Any) -> Configured:
        values = conf.driver_values(self.conf, found.name, type(driver))
        settings = PowerSettings.from_conf(self.conf)
        hooks = Configured(driver, values, **more)
        hooks.patience = max(
            settings.power_on_timeout,
            settings.power_off_timeout,
            settings.soft_off_timeout,
        )
        hooks.poll_interval = settings.poll_interval
        return hooks

    def report(
        self,
        found: Candidate,
        results: Sequence[conformance.Result],
        interrupted: bool = False,
    ) -> report.Report:
        made = report.Report(
            found.name,
            found.distribution,
            _version(found.distribution),
            _version(_OURSELVES),
            found.plugin.cls.contract if found.plugin.cls else (0, 0),
            datetime.datetime.now(datetime.UTC),
            results,
            interrupted,
        )
        if not made.passed:
            self.status = 1
        return made


class CheckDriver(_Rules):
    """Try the rules of the driver contract that change nothing.

    The service is the one of the configuration. Whichever driver is
    selected, the one that is named is tried.
    """

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        found = self.find(parsed_args.name)
        if _is_broken(found):
            results = certify.unloadable(found.detail, certify.READING)
            return self.COLUMNS, self.report(found, results).rows()
        driver = self.start(found).driver
        hooks = self.hooks(found, driver)
        runner = conformance.Runner(hooks, driver)
        with self.waiting(None), signals.cancelling(runner.cancel):
            runner.attempt(certify.as_rule(lambda bench: hooks.learn()))
            results = runner.run(certify.READING)
        made = self.report(found, results, runner.cancelled)
        return self.COLUMNS, made.rows()


class CertifyDriver(_Rules):
    """Try all rules of the driver contract, on a node that is powered off.

    The node is powered off and on many times, softly and hard. It is left
    as it was. It must not be a compute host that is in use: nova-compute on
    it has to be disabled, and no server be on it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--node',
            metavar='NODE',
            required=True,
            help='the node to power off and on: an id, a node name or a '
            'host name',
        )
        parser.add_argument(
            '--unmatched',
            action='store_true',
            help='power off a node that matches no compute host of Nova, '
            'too: nothing checks then whether it is in use',
        )
        parser.add_argument(
            '--yes', action='store_true', help='skip confirmation'
        )
        parser.add_argument(
            '--output',
            metavar='PATH',
            action='append',
            default=[],
            type=pathlib.Path,
            help='where to write the report: a file that ends in .json, a '
            'badge that ends in .svg, or a directory for both; may be '
            'repeated',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        name, outputs = parsed_args.name, list(_outputs(parsed_args))
        found = self.find(name)
        if _is_broken(found):
            results = certify.unloadable(found.detail, certify.ALL)
            made = self.report(found, results)
            _write(made, outputs)
            return self.COLUMNS, made.rows()
        self.confirm(parsed_args)
        guarded = self.start(found)
        guard = _Guard(
            services.open_compute(self.conf),
            PowerSettings.from_conf(self.conf),
            parsed_args.unmatched,
        )
        with self.waiting(guard.nova):
            member = guard.find(guarded, parsed_args.node)
        hooks = self.hooks(found, guarded.driver, permit=guard.permit)
        run = certify.Certification(hooks, guarded.driver, member.node.id)
        guard.on_refusal = run.cancel
        with self.waiting(guard.nova), signals.cancelling(run.cancel):
            results = run.run()
        made = self.report(found, results, run.cancelled)
        _write(made, outputs)
        if guard.refused:
            self.app.stderr.write(
                f'metal-drivers: It was ended, since {guard.refused}.\n'
            )
        if run.left:
            self.status = 1
            self.app.stderr.write(
                f'metal-drivers: Node {member.label} is NOT as it was: '
                f'{run.left}. Look at it with `metal-drivers node show '
                f'{member.node.id}`.\n'
            )
        return self.COLUMNS, made.rows()

    def confirm(self, parsed_args: argparse.Namespace) -> None:
        if parsed_args.yes:
            return
        node = parsed_args.node
        if not self.app.stdin.isatty():
            raise exceptions.ConfigurationError(
                f'Powering {node} off and on needs confirmation, and '
                'standard input is not a terminal',
                cure='Use --yes to skip confirmation.',
            )
        self.app.stderr.write(f'Power {node} off and on many times? [y/N] ')
        self.app.stderr.flush()
        answer = self.app.stdin.readline().strip().casefold()
        if answer not in ('y', 'yes'):
            raise exceptions.RefusedError('Nothing was powered off.')


class _Guard:
    """Whether a node may be powered off to try a driver."""

    def __init__(
        self,
        nova: compute.Compute | None,
        settings: PowerSettings,
        unmatched: bool,
    ) -> None:
        self.nova = nova
        # Without Nova, no node matches anything.
        self._settings = dataclasses.replace(
            settings, unmatched=unmatched or nova is None
        )
        self._host: str | None = None
        #: Why the node must not be powered off any longer.
        self.refused = ''
        self.on_refusal: Callable[[], object] = lambda: None

    def find(self, driver: boundary.GuardedDriver, ref: str) -> Member:
        """The node of that name, which may be powered off and on.

        :raises MetalError: it must not be, or cannot be found.
        """
        member = lookup.look_up(driver, self.nova, [ref]).find(ref)
        node = driver.get_node(member.node.id)
        member = dataclasses.replace(member, node=node)
        for state in (PowerState.OFF, PowerState.ON):
            reason = guards.refusal(
                guards.Request(member, state, self._settings)
            )
            if reason:
                raise _refused(member, reason)
        if not node.settled or node.power_state not in (
            PowerState.ON,
            PowerState.OFF,
        ):
            raise _refused(
                member,
                f'its power state is {node.power_state.value}'
                + ('' if node.settled else ', and a change is under way'),
            )
        if member.host is not None:
            self._host = member.host.name
            self._look(member.label)
        return member

    def permit(self, node_id: str) -> None:
        """Asked before each power off: much can happen meanwhile. The
        first refusal ends the run."""
        try:
            self._look(node_id)
        except exceptions.MetalError as exc:
            self.refused = exc.message
            self.on_refusal()
            raise

    def _look(self, label: str) -> None:
        if self.nova is None or self._host is None:
            return
        host = self._host
        service = self.nova.get_service(host)
        reason = ''
        if service.enabled:
            reason = (
                'nova-compute on it is enabled. Disable it first: openstack '
                f'compute service set --disable {host} nova-compute'
            )
        elif markers.parse(service.disabled_reason) is not None:
            reason = (
                'nova-compute on it was disabled by metal-drivers. Use '
                f'`metal-drivers node power on {host}` first, and disable it '
                'yourself'
            )
        elif self.nova.list_moving(host):
            reason = 'servers move to or from it'
        elif count := self.nova.count_servers(host):
            reason = f'{count} servers are on it. Migrate them first'
        if reason:
            raise exceptions.RefusedError(
                f'{label} is not powered off: {reason}'
            )


def _is_broken(found: Candidate) -> bool:
    return found.plugin.cls is None or found.state is CandidateState.FAILED


def _refused(member: Member, reason: str) -> exceptions.RefusedError:
    return exceptions.RefusedError(
        f'{member.label} is not powered off: {reason}'
    )


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ''


def _outputs(parsed_args: argparse.Namespace) -> Iterable[pathlib.Path]:
    """The files to write.

    :raises ConfigurationError: it is neither a directory nor a file with
        one of the suffixes.
    """
    for path in parsed_args.output:
        if path.is_dir():
            yield path / f'{parsed_args.name}.json'
            yield path / f'{parsed_args.name}.svg'
        elif path.suffix in ('.json', '.svg') and path.parent.is_dir():
            yield path
        else:
            raise exceptions.ConfigurationError(
                f'The report cannot be written to {path}: it is no '
                'directory, and no file ending in .json or .svg in one',
                cure='Make the directory first.',
            )


def _write(made: report.Report, outputs: Iterable[pathlib.Path]) -> None:
    for path in outputs:
        text = made.json() if path.suffix == '.json' else made.badge()
        try:
            path.write_text(text, encoding='utf-8')
        except OSError as exc:
            raise exceptions.ConfigurationError(
                f'The report cannot be written to {path}: {exc.strerror}',
                cure='Name another file with --output.',
            ) from exc
