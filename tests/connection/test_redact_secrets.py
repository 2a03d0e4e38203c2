"""`redact_secrets`: what is left of a text that others wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.middleware.redact_secrets import redact_secrets


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("no route to wss://user:pw@hub.example/feed?token=1 today", "no route to *** today"),
        ("http://hub.example", "***"),
        ("GET /feed?token=abc&key=def failed", "GET /feed*** failed"),
        ("closed: see you (at 10:30)", "closed: see you (at 10:30)"),
        ("  going away\n", "going away"),
        ("", ""),
    ],
)
def test_addresses_and_queries_are_taken_out(text: str, left: str) -> None:
    """What looks like an address is gone as a whole; everything else stays."""
    assert redact_secrets(text) == left


def test_known_secrets_are_taken_out_wherever_they_stand() -> None:
    """Also within a word, and the longest first."""
    left = redact_secrets("xBearer abc.defx", ["Bearer", "Bearer abc.def", "abc.def"])
    assert left == "x***x"


def test_a_short_secret_is_taken_out_where_it_stands_as_a_word() -> None:
    """Else a user called ``1`` would empty every message."""
    assert redact_secrets("user 1 failed 100 times", ["1"]) == "user *** failed 100 times"


def test_an_empty_secret_takes_out_nothing() -> None:
    """A user without a password has none to hide."""
    assert redact_secrets("closed", ["", ""]) == "closed"


def test_a_text_is_cut_after_200_characters() -> None:
    """A peer cannot fill the state."""
    assert redact_secrets("x" * 1000) == "x" * 200


def test_what_has_no_utf_8_form_is_escaped() -> None:
    """A log could not hold a lone surrogate."""
    assert redact_secrets("name \udc80") == r"name \udc80"


secrets = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=4)


@given(st.text(), secrets, st.text())
def test_a_secret_is_gone_from_any_text(before: str, secret: str, after: str) -> None:
    """Whatever stands around it, unless it is a part of what stands for it."""
    left = redact_secrets(f"{before}{secret}{after}", [secret])
    assert secret not in left
    left.encode()
