"""The command `refold`: its sub-commands, and how it ends.

What belongs here: reading arguments, and turning errors into exit statuses.  What does not: what a
sub-command does, each of which has a file of its own beside this one.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from cyclopts import App, CycloptsError, Parameter

from refold.commands.bisect import bisect
from refold.commands.blame import blame
from refold.commands.compact import compact
from refold.commands.demo import demo
from refold.commands.diff import diff
from refold.commands.export import export
from refold.commands.follow import follow
from refold.commands.golden import golden
from refold.commands.health import health
from refold.commands.peer import peer
from refold.commands.recover import recover
from refold.commands.relay import relay
from refold.commands.replay import replay
from refold.commands.report_error import BAD_INPUT, exit_status_of, report_error
from refold.commands.schema import make_schema_app
from refold.commands.show import show
from refold.commands.shrink import shrink
from refold.commands.verify import verify
from refold.commands.why import why
from refold.errors import RefoldError

__all__ = ["main", "run"]

_HELP: Final = """Show and replay what an asyncio program recorded.

Start here: refold demo
"""

_INTERRUPTED: Final = 130
_NOBODY_READS: Final = 141


def main() -> None:
    """Run the command line of this process, and end it with the command's exit status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: what stands behind ``refold``.

    Returns:
        The exit status: 0 if all is well, 1 if what was looked at is not, 2 if the command cannot
        be done as it was given.
    """
    _never_fail_to_print()
    app = _make_app()
    try:
        command, bound, _ = app.parse_args(arguments, print_error=False, exit_on_error=False)
        return command(*bound.args, **bound.kwargs) or 0
    except CycloptsError as error:
        report_error(f"{error}\ntry: refold {_command_in(arguments)}--help")
        return BAD_INPUT
    except RefoldError as error:
        report_error(error)
        return exit_status_of(error)
    except KeyboardInterrupt:
        report_error("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS


_COMMANDS: Final[tuple[Callable[..., int], ...]] = (
    demo,
    show,
    follow,
    recover,
    replay,
    verify,
    diff,
    blame,
    why,
    bisect,
    golden,
    health,
    shrink,
    compact,
    export,
    peer,
    relay,
)


def _make_app() -> App:
    app = App(
        name="refold",
        help=_HELP,
        help_format="plaintext",
        version=_installed_version,
        default_parameter=Parameter(negative=(), show_default=False),
    )
    for command in _COMMANDS:
        app.command(command, help_format="plaintext")
    app.command(make_schema_app())
    return app


def _installed_version() -> str:
    try:
        return version("refold")
    except PackageNotFoundError:
        return "not installed"


def _command_in(arguments: Sequence[str]) -> str:
    names = ["schema", *(command.__name__ for command in _COMMANDS)]
    return f"{arguments[0]} " if arguments and arguments[0] in names else ""


def _never_fail_to_print() -> None:
    """Let characters that the terminal's encoding lacks be replaced, instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
