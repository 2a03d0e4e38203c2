"""Rows 9 and 10: an action to its line in a log, and back.

The goals are about the action alone.  Beside it is told the whole line, for which every contestant
writes and reads the same envelope and chained checksum.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from contestant import Contestant, LocalContestant
from log_actions import ANNOTATED, PLAIN, ActionClasses, make_log_actions
from log_formats import LogFormat, make_cattrs_format, make_msgspec_format
from log_work import log_steps, said
from refold.middleware.commit_records import make_commit_records
from refold.replay.action_codec import decode_action, decode_present
from refold.replay.checked_line import FIRST_CHECKSUM, seal_texts
from refold.replay.fast_lines import take_packed
from refold.replay.log_lines import LogLines
from refold.replay.packed_actions import make_actions
from refold.replay.packed_record import PackedRecord, unpack
from refold.replay.payload_text import encode_payload_text
from refold.store.dispatch_context import NOBODY_ELSE, handling
from row import Comparison, Entry, Row, at_least, at_most, only_told
from work import Outcome

__all__ = ["log_line_rows"]

_STEPS: Final = log_steps(1000)

_CLASSES_SEEN: Final = 100
"""Steps after which each class was there."""

_STRUCT: Final = "raw msgspec Struct"
_CATTRS: Final = "cattrs + orjson"

_VERBS: Final = {
    cls.wire_name: verb for classes in (PLAIN, ANNOTATED) for verb, cls in classes._asdict().items()
}
_FIELDS: Final = {"measured": ("value", "count"), "renamed": ("label",), "switched": ("is_on",)}


def log_line_rows() -> tuple[Row, ...]:
    """Return the rows."""
    expected: Outcome = [said(step) for step in _STEPS]
    lines = only_told(_STRUCT), only_told(_CATTRS)
    works: dict[tuple[str, str], tuple[str, ActionClasses, tuple[Comparison, ...]]] = {
        ("9", "encode an action"): (
            "encode",
            PLAIN,
            (at_most(4, _STRUCT), at_least(2.2, _CATTRS)),
        ),
        ("9", "encode an action to its whole log line"): ("encode line", PLAIN, lines),
        ("10", "decode an action, fast path"): (
            "decode fast",
            PLAIN,
            (at_least(4, _CATTRS), only_told(_STRUCT)),
        ),
        ("10", "decode an action, by generated functions"): (
            "decode",
            PLAIN,
            (at_least(1.45, _CATTRS),),
        ),
        ("10", "decode an action, by cattrs"): ("decode", ANNOTATED, (only_told(_CATTRS),)),
        ("10", "decode a whole log line to its action"): ("decode line", PLAIN, lines),
        ("10", "decode a whole log line to its action, by cattrs"): (
            "decode line",
            ANNOTATED,
            (only_told(_CATTRS),),
        ),
    }
    return tuple(
        Row(*title, _entries(work, classes, expected, comparisons), comparisons)
        for title, (work, classes, comparisons) in works.items()
    )


def _entries(
    work: str, classes: ActionClasses, expected: Outcome, comparisons: Sequence[Comparison]
) -> tuple[Entry, ...]:
    """Return refold and the peers that it is compared with."""
    peers = {
        _STRUCT: lambda: _make_peer(work, make_msgspec_format()),
        _CATTRS: lambda: _make_peer(work, make_cattrs_format(classes)),
    }
    others = [comparison.other for comparison in comparisons]
    return (
        Entry("refold", lambda: _make_refold(work, classes), expected),
        *(Entry(name, make, expected) for name, make in peers.items() if name in others),
    )


def _make_refold(work: str, classes: ActionClasses) -> Contestant:
    actions = make_log_actions(_STEPS, classes)
    match work:
        case "encode":
            return _payload_encoder(actions)
        case "encode line":
            return _line_writer(actions, _make_line_encoder())
        case "decode":
            return _payload_decoder(actions)
        case "decode fast":
            return _record_decoder(actions)
        case _:
            return _reader_of_refold_lines(_lines_of(actions, _make_line_encoder()))


def _make_peer(work: str, peer: LogFormat) -> Contestant:
    actions = peer.make_actions(_STEPS)
    match work:
        case "encode":
            return _encoder(actions, peer.encode)
        case "encode line":
            return _line_writer(actions, peer.encode_line)
        case "decode" | "decode fast":
            return _decoder([peer.encode(action) for action in actions], peer.decode)
        case _:
            return _reader_of_peer_lines(_lines_of(actions, peer.encode_line), peer)


def _make_line_encoder() -> Callable[[int, Any, int], tuple[bytes, int]]:
    """Return what `record` and its `LogWriter` do, up to the file; digests are left out."""
    records = make_commit_records(0, lambda: None, is_digest_due=False)

    def encode_line(_seq: int, action: Any, previous: int) -> tuple[bytes, int]:
        records.encode(action)
        _, text = records.commit((action,))
        handling(NOBODY_ELSE)
        return seal_texts((text,), previous)

    return encode_line


def _lines_of(actions: Sequence[Any], encode: Callable[..., tuple[bytes, int]]) -> list[bytes]:
    lines, checksum = list[bytes](), FIRST_CHECKSUM
    for seq, action in enumerate(actions, start=1):
        line, checksum = encode(seq, action, checksum)
        lines.append(line)
    return lines


def _encoder(actions: Sequence[Any], encode: Callable[[Any], bytes]) -> Contestant:
    def run_pass() -> None:
        for action in actions:
            encode(action)

    return LocalContestant(
        run_pass, len(actions), lambda: [_said_in(encode(action)) for action in actions]
    )


def _payload_encoder(actions: Sequence[Any]) -> Contestant:
    """Encode payloads; name and time go into the line with the rest of the envelope."""

    def run_pass() -> None:
        for action in actions:
            encode_payload_text(action)

    def outcome() -> Outcome:
        return [
            _say(
                _VERBS[each.wire_name],
                {**json.loads(encode_payload_text(each)), "at_ms": each.at_ms},
            )
            for each in actions
        ]

    return LocalContestant(run_pass, len(actions), outcome)


def _payload_decoder(actions: Sequence[Any]) -> Contestant:
    """Decode payloads whose name, version and time are read from the envelope already."""
    records = _packed(actions)
    for record in records[:_CLASSES_SEEN]:
        decode_action(unpack(record))

    def decode() -> list[Any]:
        return [
            decode_present(each.name, each.version, orjson.loads(bytes(each.payload)), each.at_ms)
            for each in records
        ]

    return LocalContestant(decode, len(actions), lambda: [_said_by(each) for each in decode()])


def _record_decoder(actions: Sequence[Any]) -> Contestant:
    """Decode the payloads of records, as a replay does with all records of a log."""
    records = _packed(actions)

    def decode() -> list[Any]:
        return make_actions(records)

    return LocalContestant(decode, len(actions), lambda: [_said_by(each) for each in decode()])


def _packed(actions: Sequence[Any]) -> list[PackedRecord]:
    lines = _lines_of(actions, _make_line_encoder())
    return take_packed([line[:-1] for line in lines], FIRST_CHECKSUM, 0)


def _line_writer(
    actions: Sequence[Any], encode: Callable[[int, Any, int], tuple[bytes, int]]
) -> Contestant:
    def run_pass() -> None:
        checksum = FIRST_CHECKSUM
        for seq, action in enumerate(actions, start=1):
            _, checksum = encode(seq, action, checksum)

    return LocalContestant(
        run_pass, len(actions), lambda: [_said_in(line) for line in _lines_of(actions, encode)]
    )


def _decoder(texts: Sequence[bytes], decode: Callable[[bytes], Any]) -> Contestant:
    def run_pass() -> None:
        for text in texts:
            decode(text)

    return LocalContestant(run_pass, len(texts), lambda: [_said_by(decode(text)) for text in texts])


def _reader_of_refold_lines(lines: Sequence[bytes]) -> Contestant:
    def read() -> list[Any]:
        reading = LogLines()
        return [decode_action(record) for line in lines for record in reading.take(line)]

    return LocalContestant(read, len(lines), lambda: [_said_by(action) for action in read()])


def _reader_of_peer_lines(lines: Sequence[bytes], peer: LogFormat) -> Contestant:
    def read() -> list[Any]:
        actions, checksum = list[Any](), FIRST_CHECKSUM
        for line in lines:
            envelope, checksum = peer.decode_line(line, checksum)
            actions.append(envelope.payload)
        return actions

    return LocalContestant(read, len(lines), lambda: [_said_by(action) for action in read()])


def _said_in(text: bytes) -> list[int | str]:
    """Read, by nobody's codec, what a text says."""
    value: Any = json.loads(text)
    if "payload" in value:
        name, fields = value["name"], value["payload"] | {"at_ms": value["at_ms"]}
    else:
        name, fields = value["type"], value
    return _say(_VERBS[name], fields)


def _said_by(action: Any) -> list[int | str]:
    verb = _VERBS.get(getattr(action, "wire_name", ""), type(action).__name__)
    names = ("at_ms", "key", *_FIELDS[verb])
    return _say(verb, {name: getattr(action, name) for name in names})


def _say(verb: str, fields: dict[str, Any]) -> list[int | str]:
    values = [fields[name] for name in _FIELDS[verb]]
    told = [value if type(value) is int else str(value) for value in values]
    return [verb, fields["at_ms"], fields["key"], *told]
