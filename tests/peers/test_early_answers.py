"""Answers that overtake the proposal that they answer."""

from __future__ import annotations

from refold.middleware.early_answers import EarlyAnswers
from refold.middleware.spend_messages import SpendAnswer


def test_an_early_answer_is_given_back_once_its_session_is_known() -> None:
    """It comes with its sender, once, and without the answers to other sessions."""
    early, yes = EarlyAnswers(), SpendAnswer("s1", accepted=True, reason="")
    early.keep("bob", yes)
    early.keep("bob", SpendAnswer("s2", accepted=True, reason=""))
    assert early.take("s1") == [("bob", yes)]
    assert early.take("s1") == []


def test_of_two_early_answers_of_one_participant_the_first_counts() -> None:
    """A second one changes nothing, as it would change nothing later."""
    early, yes = EarlyAnswers(), SpendAnswer("s1", accepted=True, reason="")
    early.keep("bob", yes)
    early.keep("bob", SpendAnswer("s1", accepted=False, reason="no"))
    assert early.take("s1") == [("bob", yes)]


def test_answers_to_made_up_sessions_do_not_fill_the_memory() -> None:
    """Of more than 200 the oldest are forgotten."""
    early = EarlyAnswers()
    for number in range(1000):
        early.keep("mallory", SpendAnswer(f"s{number}", accepted=True, reason=""))
    kept = [number for number in range(1000) if early.take(f"s{number}")]
    assert kept == list(range(800, 1000))
