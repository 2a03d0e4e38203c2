"""`changed_paths`: the smallest parts in which two states differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import assume, given
from pyrsistent import PMap, PVector, pmap, pvector

from refold.replay.changed_paths import ABSENT, ChangedPath, changed_paths
from tests.reducers.entity_scene import needs_immutables
from tests.strategies.observatory_strategies import states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.strategies.observatory_states import Observatory


@attrs.frozen
class Item:
    """A state with a map, a vector and a tuple."""

    entries: PMap[Any, Any] = attrs.field(factory=pmap)
    row: PVector[Any] = attrs.field(factory=pvector)
    pair: tuple[Any, ...] = ()


def parts_of(value: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every part of a state with its path, the state itself first."""
    parts: Any = value  # its type is not narrowed
    yield path, parts
    if attrs.has(parts.__class__):
        for field in attrs.fields(parts.__class__):
            inner = f"{path}.{field.name}" if path else field.name
            yield from parts_of(getattr(parts, field.name), inner)
    elif isinstance(value, PMap):
        for key in parts:
            yield from parts_of(parts[key], f"{path}[{key!r}]")
    elif isinstance(value, PVector | tuple):
        for index, part in enumerate(parts):
            yield from parts_of(part, f"{path}[{index}]")


@given(old=states, new=states)
def test_each_path_leads_to_what_it_says(old: Observatory, new: Observatory) -> None:
    """What a change calls old stands at its path in the one state, the new in the other."""
    before, after = dict(parts_of(old)), dict(parts_of(new))
    for change in changed_paths(old, new):
        assert before.get(change.path, ABSENT) is change.old
        assert after.get(change.path, ABSENT) is change.new
        assert change.old is not change.new


@given(old=states, new=states)
def test_every_difference_lies_at_a_changed_path(old: Observatory, new: Observatory) -> None:
    """A leaf that differs between two states is at, or inside, one of the paths given."""
    before, after = dict(parts_of(old)), dict(parts_of(new))
    changed = [change.path for change in changed_paths(old, new)]
    for path in before.keys() ^ after.keys():
        assert any(path.startswith(one) for one in changed)
    for path in before.keys() & after.keys():
        if before[path] != after[path] and type(before[path]) in {int, str, bool, bytes}:
            assert any(path.startswith(one) for one in changed)


@given(old=states, new=states)
def test_no_changes_means_equal_states(old: Observatory, new: Observatory) -> None:
    """Two states without a changed path are equal, and equal ones have none."""
    assume(old == old and new == new)  # noqa: PLR0124  # not so with a nan in it
    assert (not list(changed_paths(old, new))) == (old == new)


@given(state=states)
def test_a_state_differs_nowhere_from_itself(state: Observatory) -> None:
    """The identical object has no changes, whatever it holds."""
    assert list(changed_paths(state, state)) == []


@given(old=states, new=states)
def test_the_way_back_is_the_same_way(old: Observatory, new: Observatory) -> None:
    """Comparing the other way round gives the same paths with old and new exchanged."""
    there = {change.path: (change.old, change.new) for change in changed_paths(old, new)}
    back = {change.path: (change.new, change.old) for change in changed_paths(new, old)}
    assert there.keys() == back.keys()
    assert all(mine is yours for p in there for mine, yours in zip(there[p], back[p], strict=True))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, 2, [ChangedPath("", 1, 2)]),
        (1, True, [ChangedPath("", 1, True)]),  # noqa: FBT003
        (Item(pair=(1, 2)), Item(pair=(1,)), [ChangedPath("pair[1]", 2, ABSENT)]),
        (Item(row=pvector([])), Item(row=pvector([5])), [ChangedPath("row[0]", ABSENT, 5)]),
        (
            Item(pmap({"a": Item(pair=(1,)), "b": 1})),
            Item(pmap({"a": Item(pair=(2,)), 3: 1})),
            [
                ChangedPath("entries['a'].pair[0]", 1, 2),
                ChangedPath("entries['b']", 1, ABSENT),
                ChangedPath("entries[3]", ABSENT, 1),
            ],
        ),
        (Item(pmap({"a": None})), Item(), [ChangedPath("entries['a']", None, ABSENT)]),
    ],
)
def test_examples(old: object, new: object, expected: list[ChangedPath]) -> None:
    """Fields, keys and indices make the path; additions and removals have nothing on one side."""
    found = list(changed_paths(old, new))
    assert sorted(found, key=lambda change: change.path) == expected


def test_what_is_absent_says_so() -> None:
    """The mark of nothing reads well where a change is printed."""
    assert repr(ABSENT) == "(absent)"


@needs_immutables
def test_maps_of_different_libraries_are_compared_by_key() -> None:
    """A live map may be of another library than a decoded one; only keys and values count."""
    import immutables  # noqa: PLC0415  # an optional part

    live, decoded = immutables.Map({"a": 1, "b": 2}), pmap({"a": 1, "b": 3})
    assert list(changed_paths(live, pmap(live))) == []
    assert list(changed_paths(live, decoded, "by_id")) == [ChangedPath("by_id['b']", 2, 3)]
