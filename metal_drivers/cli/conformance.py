# SPDX-License-Identifier: Apache-2.0
"""``driver check`` and ``driver certify``."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib.metadata
import logging
import os
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

from metal_drivers import (
    boundary,
    conf,
    conformance,
    exceptions,
    redaction,
    selector,
    services,
)
from metal_drivers.candidates import Candidate, CandidateState
from metal_drivers.cli import base, signals
from metal_drivers.cli.permission import Permission
from metal_drivers.conformance import certify, report
from metal_drivers.conformance.configured import Configured
from metal_drivers.fleet import Member
from metal_drivers.settings import PowerSettings

LOG = logging.getLogger(__name__)

_OURSELVES = 'watcher-metal-drivers'


class _Rules(base.FittedLister):
    """A command that tries rules on one driver."""

    COLUMNS = report.COLUMNS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument('name', metavar='NAME', help='the driver')
        return parser

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
        if found.state is CandidateState.FAILED and found.plugin.cls:
            # An option that cannot be read is no fault of the driver.
            conf.driver_values(self.conf, found.name, found.plugin.cls)
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

    EXAMPLES = (
        (
            'The rules by name, and what came out.',
            'metal-drivers driver check ironic -c Rule -c Result',
        ),
    )

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
            learned = runner.attempt(
                certify.as_rule(lambda bench: hooks.learn())
            ).error
            if isinstance(learned, exceptions.MetalError):
                LOG.warning(
                    'The service cannot be used, so rules that ask it fail, '
                    'whatever the driver is like: %s',
                    redaction.Redactor(hooks.secrets)(str(learned)),
                )
            results = runner.run(certify.READING)
        made = self.report(found, results, runner.cancelled)
        return self.COLUMNS, made.rows()


class CertifyDriver(_Rules):
    """Try all rules of the driver contract, on a node that is powered off.

    The node is powered off and on many times, softly and hard. It is left
    as it was. It must not be a compute host that is in use: nova-compute on
    it has to be disabled, and no server be on it.
    """

    EXAMPLES = (
        (
            'With a report to publish.',
            'metal-drivers driver certify acme --node compute-01 --yes '
            '--output reports',
        ),
    )

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
            self.write(made, outputs)
            return self.COLUMNS, made.rows()
        self.require_confirmation(parsed_args)
        guarded = self.start(found)
        nova = services.open_compute(self.conf)
        settings = PowerSettings.from_conf(self.conf)
        permission = Permission(
            guarded,
            nova,
            self.opened(services.open_hooks(self.conf)),
            dataclasses.replace(
                settings, unmatched=parsed_args.unmatched or nova is None
            ),
        )
        with self.waiting(nova):
            member = permission.find(parsed_args.node)
        if member.host is None:
            why = 'it matches no compute host'
            if nova is None:
                why = 'Nova is not configured'
            self.say(
                f'Nothing checks whether {member.label} is in use: {why}.'
            )
        self.confirm(parsed_args, member)
        hooks = self.hooks(found, guarded.driver, permit=permission.ask)
        run = certify.Certification(hooks, guarded.driver, member.node.id)
        permission.on_refusal = run.cancel
        with self.waiting(nova), signals.cancelling(run.cancel):
            results = run.run()
        if permission.refused:
            self.say(f'It was ended, since {permission.refused}.')
        if run.left:
            self.status = 1
            self.say(
                f'Node {member.label} is NOT as it was: {run.left}. Look at '
                f'it with `metal-drivers node show {member.node.id}`.'
            )
        elif wrong := permission.end():
            self.status = 1
            self.say(
                f'Node {member.label} is as it was, but a hook failed: '
                f'{wrong}.'
            )
        made = self.report(found, results, run.cancelled)
        self.write(made, outputs)
        return self.COLUMNS, made.rows()

    def say(self, sentence: str) -> None:
        self.app.stderr.write(f'metal-drivers: {sentence}\n')

    def require_confirmation(self, parsed_args: argparse.Namespace) -> None:
        """:raises ConfigurationError: nobody can be asked."""
        if not parsed_args.yes and not self.app.stdin.isatty():
            raise exceptions.ConfigurationError(
                f'Powering {parsed_args.node} off and on needs confirmation, '
                'and standard input is not a terminal',
                cure='Use --yes to skip confirmation.',
            )

    def confirm(self, parsed_args: argparse.Namespace, member: Member) -> None:
        """:raises RefusedError: it is not to be done."""
        if parsed_args.yes:
            return
        self.app.stderr.write(
            f'Power {member.label} off and on many times? [y/N] '
        )
        self.app.stderr.flush()
        answer = self.app.stdin.readline().strip().casefold()
        if answer not in ('y', 'yes'):
            raise exceptions.RefusedError('Nothing was powered off.')

    def write(
        self, made: report.Report, outputs: Iterable[pathlib.Path]
    ) -> None:
        """Write the files. The table is printed even if that fails."""
        for path in outputs:
            text = made.json() if path.suffix == '.json' else made.badge()
            try:
                path.write_text(text, encoding='utf-8')
            except OSError as exc:
                self.status = 1
                self.say(
                    f'The report cannot be written to {path}: '
                    f'{exc.strerror}. Use --output with another file.'
                )


def _is_broken(found: Candidate) -> bool:
    return found.plugin.cls is None or found.state is CandidateState.FAILED


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ''


def _outputs(parsed_args: argparse.Namespace) -> Iterable[pathlib.Path]:
    """The files to write.

    :raises ConfigurationError: it is neither a directory nor a file with
        one of the suffixes, or may not be written.
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
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise exceptions.ConfigurationError(
                f'The report cannot be written to {path}: permission denied',
                cure='Use --output with another file.',
            )
