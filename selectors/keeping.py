"""Whether selectors may keep the states that they are called with.

A store that watches what a selector reads gives it a view of the state, which nobody shall keep.
"""

from __future__ import annotations

from typing import Final

__all__ = ["keeping"]


class _Keeping:
    """One flag for the program: selectors run in one thread, and never while another one waits."""

    __slots__ = ("states",)

    def __init__(self) -> None:
        self.states = True


keeping: Final = _Keeping()
"""``keeping.states`` is False while a store watches a selector read."""
