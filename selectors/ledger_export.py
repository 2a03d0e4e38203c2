"""The ledger as text to keep or to paste: JSON lines that can be read back, and lines for people.

What belongs here: both forms, one line per event, and reading the first.  What does not: files.

What JSON lacks is written as in a log: ``{"$float": "inf"}``, and ``{"$str": ...}`` for a text with
a lone surrogate.
"""

from __future__ import annotations

import base64
import json
import math
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import orjson

from refold.actions.ledger import FlowEvent

if TYPE_CHECKING:
    from refold.reducers.ledger_state import LedgerState

__all__ = [
    "ExportedLedger",
    "parse_ledger_jsonl",
    "serialize_ledger_to_jsonl",
    "serialize_ledger_to_text",
    "text_of_event",
    "text_of_session",
]

_FIELDS: Final = tuple(field.name for field in attrs.fields(FlowEvent))

_NOTHING: Final = "-"
"""Stands for what is missing, in text."""


@attrs.frozen
class ExportedLedger:
    """What an export says."""

    session_id: str
    """The session that was exported last."""

    evicted_count: int
    """Events of that session that are not in the export, because they were evicted."""

    nominal_interval_ms: float
    """How long a tick took; infinity at pause."""

    events: tuple[FlowEvent, ...]
    """The events, oldest first."""


def serialize_ledger_to_jsonl(state: LedgerState) -> str:
    """Return a header line with the session, then one line of JSON per event, oldest first."""
    header = {
        "session_id": state.session_id,
        "event_count": len(state.ledger),
        "evicted_count": state.evicted_count,
        "nominal_interval_ms": _number(state.tick_display.nominal_interval_ms),
    }
    lines = [_line(header), *(_line(_event_as_dict(event)) for event in state.ledger)]
    return "\n".join(lines) + "\n"


def parse_ledger_jsonl(text: str) -> ExportedLedger:
    """Return what `serialize_ledger_to_jsonl` was given.

    Raises:
        ValueError: the text is no such export; the message names the line.
    """
    lines = text.removesuffix("\n").split("\n") if text else []
    values: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            values.append(_read_line(line))
        except (ValueError, TypeError, KeyError) as error:
            message = f"line {number} of the export is no line of a ledger: {error}"
            raise ValueError(message) from error
    try:
        header, *events = values
        exported = ExportedLedger(
            header["session_id"],
            header["evicted_count"],
            header["nominal_interval_ms"],
            tuple(FlowEvent(**event) for event in events),
        )
    except (ValueError, TypeError, KeyError) as error:
        message = f"the text is no export of a ledger: {error}; it begins with a header line"
        raise ValueError(message) from error
    if len(exported.events) != header.get("event_count"):
        message = (
            f"the export says that it has {header.get('event_count')} events, but has"
            f" {len(exported.events)}; it was cut or put together"
        )
        raise ValueError(message)
    return exported


def serialize_ledger_to_text(state: LedgerState) -> str:
    """Return a header line with the session, then one line per event for people, oldest first."""
    return "\n".join([text_of_session(state), *map(text_of_event, state.ledger)]) + "\n"


def text_of_session(state: LedgerState) -> str:
    """Return the first line of the text."""
    evicted = f", {state.evicted_count} earlier ones evicted" if state.evicted_count else ""
    return f"session {_word(state.session_id)}: {len(state.ledger)} events{evicted}"


def text_of_event(event: FlowEvent) -> str:
    """Return an event's line of the text; different events have different ones."""
    duration = _NOTHING if event.duration_ms is None else f"{event.duration_ms!r}ms"
    known = (event.node_id, event.edge_id, event.step_key)
    place = " ".join(
        f"{name}={_word(value)}"
        for name, value in zip(("node", "edge", "step"), known, strict=True)
        if value is not None
    )
    words = (
        f"#{event.arrival_index}",
        _NOTHING if event.at_ms is None else str(event.at_ms),
        _word(event.call_type),
        _word(event.label),
        place,
        duration,
        f"id={_word(event.id)}",
        "" if event.payload is None else f"payload={json.dumps(event.payload)}",
    )
    return " ".join(word for word in words if word)


def _event_as_dict(event: FlowEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at_ms": event.at_ms,
        "call_type": event.call_type,
        "label": event.label,
        "node_id": event.node_id,
        "edge_id": event.edge_id,
        "step_key": event.step_key,
        "duration_ms": _number(event.duration_ms),
        "payload": event.payload,
        "arrival_index": event.arrival_index,
    }


def _word(text: str | None) -> str:
    """Return a text as it is if it is one plain word; else as a JSON string, on one line."""
    if text is None:
        return _NOTHING
    is_plain = text.isprintable() and text and not set(text) & set(' "=-#')
    return text if is_plain else json.dumps(text, ensure_ascii=not text.isprintable())


def _number(number: float | None) -> Any:
    if number is None or math.isfinite(number):
        return number
    return {"$float": repr(number)}


def _line(value: dict[str, Any]) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an int beyond 64 bits, or a lone surrogate
        careful = {name: _text_form(part) for name, part in value.items()}
        return json.dumps(careful, separators=(",", ":"))


def _read_line(line: str) -> dict[str, Any]:
    value = json.loads(line)  # which takes what orjson refuses
    if not isinstance(value, dict):
        message = f"expected a JSON object, got {line:.40}"
        raise TypeError(message)
    fields = cast("dict[str, Any]", value)
    for name, part in fields.items():
        if isinstance(part, dict):
            fields[name] = _from_form(cast("dict[str, Any]", part))
    return fields


def _text_form(value: Any) -> Any:
    """Return a text with a lone surrogate in a form that JSON has; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return {"$str": base64.b64encode(value.encode("utf-8", "surrogatepass")).decode()}
    return value


def _from_form(form: dict[str, Any]) -> Any:
    if "$str" in form:
        return base64.b64decode(form["$str"], validate=True).decode("utf-8", "surrogatepass")
    return float(form["$float"])
