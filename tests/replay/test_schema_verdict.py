"""What a change of an application means for its logs, and what is to be done.

What belongs here: the verdict on each kind of change, its reason and its advice.  What does not:
the command that prints them.
"""

from __future__ import annotations

from typing import Any

import pytest

from refold.actions.upcaster import upcaster
from refold.replay.schema import ClassSchema, Schema, schema_of
from refold.replay.schema_verdict import Judgement, Proof, judge_schema
from tests.replay.aging_application import FIRST, SECOND, THIRD, load_application


def prove_nothing(_name: str, _version: int) -> Proof:
    """Try no payload."""
    return Proof(0)


def judge(old: str, new: str, error: str | None = None) -> dict[str, Judgement]:
    """Return the judgements of one text of the application after the other, by class name."""
    locked = schema_of(load_application(old).root)
    present = schema_of(load_application(new).root)
    proof = Proof(5, {"article": ""} if error else None, error)
    return {one.name: one for one in judge_schema(locked, present, lambda _name, _version: proof)}


def test_what_did_not_change_is_fine() -> None:
    """The same schema again: each class is as it was, and nothing is to be done."""
    judged = judge(SECOND, SECOND)
    assert set(judged) == {"Line", "Shop", "aging/ordered"}
    assert {(one.verdict, one.reason, one.advice) for one in judged.values()} == {
        ("fine", "is as it was", None)
    }


def test_a_new_version_with_a_proven_upcaster_is_fine() -> None:
    """A field more, a version more, an upcaster: fine, and how much was tried."""
    judged = judge(FIRST, SECOND)
    assert {one.verdict for one in judged.values()} == {"fine"}
    assert judged["aging/ordered"].reason == "version 1 became 2; 5 older payloads are read"
    assert judge(FIRST, THIRD)["aging/ordered"].verdict == "fine"


def test_an_upcaster_that_fails_makes_it_impossible() -> None:
    """A payload that cannot be read is told, with why."""
    one = judge(FIRST, SECOND, "too bad")["aging/ordered"]
    assert (one.verdict, one.payload) == ("impossible", {"article": ""})
    assert "a payload of version 1 cannot be read" in one.reason
    assert one.reason.endswith("too bad")
    assert one.advice == "correct the upcaster"


CHANGED = FIRST.replace("    article: str\n\nroot", "    article: str\n    note: str = ''\n\nroot")


@pytest.mark.parametrize(
    ("old", "new", "name", "verdict", "words"),
    [
        (FIRST, CHANGED, "aging/ordered", "risky", "without a new version: note is new, with a"),
        (CHANGED, FIRST, "aging/ordered", "risky", "note is gone"),
        (
            CHANGED,
            CHANGED.replace("note: str = ''", "note: str | None = ''"),
            "aging/ordered",
            "risky",
            "note was str, is str | none",
        ),
        (
            CHANGED,
            CHANGED.replace("note: str = ''", "note: str"),
            "aging/ordered",
            "risky",
            "note lost its default",
        ),
        (
            FIRST,
            FIRST.replace("    article: str\n\n@attrs", "    article: PVector[int]\n\n@attrs"),
            "Line",
            "risky",
            "article was str, is pvector[int]",
        ),
        (SECOND, FIRST, "aging/ordered", "impossible", "went back from version 2 to 1"),
        (
            FIRST,
            SECOND.replace('@upcaster("aging/ordered", from_version=1)', ""),
            "aging/ordered",
            "impossible",
            "version 1 cannot be read any more (count is new, with a default)",
        ),
        (
            FIRST,
            FIRST.replace('@action("aging/ordered")', '@action("aging/ordered", version=2)'),
            "aging/ordered",
            "impossible",
            "version 1 cannot be read any more (only the version)",
        ),
        (
            FIRST,
            SECOND.replace("from_version=1)\ndef order", "from_version=2)\ndef order"),
            "aging/ordered",
            "impossible",
            "make no whole chain",
        ),
        (
            FIRST,
            FIRST.replace("Line", "Item"),
            "Line",
            "fine",
            "no loaded class holds it any more",
        ),
        (FIRST, FIRST.replace("Line", "Item"), "Item", "fine", "is new"),
        (
            FIRST,
            FIRST.replace("Shop", "Store"),
            "(root state)",
            "risky",
            "was Shop, is Store",
        ),
        (
            FIRST.replace("@attrs.frozen\nclass Line:", "class Line(NamedTuple):").replace(
                "import attrs", "import attrs\nfrom typing import NamedTuple"
            ),
            FIRST,
            "Line",
            "impossible",
            "was a NamedTuple, is an attrs class",
        ),
        (
            FIRST.replace("@root.on(Ordered)", "root.on(Ordered)(lambda state, _: state)\n#"),
            FIRST.replace("@root.on(Ordered)", "#"),
            "aging/ordered",
            "risky",
            "no handler is declared for it any more",
        ),
    ],
)
def test_each_change_has_a_verdict(old: str, new: str, name: str, verdict: str, words: str) -> None:
    """A change without a version is risky, what cannot be read impossible; each says why."""
    one = judge(old, new)[name]
    assert (one.verdict, words in one.reason) == (verdict, True), one
    assert (one.advice is None) == (one.verdict == "fine")


