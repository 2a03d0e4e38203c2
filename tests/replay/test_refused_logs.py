"""Logs that are whole but cannot be replayed: each error says what to do.

What belongs here: what is no log, what a newer refold wrote, and actions that nobody knows.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from refold.errors import (
    LogError,
    LogFormatError,
    PayloadError,
    RefoldError,
    UnknownActionError,
)
from refold.middleware.record import record
from refold.replay.replay import replay
from refold.store.store import Store
from tests.strategies.log_lines import json_lines, reseal
from tests.strategies.observatory_actions import InstrumentJudged, NobodyCares, SessionOpened
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_states import Health

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log of three records, the second of a class in version 3."""
    path = tmp_path / "run.jsonl"
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(SessionOpened("Ada"))
    store.dispatch(InstrumentJudged("north", Health.GOOD, note=None, at=None))
    store.dispatch(NobodyCares())
    return path


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{}\n", b"[]\n", b"hello\nworld\n", b"\x00\xff" * 100, b'{"seq":1}\n', b"null"],
)
@pytest.mark.parametrize("name", ["x.jsonl", "folder"])
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes, name: str) -> None:
    """An empty file, other JSON, text and binary data are no logs, and the path is named."""
    path = tmp_path / name
    file = path
    if name == "folder":
        path.mkdir()
        file = path / "00000000000000000001.jsonl"
    file.write_bytes(content)
    with pytest.raises(LogFormatError, match=r"is no refold log.*give the path") as caught:
        replay(path, make_observatory())
    assert str(path) in str(caught.value)
    assert file.read_bytes() == content


@pytest.mark.parametrize("name", ["missing.jsonl", "missing", "deep/missing.jsonl", "here"])
def test_a_missing_log_is_refused(tmp_path: Path, name: str) -> None:
    """A path at which there is nothing, or an empty folder, is no log, and nothing is created."""
    (tmp_path / "here").mkdir()
    with pytest.raises(LogFormatError, match="give the path of a log") as caught:
        replay(tmp_path / name, make_observatory())
    assert name in str(caught.value)
    assert [one.name for one in tmp_path.rglob("*")] == ["here"]


@pytest.mark.parametrize("version", [2, 3, 17, 10**6])
def test_a_newer_format_is_refused(log: Path, version: int) -> None:
    """A log that a newer refold wrote is refused with both versions, even if all else changed."""
    newer = f'{{"refold_log":{version},"checksums":"of another kind"}}\nrest'.encode()
    log.write_bytes(newer)
    with pytest.raises(LogFormatError, match=f"format {version}.* up to 1; update refold"):
        replay(log, make_observatory())


def test_other_digests_are_refused(log: Path) -> None:
    """A log whose digests are of another kind says so instead of comparing them."""

    def change(lines: list[dict[str, Any]]) -> None:
        lines[0]["digest_algorithm"] = "blake2b-128/0"

    reseal(log, change)
    with pytest.raises(LogError, match=r"blake2b-128/0.*replay it with the refold that wrote it"):
        replay(log, make_observatory())


def set_second(**changes: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Return a change of the second record."""

    def change(lines: list[dict[str, Any]]) -> None:
        lines[2] |= changes

    return change


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "nobody/declared_this"}, "'nobody/declared_this'.*import the module that does"),
        ({"version": 4}, "in version 4.*is version 3; update the application"),
        ({"version": 2}, "in version 2.*is version 3; declare an upcaster"),
    ],
)
def test_an_unknown_action_is_refused_where_it_stands(
    log: Path, changes: dict[str, Any], words: str
) -> None:
    """The states before it are there, the error names seq and name, and the log is unharmed."""
    reseal(log, set_second(**changes))
    before = log.read_bytes()
    timeline = replay(log, make_observatory())
    assert timeline.at(1).fleet.session is not None
    for _ in range(2):
        with pytest.raises(UnknownActionError, match=f"seq 2 .*{words}"):
            timeline.at(3)
    assert timeline.records[1].name == changes.get("name", "observatory/instrument_judged")
    assert len(timeline.records) == 3
    assert log.read_bytes() == before


def test_a_payload_that_does_not_fit_is_refused_where_it_stands(log: Path) -> None:
    """A record whose payload does not fit its class gives an error with seq and path."""
    payload = {**json_lines(log)[2]["payload"], "health": "SPLENDID"}
    reseal(log, set_second(payload=payload))
    timeline = replay(log, make_observatory())
    with pytest.raises(PayloadError, match=r"seq 2 .*observatory/instrument_judged") as caught:
        timeline.at(2)
    assert "health" in caught.value.path
    assert timeline.at(1).fleet.session is not None


@pytest.mark.parametrize(
    "changes",
    [{"seq": 5}, {"seq": None}, {"unknown": 1}, {"payload": None}, {"name": 7}],
    ids=str,
)
def test_an_envelope_that_is_none_is_refused(log: Path, changes: dict[str, Any]) -> None:
    """A record with a wrong number, an unknown field or a field of the wrong type is an error."""
    reseal(log, set_second(**changes))
    timeline = replay(log, make_observatory())
    with pytest.raises(LogError, match="seq 2"):
        timeline.at(3)
    assert timeline.at(1).fleet.session is not None


@pytest.mark.parametrize("field", ["seq", "id", "name", "version", "payload", "origin"])
def test_an_envelope_without_a_field_is_refused(log: Path, field: str) -> None:
    """A record that lacks a field of the envelope is an error with its place."""

    def change(lines: list[dict[str, Any]]) -> None:
        del lines[2][field]

    reseal(log, change)
    timeline = replay(log, make_observatory())
    with pytest.raises(LogError, match="seq 2"):
        timeline.at(3)


@pytest.mark.parametrize("field", ["log_id", "start_state", "start_digest", "digest_every"])
def test_a_header_without_a_field_is_refused(log: Path, field: str) -> None:
    """A header that lacks a field is refused when the log is opened, and the field is named."""

    def change(lines: list[dict[str, Any]]) -> None:
        del lines[0][field]

    reseal(log, change)
    with pytest.raises(LogError, match=field):
        replay(log, make_observatory())


WRONG: list[Any] = [None, True, 1, 0, -1, 1.5, "", "x", [], [1], {}, {"a": 1}, [None], [{}]]
"""A value of each JSON type, some empty."""


@pytest.mark.parametrize("line", range(5))
def test_a_wrong_value_anywhere_outside_a_payload_is_an_error_of_the_log(
    log: Path, line: int
) -> None:
    """Whatever stands in a header, an envelope, a commit or a checkpoint, no other error comes."""
    reseal(log, lambda lines: lines.append(dict(lines[-1])) if len(lines) <= line else None)
    whole = log.read_bytes()
    fields = json_lines(log)[line].keys() - {"crc"}
    for field in sorted(fields | {"actions", "checkpoint"}):
        for value in WRONG:
            log.write_bytes(whole)

            def put(lines: list[dict[str, Any]], field: str = field, value: Any = value) -> None:
                lines[line][field] = value

            reseal(log, put)
            with contextlib.suppress(RefoldError):
                replay(log, make_observatory()).verify()
