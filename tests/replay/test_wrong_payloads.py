"""Payloads that were changed since they were written: the error names the field.

What belongs here: the way from one wrong value to the error of its log.  What does not: all that is
refused of each type, which `test_value_codec_refuses` lists.
"""

from __future__ import annotations

import datetime
import enum
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pyrsistent import PMap, pmap

from refold.actions.action import Action, action
from refold.errors import PayloadError
from refold.replay.action_codec import decode_action, encode_payload
from refold.replay.log_record import LogRecord


class Rank(enum.IntEnum):
    """An enum of ints."""

    LOW = 1


@action("wrong_payloads/kept")
class Kept(Action):
    """An action with a field of each kind that JSON could be mistaken for."""

    counts: PMap[str, int] = pmap({"a": 1})
    raw: bytes = b"\x00\xff"
    rank: Rank = Rank.LOW
    moment: datetime.datetime = datetime.datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Berlin"))


def record_of(payload: dict[str, Any]) -> LogRecord:
    """Return a record with a payload."""
    return LogRecord(
        seq=3,
        id="w-3",
        name="wrong_payloads/kept",
        version=1,
        at_ms=None,
        cause=None,
        origin="app",
        payload=payload,
    )


def test_what_was_encoded_is_decoded() -> None:
    """Decode of encode is the identity, the zone of a moment included."""
    back = decode_action(record_of(encode_payload(Kept())))
    assert isinstance(back, Kept)
    assert back == Kept()
    assert back.moment.tzinfo is ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("counts", None),
        ("counts", 0),
        ("raw", "!!!!"),
        ("raw", "AP8"),
        ("rank", 1.0),
        ("rank", True),
        ("moment", "2024-07-01T00:00:00+02:00[Europe/Atlantis]"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(field: str, value: object) -> None:
    """No value is guessed: the error says which record, which field, and what stands there."""
    with pytest.raises(PayloadError) as caught:
        decode_action(record_of({**encode_payload(Kept()), field: value}))
    assert caught.value.path == f"Kept.{field}"
    for words in ("seq 3 (wrong_payloads/kept)", "expected", "got "):
        assert words in str(caught.value)
