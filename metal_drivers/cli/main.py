# SPDX-License-Identifier: Apache-2.0
"""The application: configuration, logging, and how an error ends."""

from __future__ import annotations

import argparse
import functools
import importlib.metadata
import logging
import os
import sys
from typing import Any, TextIO

import stevedore
from cliff import app as cliff_app
from cliff import command as cliff_command
from cliff import commandmanager
from oslo_config import cfg

from metal_drivers import exceptions

LOG = logging.getLogger(__name__)

_DISTRIBUTION = 'watcher-metal-drivers'

#: The exit status where the usage or the configuration is wrong.
USAGE = 2


class _Commands(commandmanager.CommandManager):
    """The commands that are installed, each imported when it is run."""

    def load_commands(self, namespace: str) -> None:
        # cliff itself imports all of them, to run one.
        self.group_list.append(namespace)
        found: Any = stevedore.NamedExtensionManager(namespace, ())
        for entry_point in found.list_entry_points():
            self.commands[entry_point.name.replace('_', ' ')] = entry_point


class MetalDriversApp(cliff_app.App):
    """Power idle compute hosts off and on again."""

    NAME = 'metal-drivers'
    CONSOLE_MESSAGE_FORMAT = 'metal-drivers: %(message)s'

    def __init__(
        self,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        super().__init__(
            description='List, check and power on or off the bare metal '
            'nodes of compute hosts.',
            version=importlib.metadata.version(_DISTRIBUTION),
            command_manager=_Commands('metal_drivers.commands'),
            deferred_help=True,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
        self._error: BaseException | None = None

    def build_option_parser(
        self,
        description: str | None,
        version: str | None,
        argparse_kwargs: dict[str, object] | None = None,
    ) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().build_option_parser(
            description, version, argparse_kwargs
        )
        parser.prog = self.NAME
        parser.set_defaults(verbose_level=0)
        parser.add_argument(
            '--config-file',
            metavar='FILE',
            action='append',
            default=[],
            help='a configuration file; may be repeated, later ones '
            'override earlier ones (default: the watcher.conf that Watcher '
            'uses)',
        )
        parser.add_argument(
            '--config-dir',
            metavar='DIR',
            action='append',
            default=[],
            help='a directory of configuration files; may be repeated',
        )
        return parser

    def configure_logging(self) -> None:
        if self.options.debug:
            self.options.verbose_level = 2
        # One step quieter than cliff: no lines for what is usual.
        level = {0: logging.WARNING, 1: logging.INFO}.get(
            self.options.verbose_level, logging.DEBUG
        )
        handler = logging.StreamHandler(self.stderr)
        handler.setFormatter(logging.Formatter(self.CONSOLE_MESSAGE_FORMAT))
        root = logging.getLogger()
        root.addHandler(handler)
        root.setLevel(level)
        logging.captureWarnings(True)
        if level > logging.DEBUG:
            # Each run would repeat what is of use once (deprecated names,
            # that `insecure` is insecure), or what the error says anyway.
            for name in ('keystoneauth', 'oslo_config', 'py.warnings'):
                logging.getLogger(name).setLevel(logging.ERROR)

    def initialize_app(self, argv: list[str]) -> None:
        if not argv and not self.options.deferred_help:
            self.parser.error('a command is needed; see --help')

    @functools.cached_property
    def conf(self) -> cfg.ConfigOpts:
        """The configuration that the options name.

        :raises ConfigurationError: a file cannot be read.
        """
        args = [f'--config-file={name}' for name in self.options.config_file]
        args += [f'--config-dir={name}' for name in self.options.config_dir]
        conf = cfg.ConfigOpts()
        try:
            conf(args, project='watcher', prog='watcher')
        except cfg.Error as exc:
            raise exceptions.ConfigurationError(
                'The configuration cannot be read: '
                + ' '.join(str(exc).split()),
                cure='Fix the file, or name another with --config-file.',
            ) from exc
        if not (conf.config_file or conf.config_dir):
            LOG.warning(
                'There is no configuration file: none is named with '
                '--config-file, and no watcher.conf was found.'
            )
        return conf

    def run_subcommand(self, argv: list[str]) -> int:
        status: int = super().run_subcommand(argv)
        if isinstance(self._error, exceptions.ConfigurationError):
            return USAGE
        return status

    def clean_up(
        self,
        cmd: cliff_command.Command,
        result: int,
        err: BaseException | None,
    ) -> None:
        self._error = err


def main(argv: list[str] | None = None) -> int:
    """The entry point of the console script.

    :returns: 0 all is well, 1 something failed, 2 usage or configuration.
    """
    if argv is None:
        argv = sys.argv[1:]
        _keep_stdout()
    return int(MetalDriversApp().run(argv) or 0)


def _keep_stdout() -> None:
    """Have stdout for results only: what others write to it, in whatever
    way, goes to stderr. It could be in the middle of JSON."""
    try:
        kept, former = os.dup(1), sys.stdout
        os.dup2(2, 1)
    except OSError:  # one of them is closed
        return
    sys.stdout = open(  # noqa: SIM115, as long as the process
        kept,
        'w',
        buffering=1 if os.isatty(kept) else -1,
        encoding=former.encoding,
        errors=former.errors,
    )


if __name__ == '__main__':
    sys.exit(main())
