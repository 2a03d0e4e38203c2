"""`OwnPresence`: what this peer says of itself to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
from pyrsistent import pvector

from refold.actions.peer_records import Presence
from refold.reducers.check_positive_number import check_positive_number
from refold.reducers.presence_rules import MAX_PRESENCE_LIFETIME_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OwnPresence"]

_MOST_SECONDS: Final = MAX_PRESENCE_LIFETIME_MS // 1000


_LONGEST_TEXT: Final = 1024


def _check_text(_about: object, field: attrs.Attribute[str], text: str) -> None:
    """Check that a presence of at most 8 KiB can have the text."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > _LONGEST_TEXT or any("\ud800" <= char <= "\udfff" for char in text):
        message = (
            f"{field.name} must be Unicode of at most {_LONGEST_TEXT} bytes in UTF-8, got"
            f" {text[:20]!r} of {size}; others could not read it"
        )
        raise ValueError(message)


def _check_lifetime(_about: object, _field: attrs.Attribute[float], seconds: float) -> None:
    if seconds > _MOST_SECONDS:
        message = (
            f"lifetime_seconds must be at most {_MOST_SECONDS}, a day, got {seconds:g}; a presence"
            f" is renewed before it is over"
        )
        raise ValueError(message)


@attrs.frozen(kw_only=True)
class OwnPresence:
    """The part of a presence that a program chooses.

    Raises:
        TypeError: the lifetime is no number.
        ValueError: the lifetime is not above 0 and at most a day.
    """

    nickname: str = attrs.field(default="", validator=_check_text)
    """For people; empty for none."""

    wallet_address: str = attrs.field(default="", validator=_check_text)
    """Where to pay to; empty for nowhere."""

    avatar: str = attrs.field(default="", validator=_check_text)
    """A picture's address; empty for none."""

    lifetime_seconds: float = attrs.field(
        default=600.0, validator=[check_positive_number, _check_lifetime]
    )
    """How long others believe it; it is renewed after half of that."""

    def presence(self, peer_id: str, addresses: Sequence[str], now_ms: int) -> Presence:
        """Return the presence as it is now.

        Args:
            peer_id: one's own.
            addresses: where one can be reached.
            now_ms: milliseconds since the Unix epoch.
        """
        return Presence(
            peer_id=peer_id,
            addresses=pvector(addresses),
            created_at_ms=now_ms,
            expires_at_ms=now_ms + int(self.lifetime_seconds * 1000),
            nickname=self.nickname,
            wallet_address=self.wallet_address,
            avatar=self.avatar,
        )
