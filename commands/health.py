"""`refold health`: whether the ledger of a recorded session was sound after every action.

What belongs here: the command and its two forms of output.  What does not: the checks, which
`refold.selectors.ledger_health` has.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import orjson
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from refold.commands.application import Application, find_named_application
from refold.commands.fold_progress import fold_progress
from refold.commands.log_summary import summarize_log
from refold.commands.open_log import open_log
from refold.commands.printable import printable
from refold.commands.report_error import (
    DID_NOT_HOLD,
    CommandError,
    naming_reducer_errors,
    report_error,
)
from refold.errors import LogDamagedError, ReplayMismatchError
from refold.reducers.ledger import ledger_reducer
from refold.reducers.ledger_state import LedgerState
from refold.replay.action_codec import decode_action
from refold.replay.replay import replay
from refold.selectors.ledger_health import LEDGER_HEALTH_CHECKS, HealthCheck

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.replay.timeline import Timeline

__all__ = ["health"]

_PREFIX: Final = "ledger/"


@attrs.define
class _Verdict:
    """What became of one check."""

    check: HealthCheck
    failures: int = 0
    first_seq: int | None = None
    first_difference: str | None = None

    @property
    def name(self) -> str:
        return self.check.__name__

    def look(self, seq: int, before: LedgerState, action: Action, after: LedgerState) -> None:
        """Check one step."""
        finding = self.check(before, action, after)
        if finding is None:
            return
        self.failures += 1
        if self.first_seq is None:
            self.first_seq, self.first_difference = seq, finding.difference


def health(
    log: Path, /, *, checker: str | None = None, json: bool = False, app: str | None = None
) -> int:
    """Check the ledger of a recorded session after every action.

    Without --app, REFOLD_APP or app in [tool.refold] of ./pyproject.toml the
    log is folded by the ledger's own reducer. In an application's state the
    ledger is found by its type.

    Example: refold health session.jsonl --checker health_check_single_active_focus

    Args:
        log: A file ending in .jsonl or a folder, as given to record(path).
        checker: One check by its name; by default all six.
        json: Print one JSON object.
        app: The root reducer that was recorded, module:attribute.

    Returns:
        0 if all checks hold, 1 if one fails or the log is damaged, 2 if it cannot be checked.
    """
    verdicts = [_Verdict(check) for check in _chosen(checker)]
    application = find_named_application(app) or _own_application(log)
    with fold_progress(log) as count_entry, naming_reducer_errors():
        timeline = replay(open_log(log, count_entry), application.reducer)
        problem = _what_is_wrong(timeline)
        actions = _look_at_all(timeline, verdicts)
    if json:
        sys.stdout.write(_as_json(verdicts, actions, problem) + "\n")
    else:
        _print_readably(verdicts, actions)
    if problem is not None:
        report_error(problem)
    return DID_NOT_HOLD if problem or any(verdict.failures for verdict in verdicts) else 0


def _chosen(name: str | None) -> tuple[HealthCheck, ...]:
    if name is None:
        return LEDGER_HEALTH_CHECKS
    chosen = tuple(check for check in LEDGER_HEALTH_CHECKS if check.__name__ == name)
    if not chosen:
        known = "\n  ".join(check.__name__ for check in LEDGER_HEALTH_CHECKS)
        message = f"there is no checker {printable(name)}; the checkers are\n  {known}"
        raise CommandError(message)
    return chosen


def _own_application(log: Path) -> Application:
    """Return the ledger's own reducer if the log is one of a ledger alone.

    Raises:
        CommandError: it is not.
    """
    summary = summarize_log(log)
    known = {cls.wire_name for cls in ledger_reducer.handles}
    foreign = sorted(summary.names - known)
    start, fields = summary.header.start_state, attrs.fields_dict(LedgerState)
    if not foreign and isinstance(start, dict) and start.keys() == fields.keys():
        return Application(
            ledger_reducer, "refold.reducers.ledger:ledger_reducer", "the ledger's own"
        )
    example = f" (it has {printable(foreign[0])})" if foreign else ""
    message = (
        f"{log} is no log of a ledger alone{example}; give --app module:attribute, such as --app"
        f" debugger.main:root"
    )
    raise CommandError(message)


def _what_is_wrong(timeline: Timeline[Any]) -> LogDamagedError | ReplayMismatchError | None:
    """Return why the log cannot be trusted as a whole; None if it can."""
    try:
        timeline.verify()
    except (LogDamagedError, ReplayMismatchError) as error:
        return error
    return None


def _look_at_all(timeline: Timeline[Any], verdicts: list[_Verdict]) -> int:
    """Run the checks after each record before any damage; return how many were of the ledger.

    Raises:
        CommandError: the state has no ledger.
    """
    count, before = 0, _ledger_in(timeline.start)
    with contextlib.suppress(LogDamagedError):  # it is known already
        for record, state in timeline.states():
            after = _ledger_in(state)
            if record.name.startswith(_PREFIX):
                count += 1
                action = decode_action(record)
                for verdict in verdicts:
                    verdict.look(record.seq, before, action, after)
            before = after
    return count


def _ledger_in(state: object) -> LedgerState:
    """Return the first ledger in a state, by its type."""
    found = next(_ledgers_in(state), None)
    if found is not None:
        return found
    message = (
        f"the root state, a {type(state).__name__}, holds no LedgerState; give --app the root"
        f" reducer whose state does"
    )
    raise CommandError(message)


def _ledgers_in(state: object) -> Iterator[LedgerState]:
    cls: Any = type(state)
    if isinstance(state, LedgerState):
        yield state
    elif attrs.has(cls):
        for field in attrs.fields(cls):
            yield from _ledgers_in(getattr(state, field.name, None))


def _as_json(verdicts: list[_Verdict], actions: int, problem: Exception | None) -> str:
    value = {
        "actions": actions,
        "holds": problem is None and not any(verdict.failures for verdict in verdicts),
        "problem": None if problem is None else str(problem),
        "checkers": [
            {
                "checker": verdict.name,
                "failures": verdict.failures,
                "first_seq": verdict.first_seq,
                "first_difference": verdict.first_difference,
            }
            for verdict in verdicts
        ],
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _print_readably(verdicts: list[_Verdict], actions: int) -> None:
    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("checker", no_wrap=True)
    table.add_column("result")
    for verdict in verdicts:
        holds = not verdict.failures
        result = "holds" if holds else f"fails {verdict.failures:,} times"
        table.add_row(verdict.name, Text(result, style="green" if holds else "bold red"))
    console.print(Text(f"{actions:,} actions of the ledger", style="bold"))
    console.print(table)
    for verdict in verdicts:
        if verdict.failures:
            text = f"seq {verdict.first_seq}: {verdict.name}: {verdict.first_difference}"
            console.print(Text(printable(text)), soft_wrap=True)
