"""Ordinary lines taken many at once: the records that the careful way gives, up to the first other.

What belongs here: lines without a file.  What does not: what the careful way says of a bad line.
"""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import LogDamagedError
from refold.replay.checked_line import FIRST_CHECKSUM, seal_line
from refold.replay.fast_envelope import envelope_of
from refold.replay.log_lines import LogLines
from refold.replay.log_record import LogRecord
from refold.replay.packed_record import unpack

texts = st.none() | st.text(max_size=3)
values = st.integers(-9, 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts
ordinary = st.builds(
    LogRecord,
    seq=st.just(0),
    id=st.text(max_size=3),
    name=st.text(max_size=3),
    version=st.integers(1, 3),
    at_ms=st.none() | st.integers(0, 2**45),
    cause=texts,
    origin=st.text(max_size=3),
    payload=st.dictionaries(st.sampled_from(["a", "ü", "payload", "crc"]), values, max_size=3),
    digest=texts,
)
odd_values = st.sampled_from([None, True, 7, 1.5, 2**63, "x", {"a": 1}, ["a"]])
FIELDS = tuple(envelope_of(LogRecord(1, "", "", 1, None, None, "", {})))


def taken(lines: list[bytes], *, packed: bool) -> tuple[list[LogRecord], str | None, LogLines]:
    """Return the records before the first bad line, what is wrong with that, and the reading."""
    reading, records = LogLines(), list[LogRecord]()
    bare = [line.removesuffix(b"\n") for line in lines]
    at = 0
    try:
        while at < len(lines):
            found = reading.take_packed(bare[at:]) if packed else []
            records += map(unpack, found)
            at += len(found)
            if at < len(lines):
                records += reading.take(lines[at])
                at += 1
    except LogDamagedError as error:
        return records, str(error), reading
    return records, None, reading


def sealed(envelopes: list[dict[str, Any]]) -> list[bytes]:
    """Return the lines of JSON objects."""
    checksum, lines = FIRST_CHECKSUM, list[bytes]()
    for envelope in envelopes:
        line, checksum = seal_line(envelope, checksum)
        lines.append(line)
    return lines


def check_the_same(lines: list[bytes]) -> None:
    """Check that both ways give the same records, errors and standing."""
    fast, slow = taken(lines, packed=True), taken(lines, packed=False)
    assert fast[:2] == slow[:2]
    assert vars(fast[2]) == vars(slow[2])


def numbered(records: list[LogRecord]) -> list[dict[str, Any]]:
    """Return envelopes that follow each other."""
    return [{**envelope_of(each), "seq": seq} for seq, each in enumerate(records, 1)]


@given(records=st.lists(ordinary, max_size=6))
def test_ordinary_lines_are_all_taken_and_give_the_same(records: list[LogRecord]) -> None:
    """As long as no payload has a payload, not one line is left to the careful way."""
    lines = sealed(numbered(records))
    check_the_same(lines)
    found = LogLines().take_packed([line.removesuffix(b"\n") for line in lines])
    assert len(found) == len(records)


@given(data=st.data(), records=st.lists(ordinary, min_size=1, max_size=6))
def test_an_odd_line_is_judged_by_the_careful_way(
    data: st.DataObject, records: list[LogRecord]
) -> None:
    """A line with another value, a missing or extra key, or several actions changes nothing."""
    envelopes = numbered(records)
    at = data.draw(st.integers(0, len(envelopes) - 1))
    field = data.draw(st.sampled_from([*FIELDS, "another"]))
    match data.draw(st.sampled_from(["value", "missing", "actions", "checkpoint"])):
        case "value":
            envelopes[at][field] = data.draw(odd_values)
        case "missing":
            envelopes[at].pop(field, None)
        case "actions":
            envelopes[at] = {"actions": [envelopes[at]]}
        case _:
            envelopes[at] = {"checkpoint": True, "seq": at, "digest": "d"}
    check_the_same(sealed(envelopes))


@given(data=st.data(), records=st.lists(ordinary, min_size=1, max_size=4))
def test_a_flipped_bit_is_seen_at_its_line(data: st.DataObject, records: list[LogRecord]) -> None:
    """Whichever bit is another, the records before it and the error are the same."""
    lines = sealed(numbered(records))
    at = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[at]) - 2))
    changed = bytearray(lines[at])
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    lines[at] = bytes(changed)
    check_the_same(lines)
    assert taken(lines, packed=True)[1] is not None


@given(data=st.data(), records=st.lists(ordinary, min_size=2, max_size=4))
def test_a_missing_line_is_seen(data: st.DataObject, records: list[LogRecord]) -> None:
    """A line that is left out or repeated is seen at the one after it."""
    lines = sealed(numbered(records))
    at = data.draw(st.integers(0, len(lines) - 2))
    changed = data.draw(st.sampled_from([lines[:at] + lines[at + 1 :], [lines[at], *lines]]))
    check_the_same(changed)
    assert taken(changed, packed=True)[1] is not None


@pytest.mark.parametrize("payload", [None, 7, "x", ["a"]])
def test_a_payload_that_is_no_object_is_refused(payload: object) -> None:
    """A payload of another type is damage, among lines that are ordinary."""
    envelopes = numbered([LogRecord(0, "", "", 1, None, None, "", {})] * 3)
    envelopes[1]["payload"] = payload
    lines = sealed(envelopes)
    check_the_same(lines)
    records, problem, _ = taken(lines, packed=True)
    assert len(records) == 1
    assert problem is not None


def test_a_payload_that_is_no_text_is_refused() -> None:
    """Bytes that are no UTF-8 are damage, whatever the checksum says."""
    (line,) = sealed(numbered([LogRecord(0, "", "", 1, None, None, "", {"a": "?"})]))
    body = line[:-19].replace(b"?", b"\xff")
    lines = [b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body))]
    check_the_same(lines)
    assert taken(lines, packed=True)[1] is not None
