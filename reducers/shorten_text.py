"""`shorten_text`: what strangers say, cut to a length that a state can keep."""

from __future__ import annotations

from typing import Final

__all__ = ["shorten_text"]

_CUT: Final = "…"


def shorten_text(text: str, most: int) -> str:
    """Return a text of at most so many characters; one that is cut ends with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}{_CUT}"
