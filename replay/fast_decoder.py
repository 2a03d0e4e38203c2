"""`fast_decoder`: the JSON text of a payload straight to an action, by msgspec.

What belongs here: which classes are taken, and how.  What does not: what msgspec refuses; whoever
uses a fast decoder gives that to `decode_action`, which is the reference and says what is wrong.

msgspec reads into a struct that is made for the class and has its payload's fields: all of them,
and no other ones.  It is taken only for types whose JSON it reads as the careful codec does, or
refuses: an int within 64 bits, a finite float or an int in its place, a bool, a text, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import attrs
import msgspec

from refold.reducers.record_builder import make_writable_twin
from refold.reducers.run_template import run_template
from refold.replay.fast_records import has_only_plain_fields, only_stores, plain_type

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["fast_decoder"]

A = TypeVar("A", bound="Action")

_INT: Final[Any] = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""Not beyond: orjson reads a float there, or an int that is left to it."""

_FORMS: Final[dict[Any, Any]] = {bool: bool, int: _INT, float: float | _INT, str: str}
"""By plain type, what msgspec is asked for: an int in a float field stays one, as written."""


def fast_decoder(
    action_class: type[A],
) -> Callable[[bytes | msgspec.Raw, int | None], A] | None:
    """Return the fast way from a payload's JSON text to an action of a class.

    The function takes the text of the payload, and ``at_ms`` as it was read from the envelope: an
    int or None.  It returns exactly what `decode_action` makes of the same record, or raises a
    ValueError; `decode_action` knows then what the record is or what is wrong with it.

    It is for records of the class's own version, and does not look whether the class's upcasters
    make a whole chain, as `check_chain` does.

    Returns:
        None if the class is left to `decode_action`: it has a field of a type that is not plain, or
        a constructor that does more than storing its arguments.
    """
    if not _is_taken(action_class):
        return None
    types = _payload_types(action_class)
    fields = [(name, _form_of(tp)) for name, tp in types.items()]
    struct = msgspec.defstruct("Payload", fields, forbid_unknown_fields=True, gc=False)
    lines = [
        "def decode(payload, at_ms):",
        "read = read_struct(payload)",
        "action = new(twin)",
        *(f"action.{name} = read.{name}" for name in types),
        "action.at_ms = at_ms",
        "action.__class__ = cls",
        "return action",
    ]
    known = {
        "read_struct": msgspec.json.Decoder(struct).decode,
        "new": object.__new__,
        "twin": make_writable_twin(action_class),
        "cls": action_class,
    }
    decode: Callable[[bytes | msgspec.Raw, int | None], A] = run_template(
        "\n    ".join(lines), "decode", known
    )
    return decode


def _is_taken(cls: type[Any]) -> bool:
    is_plain = has_only_plain_fields(cls) and only_stores(cls)
    return is_plain and plain_type(attrs.fields_dict(cls)["at_ms"].type) == (int, True)


def _payload_types(cls: type[Any]) -> dict[str, Any]:
    return {field.name: field.type for field in attrs.fields(cls) if field.name != "at_ms"}


def _form_of(tp: Any) -> Any:
    plain, or_none = plain_type(tp)
    return _FORMS[plain] | None if or_none else _FORMS[plain]
