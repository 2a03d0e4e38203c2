"""`path_differences`: where two encoded states differ."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import PMap, PSet, PVector, pmap, pset, pvector

from refold.replay.action_codec import encode_state
from refold.replay.canonical_digest import canonical_digest
from refold.replay.changed_paths import changed_paths
from refold.replay.golden_paths import ABSENT, json_text, path_differences
from tests.replay.bank_with_bugs import Bank, make_bank
from tests.replay.golden_bank import sessions
from tests.strategies.observatory_strategies import states

if TYPE_CHECKING:
    from tests.strategies.observatory_states import Observatory

NO_LINES: Final[PMap[int, Line]] = pmap()
NO_TEXTS: Final[PMap[str, int]] = pmap()
NO_MIXED: Final[PMap[int, Line | PMap[str, int]]] = pmap()
NO_SHARES: Final[PMap[float, int]] = pmap()
NO_TAGS: Final[PSet[str]] = pset()
NO_STEPS: Final[PVector[int]] = pvector()


@attrs.frozen
class Line:
    """A line of an order."""

    count: int = 1


@attrs.frozen
class Order:
    """Parts of every shape."""

    lines: PMap[int, Line] = NO_LINES
    texts: PMap[str, int] = NO_TEXTS
    tags: PSet[str] = NO_TAGS
    steps: PVector[int] = NO_STEPS
    line: Line | None = None
    either: Line | str = ""
    number: float = 1.0
    lasts: datetime.timedelta = datetime.timedelta()
    mixed: PMap[int, Line | PMap[str, int]] = NO_MIXED
    shares: PMap[float, int] = NO_SHARES


def differences(old: object, new: object) -> list[tuple[str, Any, Any]]:
    """Return the paths between two states, with both values as text."""
    found = path_differences(encode_state(old), encode_state(new), new, "")
    return [(one.path, json_text(one.accepted), json_text(one.today)) for one in found]


@given(states, states)
def test_a_path_is_told_if_and_only_if_the_digests_differ(
    old: Observatory, new: Observatory
) -> None:
    """Nothing that a log can tell apart is overlooked, and nothing else is told."""
    assert bool(differences(old, new)) == (canonical_digest(old) != canonical_digest(new))


@given(sessions)
def test_paths_are_those_of_changed_paths(actions: list[Any]) -> None:
    """What `refold diff` and `refold blame` call a part, a golden difference calls it too."""
    old, new, bank = Bank(), Bank(), make_bank()
    for one in actions:
        old, new = new, bank(new, one)
    found = {path.lstrip(".") for path, _, _ in differences(old, new)}
    assert found == {one.path for one in changed_paths(old, new)}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (Order(texts=pmap({"a b": 1})), Order(), (".texts['a b']", "1", "(absent)")),
        (Order(steps=pvector([1])), Order(steps=pvector([1, 2])), (".steps[1]", "(absent)", "2")),
        (Order(tags=pset("a")), Order(tags=pset("b")), (".tags", '["a"]', '["b"]')),
        (
            Order(lines=pmap({7: Line(1), 8: Line(3)})),
            Order(lines=pmap({8: Line(2), 7: Line(1), 6: Line(9)})),
            (".lines[8].count", "3", "2"),
        ),
        (Order(line=Line(1)), Order(line=Line(2)), (".line.count", "1", "2")),
        (Order(line=Line(1)), Order(), (".line", '{"count":1}', "null")),
        (Order(either=Line(1)), Order(either=Line(2)), (".either.count", "1", "2")),
        (
            Order(either=Line(1)),
            Order(either="x"),
            (".either", '{"$of":"Line","value":{"count":1}}', '"x"'),
        ),
        (Order(number=1.0), Order(number=1), (".number", "1.0", "1")),
        (Order(number=0.0), Order(number=-0.0), (".number", "0.0", "-0.0")),
        (
            Order(number=float("inf")),
            Order(number=float("nan")),
            (".number", '{"$float":"inf"}', '{"$float":"nan"}'),
        ),
        (
            Order(lasts=datetime.timedelta(1)),
            Order(lasts=datetime.timedelta(2)),
            (".lasts", "[1,0,0]", "[2,0,0]"),
        ),
    ],
)
def test_each_shape_has_its_paths(old: Order, new: Order, expected: tuple[str, str, str]) -> None:
    """Records by their fields, maps by their keys, rows by their places, sets as a whole."""
    assert expected in differences(old, new)


@given(st.sets(st.integers(0, 300), min_size=1, max_size=9))
def test_entries_of_one_map_have_paths_of_their_own_class(keys: set[int]) -> None:
    """Below a key that is no text stands a record or a map, whichever is there."""
    old, new = (
        Order(mixed=pmap({key: Line(n) if key % 2 else pmap({"count": n}) for key in keys}))
        for n in (1, 2)
    )
    below = ("['count']", ".count")
    expected = {f".mixed[{key}]{below[key % 2]}" for key in keys}
    assert {path for path, _, _ in differences(old, new)} == expected


def test_entries_under_two_nan_are_both_told() -> None:
    """Keys that are written alike do not hide each other."""
    old, new = (Order(shares=pmap({float("nan"): 1, float("nan"): n})) for n in (1, 2))
    assert len(differences(old, new)) == 1
    fewer = Order(shares=pmap({float("nan"): 1}))
    assert differences(old, fewer) != []


def test_a_list_that_became_a_map_is_told_by_places() -> None:
    """What was accepted may be of a shape that today's classes do not have."""
    new = Order(lines=pmap({7: Line(1)}))
    found = path_differences({"lines": [1, 2]}, {"lines": [[7, {"count": 1}]]}, new, "order")
    assert [one.path for one in found] == ["order.lines[0]", "order.lines[1]"]


def test_a_field_that_today_s_class_lacks_is_told() -> None:
    """A field that was removed, and one that was added."""
    found = list(path_differences({"old": 1}, {"count": 1}, Line(), "line"))
    assert [(one.path, one.accepted, one.today) for one in found] == [
        ("line.count", ABSENT, 1),
        ("line.old", 1, ABSENT),
    ]
