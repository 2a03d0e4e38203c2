"""`explain_broken_law`: what a person reads when a reducer breaks a law.

What belongs here: the text.  What does not: finding the run.
"""

from __future__ import annotations

import textwrap
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import attrs

from refold.errors import BrokenLawError, PayloadError
from refold.replay.regression_source import SourceWriter
from refold.testing.laws import law_of

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["explain_broken_law", "explaining"]

_WIDTH: Final = 80
"""Characters of a line of prose."""

_CODE_WIDTH: Final = 96
"""Characters of a line of code, which pytest indents by four."""

_MOST_CHARACTERS: Final = 400
"""Of a value that is shown."""


def explain_broken_law(broken: BrokenLawError) -> BrokenLawError:
    """Return the same finding with the whole text."""
    return BrokenLawError(
        "\n".join(_lines(broken)),
        law=broken.law,
        actions=broken.actions,
        index=broken.index,
        path=broken.path,
        expected=broken.expected,
        found=broken.found,
    )


@contextmanager
def explaining() -> Generator[None]:
    """Let a `BrokenLawError` leave a ``with`` block with the whole text."""
    __tracebackhide__ = True
    try:
        yield
    except BrokenLawError as broken:
        raise explain_broken_law(broken) from broken.__cause__


def _lines(broken: BrokenLawError) -> Iterator[str]:
    law = law_of(broken.law)
    yield from _wrapped(f"broken law {law.name}: {law.sentence}.")
    yield ""
    if broken.actions:
        count = len(broken.actions)
        many = "1 action" if count == 1 else f"{count} actions"
        yield f"The shortest run that was found, of {many}:"
        yield ""
        yield from (f"    {line}".rstrip() for line in _run(broken.actions))
    else:
        yield "It is broken in the initial state, before any action."
    yield ""
    what = str(broken)
    place = f", at {broken.path}:" if broken.path else "."
    yield from _wrapped(f"{what[:1].upper()}{what[1:]}{place}")
    if broken.path:
        yield from _value("expected", broken.expected)
        yield from _value("found   ", broken.found)
    yield ""
    yield from _wrapped(law.advice)


def _wrapped(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _value(label: str, value: object) -> Iterator[str]:
    text = value if isinstance(value, str) and " " in value else _shown(value)
    first, *rest = textwrap.wrap(str(text), _CODE_WIDTH - 14, break_on_hyphens=False) or [""]
    yield f"    {label}  {first}"
    yield from (f"              {line}" for line in rest)


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."


def _run(actions: tuple[Action, ...]) -> Iterator[str]:
    """Yield a program that makes the actions."""
    writer = SourceWriter()
    try:
        calls = [list(_call(action, writer)) for action in actions]
    except PayloadError as error:
        yield from (f"# {line}" for line in textwrap.wrap(str(error), _WIDTH - 2))
        calls = [[f"{action!r},"] for action in actions]
    else:
        yield from writer.imports()
        yield ""
    yield "actions = ["
    for call in calls:
        yield from (f"    {line}" for line in call)
    yield "]"
    yield "state = reducer.initial"
    yield "for action in actions:"
    yield "    state = reducer(state, action)"


def _call(action: Action, writer: SourceWriter) -> Iterator[str]:
    name, fields = writer.name_of(type(action)), list(_fields(action, writer))
    line = f"{name}({', '.join(fields)}),"
    if len(line) <= _CODE_WIDTH - 8:
        yield line
        return
    yield f"{name}("
    yield from (f"    {field}," for field in fields)
    yield "),"


def _fields(action: Action, writer: SourceWriter) -> Iterator[str]:
    """Yield the arguments that make an action; when it happened comes last."""
    cls: Any = type(action)
    for field in sorted(attrs.fields(cls), key=lambda field: field.name == "at_ms"):
        value: Any = getattr(action, field.name)
        if field.init and not _is_default(value, field.default):
            yield f"{field.alias}={writer.source(value)}"


def _is_default(value: Any, default: Any) -> bool:
    """Tell whether a value can be left out; one that only equals the default cannot."""
    if value is None or type(value) in {bool, int, str}:
        return type(default) is type(value) and bool(default == value)
    return False
