# SPDX-License-Identifier: Apache-2.0
"""What the commands share."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from cliff import columns, command, lister
from cliff import show as cliff_show
from oslo_config import cfg

from metal_drivers import _text, exceptions
from metal_drivers.cli import terminal

if TYPE_CHECKING:  # commands that switch nothing load nothing that does
    from metal_drivers import compute, services
    from metal_drivers.power import PowerSettings


class _Closes(Protocol):
    def close(self) -> None: ...


C = TypeVar('C', bound=_Closes)


if TYPE_CHECKING:
    Column = columns.FormattableColumn[Any]
else:
    # In cliff before 4.9 it takes no type.
    Column = columns.FormattableColumn


class OrNothing(Column):
    """A value for people, with nothing where there is none; null in
    JSON."""

    def human_readable(self) -> str:
        return '' if self._value is None else str(self._value)

    def machine_readable(self) -> Any:
        return self._value


class CommandBase:
    """A command of ours: its configuration, its errors, its status."""

    app: Any
    cmd_name: str | None
    #: What the command exits with, where no error ends it.
    status = 0
    #: The columns of its results, where these are always the same.
    COLUMNS: ClassVar[tuple[str, ...]] = ()
    #: Sentences, each with a command line, for ``--help`` and the page.
    EXAMPLES: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Given back once the results are printed.
        self._opened: list[_Closes] = []

    @property
    def conf(self) -> cfg.ConfigOpts:
        conf: cfg.ConfigOpts = self.app.conf
        return conf

    def get_epilog(self) -> str:
        """The examples. Not what cliff has: to tell that a command is a
        plugin's, it reads what all installed distributions consist of,
        which takes longer than most commands do."""
        if not self.EXAMPLES:
            return ''
        lines = [
            f'  # {sentence}\n  {command}'
            for sentence, command in self.EXAMPLES
        ]
        # With no application a page of the documentation is made.
        head = 'Examples:' if self.app else 'Examples::'
        return '\n\n'.join([head, *lines])

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(  # type: ignore[misc]
            prog_name
        )
        # mypy does not see that the class of cliff's formatter is one.
        parser.formatter_class = _keeping_lines(parser.formatter_class)
        return parser

    def connect(
        self, settings: PowerSettings | None = None
    ) -> services.Connection:
        """The driver and Nova, as configured.

        :param settings: by default those of the configuration.
        """
        from metal_drivers import services
        from metal_drivers.history import recorder

        name = f'{self.app.NAME} {self.cmd_name or ""}'.rstrip()
        by = recorder.asker(name)
        return self.opened(
            services.connect(self.conf, settings=settings, by=by)
        )

    def opened(self, thing: C) -> C:
        """Have it closed after all else is done."""
        self._opened.append(thing)
        return thing

    def waiting(
        self, nova: compute.Compute | None, driver: bool = True
    ) -> contextlib.AbstractContextManager[None]:
        """Show at a terminal that these are waited for.

        :param nova: None where it is not asked.
        :param driver: whether the bare metal service is.
        """
        from metal_drivers.cli import progress

        names = ['the bare metal service'] if driver else []
        names += ['Nova'] if nova else []
        return progress.waiting(
            self.app.stdout, self.app.stderr, ' and '.join(names)
        )

    def run(self, parsed_args: argparse.Namespace) -> int:
        # What drivers print is not to get between the results.
        with contextlib.redirect_stdout(self.app.stderr):
            return self._run(parsed_args)

    def _run(self, parsed_args: argparse.Namespace) -> int:
        try:
            if self.COLUMNS:
                # Before anything is done: nobody powers a host off to
                # learn that the results cannot be shown.
                _check_columns(parsed_args, self.COLUMNS)
            super().run(parsed_args)  # type: ignore[misc]
            self.app.stdout.flush()
        except (exceptions.MetalError, BrokenPipeError):
            raise
        except Exception as exc:
            raise exceptions.MetalError(
                f'This should not happen: {_text.said(exc)}',
                cure='Please report it, with the output of --debug.',
            ) from exc
        finally:
            for thing in self._opened:
                thing.close()
        return self.status


class Plain(CommandBase, command.Command):
    """A command that prints a sentence, or nothing."""


class _Display(CommandBase):
    """A command with columns."""

    def _generate_columns_and_selector(
        self, parsed_args: argparse.Namespace, column_names: Sequence[str]
    ) -> Any:
        _check_columns(parsed_args, column_names)
        return super()._generate_columns_and_selector(  # type: ignore[misc]
            parsed_args, column_names
        )


class Lister(_Display, lister.Lister):
    """A command that prints rows."""


class FittedLister(Lister):
    """A command whose table fits the terminal that it is printed to."""

    def at_terminal(self, parsed_args: argparse.Namespace) -> bool:
        """Whether a table is printed, and to a terminal."""
        table: bool = parsed_args.formatter == 'table'
        return table and self.app.stdout.isatty()

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Iterable[Sequence[Any]],
    ) -> int:
        if self.at_terminal(parsed_args):
            self.formatter = terminal.TerminalFormatter(
                terminal.width_of(self.app.stdout)
            )
        status: int = super().produce_output(parsed_args, column_names, data)
        return status


class ShowOne(_Display, cliff_show.ShowOne):
    """A command that prints one thing."""


def _keeping_lines(formatter: Any) -> Any:
    """A formatter of help that leaves the lines of examples alone."""

    class Formatter(formatter):  # type: ignore[misc]
        def _fill_text(self, text: str, width: int, indent: str) -> str:
            if '\n\n  ' in text:
                return text
            filled: str = super()._fill_text(text, width, indent)
            return filled

    return Formatter


def _check_columns(
    parsed_args: argparse.Namespace, known: Sequence[str]
) -> None:
    """:raises ConfigurationError: one that is asked for is not there."""
    asked = [
        *parsed_args.columns,
        *(getattr(parsed_args, 'sort_columns', None) or ()),
    ]
    keys = {_key(column): column for column in known}
    for column in asked:
        if _key(column) not in keys:
            raise exceptions.ConfigurationError(
                f'There is no column {column!r}',
                cure=f'Choose from {", ".join(known)}.',
            )
    # cliff before 4.8 wants them as they are spelt.
    for name in ('columns', 'sort_columns'):
        given = getattr(parsed_args, name, None) or ()
        setattr(parsed_args, name, [keys[_key(column)] for column in given])


def _key(column: str) -> str:
    """As cliff compares the names of columns."""
    return column.casefold().strip().replace(' ', '_')
