"""`printable`: no text from a log can command a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.commands.printable import printable


@given(st.text())
def test_what_comes_out_is_printable(text: str) -> None:
    """No character that a terminal would obey is left, and printable text stays as it is."""
    assert printable(text).isprintable()
    assert text.isprintable() == (printable(text) == text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plüm", "plüm"), ("\x1b[31m", "\\x1b[31m"), ("\u202e", "\\u202e"), ("\ud800", "\\ud800")],
)
def test_examples(text: str, expected: str) -> None:
    """Escapes are Python's."""
    assert printable(text) == expected
