"""`Goodbye`: what a close frame says."""

from __future__ import annotations

from typing import Any, Final

import attrs

__all__ = ["Goodbye"]

_LONGEST_REASON_BYTES: Final = 123
"""A control frame has 125 bytes, of which the code takes two.  Source: RFC 6455, section 5.5."""


def _check_code(_goodbye: object, _field: attrs.Attribute[int], code: object) -> None:
    if isinstance(code, bool) or not isinstance(code, int):
        message = f"a close code must be an int, got {code!r}"
        raise TypeError(message)
    if code != 1000 and not 3000 <= code <= 4999:  # noqa: PLR2004  # RFC 6455, section 7.4
        message = (
            f"a close code must be 1000 or from 3000 to 4999, got {code}; the others are for the"
            f" protocol itself"
        )
        raise ValueError(message)


def _check_reason(_goodbye: object, _field: attrs.Attribute[str], reason: Any) -> None:
    if not isinstance(reason, str):
        message = f"the reason of a close must be a text, got {reason!r}"
        raise TypeError(message)
    size = len(reason.encode())  # a lone surrogate is a ValueError of its own
    if size > _LONGEST_REASON_BYTES:
        message = (
            f"the reason of a close must have at most {_LONGEST_REASON_BYTES} bytes of UTF-8, got"
            f" {size}; say it in a message before"
        )
        raise ValueError(message)


@attrs.frozen
class Goodbye:
    """Why the application closes.

    Raises:
        TypeError: a value is of the wrong type.
        ValueError: the code is not for applications, or the reason is too long.
    """

    code: int = attrs.field(default=1000, validator=_check_code)
    """1000 for a usual end, or one of the application's own, from 3000 to 4999."""

    reason: str = attrs.field(default="", validator=_check_reason)
    """In words, at most 123 bytes of UTF-8."""

    @property
    def payload(self) -> bytes:
        """The payload of the close frame."""
        return self.code.to_bytes(2, "big") + self.reason.encode()
