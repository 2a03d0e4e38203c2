"""`state_lines`: a state for a person."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.commands.state_lines import state_lines

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (3, ["3"]),
        ({}, ["{}"]),
        ([], ["[]"]),
        ({"a": 1, "long": "x"}, ["a:    1", 'long: "x"']),
        ({"a": {"b": None}}, ["a:", "  b: null"]),
        ({"a": [1, 2], "b": {}}, ["a: [1,2]", "b: {}"]),
        ([{"a": 1}], ["0:", "  a: 1"]),
        ({"\x1b": "\x07"}, ['\\x1b: "\\u0007"']),
    ],
)
def test_examples(value: Any, lines: list[str]) -> None:
    """Records are indented, short lists stand on one line, control characters are escaped."""
    assert list(state_lines(value)) == lines


def test_long_collections_are_cut_and_counted() -> None:
    """Forty entries are shown, and how many more there are."""
    for value in (list(range(1000)), {str(number): number for number in range(1000)}):
        lines = list(state_lines(value))
        assert len(lines) == 41
        assert lines[-1] == "... and 960 more (--json shows all)"


@given(json_values)
def test_every_value_has_lines_that_can_be_printed(value: Any) -> None:
    """Any JSON value gives at least one line, each printable."""
    lines = list(state_lines(value))
    assert lines
    assert all(line.isprintable() for line in lines)
