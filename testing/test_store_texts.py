"""What a `TestStore` says when something else happened than was stated.

What belongs here: whole texts, made of facts.  What does not: finding the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from refold.middleware.operation_telling import OPERATION_ACTIONS
from refold.reducers.evolve import evolve
from refold.testing.stated_change import exact_changes
from refold.testing.value_source import change_source, class_source, short_source, value_source
from refold.testing.virtual_time import seconds_text

if TYPE_CHECKING:
    from refold.actions.action import Action
    from refold.replay.changed_paths import ChangedPath
    from refold.testing.running_work import ListenerFailure
    from refold.testing.watched_actions import SeenAction

__all__ = [
    "action_source",
    "call_source",
    "describe_change_without_action",
    "describe_listener_failures",
    "describe_no_action",
    "describe_other_action",
    "describe_other_change",
    "describe_running",
    "describe_unreceived",
    "expected_source",
    "short_action",
    "unstated_lines",
]

_LINE: Final = 100
"""Characters of a line that somebody may paste."""

_MOST: Final = 10
"""Lines of one kind."""

_INDENT: Final = "  "


def action_source(action: Action) -> str:
    """Return what a test writes for an action; its time is left out, as it is in equality."""
    return value_source(action if action.at_ms is None else evolve(action, at_ms=None))


def expected_source(expected: object) -> str:
    """Return what a test writes for what it receives: a class's name, or an action."""
    if isinstance(expected, type):
        return class_source(cast("type[Any]", expected))
    return action_source(cast("Action", expected))


def short_action(seen: SeenAction) -> str:
    """Return an action's source as far as it fits a line of a message."""
    action = seen.action
    return short_source(action if action.at_ms is None else evolve(action, at_ms=None))


def call_source(method: str, what: str, seen: SeenAction) -> str:
    """Return the call that states all that an action changed.

    Args:
        method: ``send`` or ``receive``.
        what: its first argument, as source.
        seen: the action.
    """
    arguments = [what, *_stated(seen.before, seen.after)]
    line = f"await store.{method}({', '.join(arguments)})"
    if len(line) <= _LINE:
        return line
    inside = "".join(f"    {argument},\n" for argument in arguments)
    return f"await store.{method}(\n{inside})"


def describe_other_change(
    seen: SeenAction, expected: object, stated: frozenset[str] | None, advice: str
) -> str:
    """Say how the state after an action differs from the one that the test expects.

    Args:
        seen: the action, and the state that is there.
        expected: the state that the test expects.
        stated: the fields that the test states; None for a state without fields.
        advice: the call that would have stated all of it.
    """
    lines = [_difference_line(change, stated) for change in exact_changes(expected, seen.after)]
    return _join(
        f"{short_action(seen)} did not change the state as stated:",
        _indented(_shortened(lines)),
        "if it is right, write:",
        _indented(advice.splitlines()),
    )


def describe_change_without_action(changes: Sequence[ChangedPath]) -> str:
    """Say that the state changed by something else than an action, such as another reducer."""
    lines = [_was_and_is(change) for change in changes]
    return _join(
        "the state changed without an action:",
        _indented(_shortened(lines)),
    )


def unstated_lines(
    seen: SeenAction, stated: frozenset[str] | None, *, is_all: bool
) -> Iterator[str]:
    """Yield what an action changed and the test did not state, a line for each part.

    Args:
        seen: the action.
        stated: the fields that were stated; None for a state without fields.
        is_all: whether nothing at all was stated.
    """
    for change in exact_changes(seen.before, seen.after):
        if is_all or (stated is not None and _field_of(change) not in stated):
            yield _was_and_is(change)


def describe_unreceived(head: str, seen: Sequence[SeenAction], advice: str) -> str:
    """Say which actions wait to be received, and how to receive them.

    Args:
        head: what is wrong with that.
        seen: the actions, in order.
        advice: what the calls are for, such as ``before it, write:``.
    """
    calls = [line for each in seen for line in _receive_call(each)]
    return _join(head, _numbered(seen), advice, _indented(calls))