def test_the_advice_can_be_copied() -> None:
    """What is to be done is the very line that is missing."""
    advice = judge(FIRST, CHANGED)["aging/ordered"].advice
    assert advice is not None
    assert "version=2" in advice
    assert "@upcaster('aging/ordered', from_version=1)" in advice


def test_a_named_tuple_that_changed_cannot_have_a_version() -> None:
    """Its fields stand by their place, so an order that changed is a change; the advice says so."""
    row = """
class Line(NamedTuple):
    article: str
    count: int = 1
"""
    first = FIRST.replace("@attrs.frozen\nclass Line:\n    article: str\n", row).replace(
        "import attrs", "import attrs\nfrom typing import NamedTuple"
    )
    second = first.replace("    article: str\n    count", "    count: int\n    article: str\n    x")
    one = judge(first, second)["Line"]
    assert one.verdict == "risky"
    assert "fields article, count became count, article, x" in one.reason
    assert one.advice is not None
    assert "make it an attrs.frozen class" in one.advice


def test_a_class_that_nobody_declares_is_impossible() -> None:
    """An action that no loaded module has cannot be decoded."""
    gone = Schema("int", {"schema_fingerprint/gone": ClassSchema("action", 1, {})})
    one = judge_schema(gone, Schema("int", {}), prove_nothing)[0]
    assert (one.verdict, one.version) == ("impossible", None)
    assert "no loaded module declares it" in one.reason


def test_upcasters_without_an_action_are_impossible(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upcaster of a name that no module declares is told as a class of its own."""
    declared: dict[str, Any] = {}
    monkeypatch.setattr("refold.actions.upcaster._by_version", declared)
    upcaster("schema_fingerprint/nobody", 1)(dict[str, Any].copy)
    (one,) = judge_schema(Schema("int", {}), Schema("int", {}), prove_nothing)
    assert (one.name, one.verdict) == ("schema_fingerprint/nobody", "impossible")
    assert one.advice is not None
    assert "correct the name" in one.advice


def test_the_advice_for_a_state_class_names_its_version() -> None:
    """What to do stands in the terms of a state class, which has no decorator for its version."""
    changed = FIRST.replace("    article: str\n\n@attrs", "    article: bytes\n\n@attrs")
    advice = judge(FIRST, changed)["Line"].advice
    assert advice is not None
    assert "wire_version: ClassVar[int] = 2 in it" in advice
    assert "@upcaster(Line, from_version=1)" in advice
    beyond = SECOND.replace("from_version=1)\ndef count", "from_version=2)\ndef count")
    one = judge(FIRST, beyond)["Line"]
    assert one.verdict == "impossible"
    assert one.advice is not None
    assert "wire_version: ClassVar[int] = 3 in it, or remove the upcaster" in one.advice


def test_a_change_of_an_enum_is_told_by_its_members() -> None:
    """A member more is a change of each class that has a field of the enum."""
    enum = "import enum\nclass Size(enum.Enum):\n    S = 1\n\n@attrs.frozen\nclass Line"
    first = FIRST.replace("@attrs.frozen\nclass Line", enum, 1).replace(
        "    article: str\n\n@attrs", "    article: str\n    size: Size = Size.S\n\n@attrs"
    )
    one = judge(first, first.replace("    S = 1\n", "    S = 1\n    M = 2\n"))["Line"]
    assert "size was Size(S), is Size(S, M)" in one.reason
