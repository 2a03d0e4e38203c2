"""`printable`: text from a log made safe for a terminal."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    r"""Return the text with everything that a terminal would obey written as ``\x1b`` and the like.

    A log may come from anywhere: a colour code, a cursor movement or a right-to-left mark in it
    must not be able to hide what stands there.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
