"""One action alone as a JSON text that says which it is: ``[name, version, at_ms, payload]``.

What belongs here: the way there and back for an action outside of a log, such as on a socket.
What does not: what a payload holds, which `action_codec` knows.  That one is asked for whatever is
refused here.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, Union

import msgspec
import orjson

from refold.errors import PayloadError
from refold.replay.action_codec import decode_action, decode_present, encode_payload
from refold.replay.fast_decoder import make_action_filler, make_payload_struct
from refold.replay.fast_envelope import build_record
from refold.replay.fast_records import has_only_plain_fields, make_text_encode
from refold.replay.upcaster_chain import check_chain

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["encode_action_text", "make_action_text_decoder"]

_UNION: Final[Any] = Union
"""Of types that are known when the program runs."""

_PARTS: Final = 4
"""How many values a text holds."""

_encoders: Final[dict[type, Callable[[Any], bytes]]] = {}
"""By plain action class, the fast way to its text; entered when a class is first met."""


def encode_action_text(action: Action) -> bytes:
    """Return the text of an action.

    Raises:
        ValueTypeError: a field's type cannot be serialised.
        PayloadError: a value does not fit its declared type.
    """
    try:
        return _encoders[type(action)](action)
    except Exception:  # noqa: BLE001  # whatever it is, it is met again and said below
        return _encode_carefully(action)


def make_action_text_decoder(classes: Iterable[type[Action]]) -> Callable[[bytes], Action]:
    """Return the way back.

    Args:
        classes: those whose texts are read fast, if they are plain; others are read as well.

    Raises:
        ActionDeclarationError: the upcasters of a class make no whole chain; also by the function.
        PayloadError: by the function: it is no text of an action, or a value does not fit.
        UnknownActionError: by the function: no loaded class has the name and version.
    """
    class_by_name = {cls.wire_name: cls for cls in classes}  # the last one of a reloaded module
    fillers = dict(_fillers_by_struct(class_by_name.values()))
    if not fillers:
        return _decode_carefully
    read: Callable[[bytes], Any] = msgspec.json.Decoder(_UNION[tuple(fillers)]).decode

    def decode(text: bytes) -> Action:
        try:
            record = read(text)
        except ValueError:  # it is met again and said below
            return _decode_carefully(text)
        return fillers[type(record)](record)

    return decode


def _encode_carefully(action: Action) -> bytes:
    cls = type(action)
    payload = encode_payload(action)
    if cls not in _encoders and has_only_plain_fields(cls):
        _encoders[cls] = make_text_encode(cls)
    return orjson.dumps([cls.wire_name, cls.wire_version, action.at_ms, payload])


def _fillers_by_struct(
    classes: Iterable[type[Action]],
) -> Iterable[tuple[type[msgspec.Struct], Callable[[Any], Action]]]:
    """Yield, for each plain class, the struct of its texts and the way from there to its action."""
    for cls in classes:
        check_chain(cls)
        payload = make_payload_struct(cls)
        if payload is None:
            continue
        version: Any = Literal[cls.wire_version]
        fields: Any = [("version", version), ("at_ms", int | None), ("payload", payload)]
        struct = msgspec.defstruct(
            "ActionText",
            fields,
            array_like=True,
            tag=cls.wire_name,
            forbid_unknown_fields=True,
            gc=False,
        )
        yield struct, make_action_filler(cls)


def _decode_carefully(text: bytes) -> Action:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _no_text_of_an_action(str(error)) from error
    if value.__class__ is not list or len(value) != _PARTS:
        raise _no_text_of_an_action(reprlib.repr(value))
    parts: tuple[Any, ...] = tuple(value)
    name, version, at_ms, payload = parts
    is_when = at_ms is None or at_ms.__class__ is int
    classes = name.__class__, version.__class__, payload.__class__
    if classes != (str, int, dict) or not is_when:
        raise _no_text_of_an_action(reprlib.repr(value))
    try:
        return decode_present(name, version, payload, at_ms)
    except Exception:  # noqa: BLE001  # whatever it is, it is met again and said below
        seq = 0  # it stands in no log
        values = seq, "", name, version, at_ms, None, "", payload, None, None
        return decode_action(build_record(values))


def _no_text_of_an_action(found: str) -> PayloadError:
    message = (
        f"the text of an action is a JSON array [name, version, at_ms, payload], got {found}; give"
        f" what encode_action_text returned"
    )
    return PayloadError(message, path="")
