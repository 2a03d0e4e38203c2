"""Envelopes of records, fast: no other record, and none that the reader would refuse."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from refold.errors import LogDamagedError
from refold.replay.checked_line import FIRST_CHECKSUM, seal_line
from refold.replay.fast_envelope import build_record, envelope_of, read_envelope
from refold.replay.log_lines import LogLines
from refold.replay.log_record import LogRecord

texts = st.none() | st.text(max_size=3)
objects = st.dictionaries(st.text(max_size=2), st.integers(-9, 9), max_size=2)
log_records = st.builds(
    LogRecord,
    seq=st.just(1),
    id=st.text(max_size=3),
    name=st.text(max_size=3),
    version=st.integers(1, 3),
    at_ms=st.none() | st.integers(0, 2**45),
    cause=texts,
    origin=st.text(max_size=3),
    payload=objects,
    inputs=st.none() | objects,
    digest=texts,
)
anything = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.text(max_size=2)
names = [field.name for field in attrs.fields(LogRecord)]


@given(record=log_records)
def test_a_record_goes_there_and_back(record: LogRecord) -> None:
    """An envelope has the fields of the record in their order, and gives the same record."""
    envelope = envelope_of(record)
    assert list(envelope.items()) == list(attrs.asdict(record, recurse=False).items())
    assert read_envelope(envelope) == record
    assert type(read_envelope(envelope)) is LogRecord
    assert build_record(tuple(envelope.values())) == record


@given(record=log_records, name=st.sampled_from([*names, "another"]), value=anything)
def test_a_changed_envelope_is_refused_or_read_as_the_reader_does(
    record: LogRecord, name: str, value: object
) -> None:
    """What is not as it is written is left to the reader, or gives the record that it gives."""
    for changed in ({**envelope_of(record), name: value}, _without(record, name)):
        found = read_envelope(changed)
        assert found is None or found == _read_carefully(changed)


@given(record=log_records, first=st.sampled_from(names), second=st.sampled_from(names))
def test_fields_in_another_order_are_not_mixed_up(
    record: LogRecord, first: str, second: str
) -> None:
    """An envelope of which two fields have changed places is refused, or gives the same record."""
    envelope = envelope_of(record)
    one, other = names.index(first), names.index(second)
    order = list(names)
    order[one], order[other] = second, first
    found = read_envelope({name: envelope[name] for name in order})
    assert found is None or found == record


@given(value=anything | st.lists(anything, max_size=2))
def test_what_is_no_object_is_refused(value: object) -> None:
    """A line may hold any JSON."""
    assert read_envelope(value) is None


def _without(record: LogRecord, name: str) -> dict[str, Any]:
    return {key: value for key, value in envelope_of(record).items() if key != name}


def _read_carefully(envelope: dict[str, Any]) -> LogRecord | None:
    """Return what the reader of lines makes of an envelope; None if it refuses."""
    line, _ = seal_line({"actions": [envelope]}, FIRST_CHECKSUM)
    try:
        return LogLines().take(line)[0]
    except LogDamagedError as error:
        if "has the seq" in error.reason:  # its form is right, which is all that is compared here
            return LogRecord(**envelope)
        return None
