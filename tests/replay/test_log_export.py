"""Exported records: each form says what the log says.

What belongs here: the text of each form.  What does not: files, which the command opens.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.replay.action_codec import decode_action, decode_state
from refold.replay.log_export import export_csv, export_jsonl, export_redux
from refold.replay.log_reader import LogReader
from refold.replay.log_record import LogHeader, LogRecord
from tests.replay.bank_with_bugs import (
    Bank,
    DayEnded,
    fold_bank,
    make_bank,
    random_session,
    record_bank,
)

if TYPE_CHECKING:
    from pathlib import Path

HEADER = LogHeader("0" * 16, None, "", "blake2b-128/1", 256)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)

RECORDS = st.lists(
    st.builds(
        LogRecord,
        seq=st.integers(1, 2**53),
        id=TEXTS,
        name=TEXTS,
        version=st.integers(1, 9),
        at_ms=st.none() | st.integers(-(10**15), 10**15),
        cause=st.none() | TEXTS,
        origin=TEXTS | st.sampled_from(["=1+1", "@SUM(A1)", "-2"]),
        payload=st.dictionaries(TEXTS, TEXTS | st.integers(-5, 5) | st.lists(st.none())),
    ),
    max_size=4,
)


def rows_of(records: list[LogRecord]) -> list[list[str]]:
    """Return the rows that a spreadsheet reads."""
    text = b"".join(export_csv(HEADER, records)).decode()
    return list(csv.reader(io.StringIO(text, newline="")))


@given(records=RECORDS)
def test_lines_of_json_are_the_envelopes(records: list[LogRecord]) -> None:
    """Each line read again is the record."""
    lines = b"".join(export_jsonl(HEADER, records)).split(b"\n")
    assert lines.pop() == b""
    assert [LogRecord(**json.loads(line)) for line in lines] == records


@given(records=RECORDS)
def test_a_table_has_a_row_for_each_record_and_no_formula(records: list[LogRecord]) -> None:
    """Whatever stands in a log, the payload is its JSON and nothing is executed."""
    heading, *rows = rows_of(records)
    assert heading == ["seq", "at", "origin", "cause", "name", "payload"]
    assert [int(row[0]) for row in rows] == [one.seq for one in records]
    assert [json.loads(row[5]) for row in rows] == [one.payload for one in records]
    for row, one in zip(rows, records, strict=True):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row[2:])
        assert row[2].removeprefix("'") == one.origin.removeprefix("'")


@pytest.mark.parametrize(
    ("at_ms", "cell"),
    [
        (None, ""),
        (1_800_000_000_007, "2027-01-15 08:00:00.007"),
        (-1, "1969-12-31 23:59:59.999"),
        (10**17, str(10**17)),
    ],
)
def test_a_time_is_written_as_spreadsheets_read_it(at_ms: int | None, cell: str) -> None:
    """Date and time to the millisecond in UTC; what no calendar has is a number."""
    one = LogRecord(1, "w-1", "bank/day_ended", 1, at_ms, None, "app", {})
    assert rows_of([one])[1][1] == cell


@given(records=RECORDS)
def test_plain_actions_carry_all_of_the_record(records: list[LogRecord]) -> None:
    """The payload is a text of a list of actions: type, payload, and the rest as meta."""
    value = json.loads(b"".join(export_redux(HEADER, records)))
    assert value.keys() == {"payload"}, "no start state, no preloadedState"
    actions: list[dict[str, Any]] = json.loads(value["payload"])
    assert all(one.keys() == {"type", "payload", "meta"} for one in actions)
    again = [LogRecord(name=a["type"], payload=a["payload"], **a["meta"]) for a in actions]
    assert again == records


def test_plain_actions_lead_from_the_preloaded_state_to_the_same_end(tmp_path: Path) -> None:
    """Whoever imports the file and folds it reaches the state of the run."""
    session = random_session(2, 200)
    record_bank(tmp_path / "run.jsonl", session)
    reader = LogReader(tmp_path / "run.jsonl")
    records = [one for entry in reader.entries() for one in entry]
    value = json.loads(b"".join(export_redux(reader.header, records)))
    assert decode_state(json.loads(value["preloadedState"]), Bank) == Bank()
    plain = json.loads(value["payload"])
    empty = LogRecord(1, "", DayEnded.wire_name, 1, None, None, "app", {})
    actions = [
        decode_action(attrs.evolve(empty, name=one["type"], payload=one["payload"]))
        for one in plain
    ]
    assert fold_bank(actions, make_bank()) == fold_bank(session, make_bank())
