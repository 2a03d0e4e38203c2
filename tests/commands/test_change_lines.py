"""Differences between two states, cut to a width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from refold.commands.change_lines import change_lines, difference_lines, whole_changes
from refold.commands.state_changes import StateChange
from refold.replay.changed_paths import ChangedPath

texts = st.text("aé文'", max_size=30)


@given(texts, texts, st.integers(-40, 2))
def test_one_line_if_it_fits_else_three_that_do(old: str, new: str, spare: int) -> None:
    """Nothing is broken up or cut that fits, wide characters counted as two; the rest is cut."""
    together = f"  a.b: {old} -> {new}"
    width = max(cell_len(together) + spare, 10)
    lines = [line.plain for line in change_lines([StateChange("a.b", old, new)], width)]
    if cell_len(together) <= width:
        assert lines == [together]
        return
    assert lines[0] == "  a.b:"
    for line, side in zip(lines[1:], (f"    - {old}", f"    + {new}"), strict=True):
        assert cell_len(line) <= width
        assert line == side if cell_len(side) <= width else line.endswith("…")


@given(st.text(), st.text())
def test_nothing_reaches_the_terminal_raw(old: str, new: str) -> None:
    """Whatever the values are, what is printed of them is printable and not cut."""
    (change,) = whole_changes([ChangedPath("a['\x1b']", old, new)])
    assert all(part.isprintable() for part in (change.path, change.old, change.new))
    assert len(change.old) >= len(old)


def test_the_title_counts() -> None:
    """None, one or many parts are called so."""
    change = StateChange("a", "1", "2")
    titles = [next(difference_lines([change] * count, "they", 80)).plain for count in (0, 1, 1200)]
    assert titles == ["they are equal", "they differ in 1 part", "they differ in 1,200 parts"]
