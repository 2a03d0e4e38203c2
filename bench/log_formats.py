"""The peers of rows 9 and 10: raw msgspec, and cattrs with orjson, each for a union of actions.

What belongs here: their classes and converters.  What does not: refold's codec.

Each can write an action alone, with its name as the tag, or the whole line of a log: the same
envelope around it, and the same checksum after it.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import attrs

from log_actions import PLAIN, ActionClasses
from log_work import LogStep
from peer_library import import_peer

__all__ = ["LogFormat", "WrongChecksumError", "make_cattrs_format", "make_msgspec_format"]

_TAG: Final = "type"
_SEAL: Final = b',"crc":"%08x"}\n'
_SEAL_LENGTH: Final = len(_SEAL % 0)


class WrongChecksumError(Exception):
    """A line is not what was written."""


class LogFormat(NamedTuple):
    """One peer's way."""

    make_actions: Callable[[Iterable[LogStep]], list[Any]]

    encode: Callable[[Any], bytes]
    """An action alone to JSON."""

    decode: Callable[[bytes], Any]

    encode_line: Callable[[int, Any, int], tuple[bytes, int]]
    """Number, action and the checksum before to a line and its checksum."""

    decode_line: Callable[[bytes, int], tuple[Any, int]]
    """A line and the checksum before to an envelope and the line's checksum."""


def make_cattrs_format(classes: ActionClasses = PLAIN) -> LogFormat:
    """Return the orjson converter of cattrs with its tagged unions, over refold's own classes."""
    import_peer("cattrs", "cattrs")
    from cattrs.preconf.orjson import make_converter  # noqa: PLC0415  # not for the other rows
    from cattrs.strategies import configure_tagged_union  # noqa: PLC0415

    union: Any = classes.measured | classes.renamed | classes.switched
    envelope = attrs.make_class("Envelope", _envelope_fields(union), frozen=True, slots=True)
    converter: Any = make_converter()
    configure_tagged_union(union, converter, tag_generator=_wire_name, tag_name=_TAG)
    dumps, loads = converter.dumps, converter.loads

    def encode_line(seq: int, action: Any, previous: int) -> tuple[bytes, int]:
        at_ms, name = action.at_ms, action.wire_name
        return _seal(dumps(envelope(seq, f"w-{seq}", name, 1, at_ms, action)), previous)

    def decode_line(line: bytes, previous: int) -> tuple[Any, int]:
        body, checksum = _open(line, previous)
        return loads(body, envelope), checksum

    def encode(action: Any) -> bytes:
        return dumps(action, unstructure_as=union)  # type: ignore[no-any-return]  # orjson gives bytes

    def decode(text: bytes) -> Any:
        return loads(text, union)

    make_actions = functools.partial(_of_steps, classes)
    return LogFormat(make_actions, encode, decode, encode_line, decode_line)


def make_msgspec_format() -> LogFormat:
    """Return msgspec with tagged structs."""
    msgspec = import_peer("msgspec", "msgspec")
    fields: dict[str, list[Any]] = {
        "measured": [("key", str), ("value", float), ("count", int)],
        "renamed": [("key", str), ("label", str)],
        "switched": [("key", str), ("is_on", bool)],
    }
    at_ms = ("at_ms", int | None, None)
    structs = ActionClasses(
        *(
            msgspec.defstruct(
                verb, [*fields[verb], at_ms], frozen=True, tag=cls.wire_name, tag_field=_TAG
            )
            for verb, cls in PLAIN._asdict().items()
        )
    )
    union: Any = structs.measured | structs.renamed | structs.switched
    columns = [
        (name, tp) if default is attrs.NOTHING else (name, tp, default)
        for name, (tp, default) in _envelope_columns(union).items()
    ]
    envelope = msgspec.defstruct("Envelope", columns, frozen=True)
    names = {getattr(structs, verb): cls.wire_name for verb, cls in PLAIN._asdict().items()}
    encode = msgspec.json.Encoder().encode
    decode_envelope = msgspec.json.Decoder(envelope).decode

    def encode_line(seq: int, action: Any, previous: int) -> tuple[bytes, int]:
        name = names[type(action)]
        made = envelope(seq, f"w-{seq}", name, 1, action.at_ms, action)
        return _seal(encode(made), previous)

    def decode_line(line: bytes, previous: int) -> tuple[Any, int]:
        body, checksum = _open(line, previous)
        return decode_envelope(body), checksum

    make_actions = functools.partial(_of_steps, structs)
    return LogFormat(
        make_actions, encode, msgspec.json.Decoder(union).decode, encode_line, decode_line
    )


def _wire_name(cls: Any) -> str:
    return cls.wire_name  # type: ignore[no-any-return]  # of an action class


def _of_steps(classes: ActionClasses, steps: Iterable[LogStep]) -> list[Any]:
    return [_of_step(step, classes, at_ms=step.at_ms) for step in steps]


def _of_step(step: LogStep, classes: ActionClasses, *, at_ms: int) -> Any:
    match step.verb:
        case "measured":
            return classes.measured(step.key, step.value, step.count, at_ms=at_ms)
        case "renamed":
            return classes.renamed(step.key, step.label, at_ms=at_ms)
        case "switched":
            return classes.switched(step.key, step.is_on, at_ms=at_ms)


def _envelope_columns(union: Any) -> dict[str, tuple[Any, Any]]:
    """Return the fields of an envelope, each with its type and default."""
    return {
        "seq": (int, attrs.NOTHING),
        "id": (str, attrs.NOTHING),
        "name": (str, attrs.NOTHING),
        "version": (int, attrs.NOTHING),
        "at_ms": (int | None, attrs.NOTHING),
        "payload": (union, attrs.NOTHING),
        "cause": (str | None, None),
        "origin": (str, "app"),
        "inputs": (dict[str, Any] | None, None),
        "digest": (str | None, None),
    }


def _envelope_fields(union: Any) -> dict[str, Any]:
    return {
        name: attrs.field(type=tp, default=default)
        for name, (tp, default) in _envelope_columns(union).items()
    }


def _seal(text: bytes, previous: int) -> tuple[bytes, int]:
    body = text[:-1]
    checksum = zlib.crc32(body, previous)
    return body + _SEAL % checksum, checksum


def _open(line: bytes, previous: int) -> tuple[bytes, int]:
    body = line[:-_SEAL_LENGTH]
    checksum = zlib.crc32(body, previous)
    if line[-_SEAL_LENGTH:] != _SEAL % checksum:
        raise WrongChecksumError
    return body + b"}", checksum
