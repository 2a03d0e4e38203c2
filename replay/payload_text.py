"""`encode_payload_text`: an action's payload straight to the JSON that stands in its line.

What belongs here: which way a class's actions take.  What does not: what a payload holds, which
`action_codec` knows.  That one is asked for whatever the fast way refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import orjson

from refold.replay.action_codec import encode_payload
from refold.replay.fast_records import has_only_plain_fields, make_text_encode

if TYPE_CHECKING:
    from refold.actions.action import Action

__all__ = ["encode_payload_text"]

_encoders: Final[dict[type, Callable[[Any], bytes]]] = {}
"""By action class, the fast way to its text; entered when a class is first met."""


def encode_payload_text(action: Action) -> bytes:
    """Return an action's fields but ``at_ms`` as a JSON object.

    Raises:
        ValueTypeError: a field's type cannot be serialised.
        PayloadError: a value does not fit its declared type.
    """
    try:
        return _encoders[action.__class__](action)
    except Exception:  # noqa: BLE001  # whatever it is, it is met again and said below
        text = orjson.dumps(encode_payload(action))
        _enter(action.__class__)
        return text


def _enter(cls: type[Action]) -> None:
    """Enter the way of a class that has been encoded once, so that its types are known to be."""
    if cls not in _encoders:
        _encoders[cls] = (
            make_text_encode(cls, without="at_ms")
            if has_only_plain_fields(cls)
            else lambda action: orjson.dumps(encode_payload(action))
        )
