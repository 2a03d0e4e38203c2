"""The ledger as text: JSON lines that read back equal, and one line per event for people."""

from __future__ import annotations

import json
import math
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import pdeque

from refold.actions.ledger import FlowEvent, SetSpeedAndUpdateNominalTickInterval
from refold.reducers.ledger_state import LedgerState
from refold.selectors.ledger_export import (
    parse_ledger_jsonl,
    serialize_ledger_to_jsonl,
    serialize_ledger_to_text,
)
from tests.ledger.ledger_scene import fold, ledger_of
from tests.ledger.ledger_strategies import ledger_states
from tests.strategies.sameness import exactly_same

LINE_BREAKS = [
    "\n",
    "\r",
    "\r\n",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x85",
    "\u2028",
    "\u2029",
]
SURROGATES = ["\ud800", "\udfff", "a\ud800b", "\udcff\udc80", "\ud83d\ude00"]
TEXTS = ["", " ", "-", "#", '"', "\\", "\\u2028", "\x00", "🎈", "$float", *LINE_BREAKS, *SURROGATES]
INTEGERS = [0, -1, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**40]
DURATIONS = [None, 0.0, -0.0, 1, 0.1, 1e300, 5e-324, math.inf, -math.inf, math.nan]


def holding(*events: FlowEvent) -> LedgerState:
    """Return a ledger of these events."""
    return LedgerState(ledger=pdeque(events))


def comes_back(state: LedgerState) -> bool:
    """Tell whether the exported events are the ledger's, to the last bit."""
    exported = parse_ledger_jsonl(serialize_ledger_to_jsonl(state))
    return exactly_same(exported.events, tuple(state.ledger))


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
@pytest.mark.parametrize("field", ["id", "call_type", "label", "node_id", "step_key", "payload"])
def test_any_text_reads_back_equal(field: str, text: str) -> None:
    """Line breaks of every kind, lone surrogates and signs of the format itself survive."""
    assert comes_back(holding(cast("Any", FlowEvent)(**{field: text})))


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_any_session_reads_back_equal(text: str) -> None:
    """The session that heads an export may be any text."""
    state = LedgerState(session_id=text, evicted_count=2**70)
    exported = parse_ledger_jsonl(serialize_ledger_to_jsonl(state))
    assert (exported.session_id, exported.evicted_count) == (text, 2**70)


@pytest.mark.parametrize("number", INTEGERS)
def test_integers_of_any_size_read_back_equal(number: int) -> None:
    """Also beyond 64 bits."""
    assert comes_back(holding(FlowEvent(at_ms=number, arrival_index=abs(number))))


@pytest.mark.parametrize("duration_ms", DURATIONS)
def test_any_duration_reads_back_equal(duration_ms: float | None) -> None:
    """Also infinities, what is no number, and the sign of zero."""
    assert comes_back(holding(FlowEvent(duration_ms=duration_ms)))


@given(state=ledger_states)
def test_any_ledger_reads_back_equal(state: LedgerState) -> None:
    """Whatever a ledger holds, its export reads back as it was."""
    assert comes_back(state)


@pytest.mark.parametrize("speed", ["pause", "1x", "2x", "3x"])
def test_the_interval_reads_back_equal(speed: Any) -> None:
    """The infinite interval at pause survives the export."""
    state = fold(SetSpeedAndUpdateNominalTickInterval(speed))
    exported = parse_ledger_jsonl(serialize_ledger_to_jsonl(state))
    assert exported.nominal_interval_ms == state.tick_display.nominal_interval_ms


def test_the_lines_are_plain_json_with_the_session_first() -> None:
    """Each line is strict JSON by itself; the first has the session and the count."""

    def refuse(name: str) -> None:
        pytest.fail(f"{name} is no JSON")

    state = holding(FlowEvent(id="a", duration_ms=math.inf), FlowEvent(at_ms=2**64))
    lines = serialize_ledger_to_jsonl(state).split("\n")
    assert lines.pop() == ""
    header, *events = (json.loads(line, parse_constant=refuse) for line in lines)
    assert (header["session_id"], header["event_count"]) == ("", 2)
    assert [event["id"] for event in events] == ["a", None]
    assert events[0]["duration_ms"] == {"$float": "inf"}


