"""The file of an accepted outcome: the same bytes everywhere, and refused if it is another."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.replay.golden_outcome import (
    Checkpoint,
    GoldenFileError,
    GoldenOutcome,
    checkpoint_seqs,
    read_golden,
    write_golden,
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

OUTCOME = GoldenOutcome(
    "0123456789abcdef",
    (Checkpoint(0, "aa|cart=11|orders=22"), Checkpoint(7, "bb|cart=33|orders=22")),
    {"orders": 2, "cart": {"pear": 1, "apple": [True, None]}},
)

TEXT = """{
  "checkpoints": [
    "0 aa|cart=11|orders=22",
    "7 bb|cart=33|orders=22"
  ],
  "log_id": "0123456789abcdef",
  "refold_golden": 1,
  "state": {
    "cart": {
      "apple": [
        true,
        null
      ],
      "pear": 1
    },
    "orders": 2
  }
}
"""


@given(json_values, st.lists(st.integers(0, 2**40), min_size=1, max_size=4, unique=True))
def test_an_outcome_is_read_as_it_was_written(state: Any, seqs: list[int]) -> None:
    """Writing and reading gives an equal outcome, and writing that gives the same bytes."""
    outcome = GoldenOutcome("log", tuple(Checkpoint(seq, "aa") for seq in sorted(seqs)), state)
    text = write_golden(outcome)
    assert read_golden(text) == outcome
    assert write_golden(read_golden(text)) == text


def test_the_file_is_one_that_a_review_can_read() -> None:
    """Keys in order, two spaces of indentation, a line for each checkpoint and each value."""
    assert write_golden(OUTCOME).decode() == TEXT


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_checkpoints_are_few_and_evenly_spread(first: int, count: int) -> None:
    """The start and the end are among them; all records are if there are no more than 16."""
    seqs = checkpoint_seqs(first, first + count)
    assert (seqs[0], seqs[-1]) == (first, first + count)
    assert len(seqs) == min(count, 16) + 1
    gaps = [b - a for a, b in itertools.pairwise(seqs)]
    assert not gaps or max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{", "<<<<<<< ours\n{", "it is no JSON"),
        ('"refold_golden": 1', '"refold_golden": 2', "its refold_golden is 2); update refold"),
        ('"refold_golden": 1', '"other": 1', "its refold_golden is None"),
        ('"state"', '"status"', "it lacks 'state'"),
        ('"0123456789abcdef"', "12", "expected a text as log_id"),
        ('"7 bb|cart=33|orders=22"', "7", "expected a checkpoint such as"),
        ('"7 bb|cart=33|orders=22"', '"x bb"', "expected a checkpoint such as"),
        ('"7 bb|cart=33|orders=22"', '"0 bb"', "the checkpoints are not in order: [0, 0]"),
    ],
)
def test_what_is_no_outcome_is_refused(old: str, new: str, words: str) -> None:
    """The error says what is wrong, and to restore the file or to delete it and accept again."""
    with pytest.raises(GoldenFileError, match=re.escape(words)) as caught:
        read_golden(TEXT.replace(old, new, 1).encode())
    assert "delete it and accept" in str(caught.value)


@pytest.mark.parametrize("checkpoints", [[], "0 aa", None])
def test_checkpoints_must_be_a_list_of_some(checkpoints: Any) -> None:
    """A file without any checkpoint says nothing of the end."""
    value = {**json.loads(TEXT), "checkpoints": checkpoints}
    with pytest.raises(GoldenFileError, match="a list as checkpoints"):
        read_golden(json.dumps(value).encode())