def describe_other_action(expected: object, seen: Sequence[SeenAction]) -> str:
    """Say that the next action is another one than the test receives.

    Args:
        expected: an action, or a class of actions.
        seen: those that wait, in order; at least one.
    """
    first = seen[0]
    lines = [f"expected to receive {expected_source(expected)}, but the next action is another:"]
    lines.extend(_numbered(seen))
    if type(first.action) is type(expected):
        lines.append("it differs in:")
        changes = exact_changes(expected, first.action)
        lines.extend(
            f"{_INDENT}{change.path}: expected {short_source(change.old)},"
            f" is {short_source(change.new)}"
            for change in changes
            if change.path != "at_ms"
        )
    return _join(lines, "to receive the next one, write:", _indented(_receive_call(first)))


def describe_running(running: Sequence[str], seconds_ahead: float | None) -> list[str]:
    """Return lines that name what is running, and say what lets it end."""
    lines = ["still running:", *_indented(running)] if running else []
    return [*lines, _hint_of_next_timer(seconds_ahead)]


def describe_no_action(
    expected: object, seen: Sequence[SeenAction], what_leads_on: Sequence[str]
) -> str:
    """Say that the action that the test receives is not there.

    Args:
        expected: an action, or a class of actions.
        seen: other actions that wait, in order.
        what_leads_on: what may still dispatch it, as `describe_running` says it.
    """
    head = f"expected to receive {expected_source(expected)}, but no such action was dispatched"
    others = ["these were:", *_numbered(seen)] if seen else []
    return _join(head, others, what_leads_on)


def describe_listener_failures(failures: Sequence[ListenerFailure]) -> str:
    """Say what listeners raised."""
    lines = [
        f"the {failure.raised_by} of listener {failure.name} raised"
        f" {type(failure.error).__name__}: {failure.error}"
        for failure in failures
    ]
    advice = (
        "if the program handles this, give the listeners their function: Listeners(State,"
        " on_error=...)"
    )
    return _join(lines, advice)


def _receive_call(seen: SeenAction) -> list[str]:
    # an operation's ids and tracebacks are not what a test writes
    is_operations = isinstance(seen.action, OPERATION_ACTIONS)
    what = class_source(type(seen.action)) if is_operations else action_source(seen.action)
    return call_source("receive", what, seen).splitlines()


def _hint_of_next_timer(seconds_ahead: float | None) -> str:
    """Return what to write to let time pass up to the next timer.

    Args:
        seconds_ahead: how far ahead the next timer stands; None if there is none.
    """
    if seconds_ahead is None:
        return "no timer is set: only another action, or something from outside, leads on"
    ahead = seconds_text(seconds_ahead)
    return f"the next timer stands {ahead} s ahead: await store.advance({ahead})"


def _stated(before: Any, after: Any) -> Iterator[str]:
    if not any(exact_changes(before, after)):
        return
    if before.__class__ is not after.__class__ or not attrs.has(after.__class__):
        yield change_source(before, after)
        return
    for field in attrs.fields(after.__class__):
        was, now = getattr(before, field.name), getattr(after, field.name)
        if any(exact_changes(was, now)):
            yield f"{field.name}={change_source(was, now)}"


def _difference_line(change: ChangedPath, stated: frozenset[str] | None) -> str:
    if stated is not None and _field_of(change) not in stated:
        return f"{_was_and_is(change)}, which is not stated"
    place, expected, found = _written(change)
    return f"{place}: stated {expected}, is {found}"


def _was_and_is(change: ChangedPath) -> str:
    place, old, new = _written(change)
    return f"{place} changed from {old} to {new}"


def _written(change: ChangedPath) -> tuple[str, str, str]:
    return change.path or "the state", short_source(change.old), short_source(change.new)


def _field_of(change: ChangedPath) -> str:
    return change.path.partition(".")[0].partition("[")[0]


def _numbered(seen: Sequence[SeenAction]) -> list[str]:
    return _indented(
        _shortened(
            [
                f"{number}. {short_action(each)}, from {_short_origin(each.origin)}"
                for number, each in enumerate(seen, start=1)
            ]
        )
    )


def _short_origin(origin: str) -> str:
    kind, colon, name = origin.partition(":")
    return f"{kind}{colon}{name.rpartition('<locals>.')[2]}"


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST:
        return lines
    return [*lines[:_MOST], f"... and {len(lines) - _MOST} more"]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{_INDENT}{line}" for line in lines]


def _join(*parts: str | Iterable[str]) -> str:
    lines: list[str] = []
    for part in parts:
        lines.extend([part] if isinstance(part, str) else part)
    return "\n".join(lines)