def test_an_export_pasted_with_other_line_ends_is_read() -> None:
    """Line ends that an editor changed to CR LF are no damage."""
    text = serialize_ledger_to_jsonl(ledger_of(2))
    assert parse_ledger_jsonl(text.replace("\n", "\r\n")) == parse_ledger_jsonl(text)


@given(state=ledger_states, data=st.data())
def test_a_cut_export_is_refused(state: LedgerState, data: st.DataObject) -> None:
    """No beginning of an export is taken for the whole, wherever it was cut."""
    text = serialize_ledger_to_jsonl(state)
    cut = data.draw(st.integers(0, len(text) - 2))
    with pytest.raises(ValueError, match="export"):
        parse_ledger_jsonl(text[:cut])


@pytest.mark.parametrize("missing", range(4))
def test_an_export_without_one_line_is_refused(missing: int) -> None:
    """A line that is gone is missed, whichever it is."""
    lines = serialize_ledger_to_jsonl(ledger_of(3)).splitlines(keepends=True)
    del lines[missing]
    with pytest.raises(ValueError, match="export"):
        parse_ledger_jsonl("".join(lines))


def test_two_exports_in_one_are_refused() -> None:
    """What was put together is no export."""
    with pytest.raises(ValueError, match="export"):
        parse_ledger_jsonl(serialize_ledger_to_jsonl(ledger_of(1)) * 2)


@pytest.mark.parametrize("line", ["[]", "1", "null", '"x"', "{", '{"unknown": 1}', '{"id": {}}'])
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    """The error says so; it is a ValueError for every kind of damage."""
    lines = serialize_ledger_to_jsonl(ledger_of(1)).splitlines()
    with pytest.raises(ValueError, match="export"):
        parse_ledger_jsonl("\n".join([lines[0], line]))


def test_a_damaged_line_is_named_by_its_number() -> None:
    """Who gets an error knows where to look."""
    lines = serialize_ledger_to_jsonl(ledger_of(3)).splitlines()
    lines[2] = lines[2][:-1]
    with pytest.raises(ValueError, match="line 3"):
        parse_ledger_jsonl("\n".join(lines))


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_the_text_stays_on_one_line_per_event(text: str) -> None:
    """No text of an event begins a line, and all can be written as UTF-8."""
    event = FlowEvent(text, 1, text, text, text, text, text, 1.0, text)
    written = serialize_ledger_to_text(LedgerState(session_id=text, ledger=pdeque([event, event])))
    assert len(written.splitlines()) == 3
    written.encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (FlowEvent(id=None), FlowEvent(id="-")),
        (FlowEvent(label="a b"), FlowEvent(label="a", call_type="b")),
        (FlowEvent(node_id="a"), FlowEvent(edge_id="a")),
        (FlowEvent(node_id="a"), FlowEvent(label="node=a")),
        (FlowEvent(label='"a"'), FlowEvent(label="a")),
        (FlowEvent(payload=""), FlowEvent(payload=None)),
        (FlowEvent(duration_ms=1_234_567.0), FlowEvent(duration_ms=1_234_568.0)),
        (FlowEvent(duration_ms=0.123_456_7), FlowEvent(duration_ms=0.123_456_8)),
    ],
)
def test_different_events_are_different_lines_of_text(one: FlowEvent, other: FlowEvent) -> None:
    """The text is truthful: it does not show two different events as the same."""
    assert serialize_ledger_to_text(holding(one)) != serialize_ledger_to_text(holding(other))


def test_the_text_says_which_session_and_what_is_missing() -> None:
    """The header has the session, how many events follow, and how many were evicted."""
    state = LedgerState(session_id="s1", evicted_count=3, ledger=pdeque([FlowEvent(id="e0")]))
    header, line = serialize_ledger_to_text(state).splitlines()
    assert "s1" in header
    assert "1 event" in header
    assert "3" in header
    assert "e0" in line
