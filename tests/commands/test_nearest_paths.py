"""Paths that look like a mistyped one."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import PMap, PVector, pmap, pvector

from refold.commands import nearest_paths as module
from refold.commands.nearest_paths import nearest_paths
from refold.replay.blame_path import part_at, split_path
from refold.replay.changed_paths import ABSENT


@attrs.frozen
class Item:
    """An entry."""

    name: str
    amounts: PVector[int]


@attrs.frozen
class Root:
    """A state with every kind of step."""

    items: PMap[str, Item]
    pair: tuple[int, int]


STATE = Root(pmap({"a b": Item("x", pvector([1, 2])), "it's": Item("y", pvector())}), (1, 2))


@given(st.text())
def test_each_path_leads_somewhere(path: str) -> None:
    """Whatever was typed, what is offered can be asked for."""
    found = nearest_paths(STATE, path)
    assert 1 <= len(found) <= 3
    assert all(part_at(STATE, split_path(one)) is not ABSENT for one in found)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("item", "items"),
        ("items['a b'].nam", "items['a b'].name"),
        ("items['ab'].amounts[0]", "items['a b'].amounts[0]"),
        ("""items["its"]""", """items["it's"]"""),
        ("pair[2]", "pair[1]"),
    ],
)
def test_a_slip_is_understood(typed: str, meant: str) -> None:
    """One wrong letter, a missing one, an index behind the end: the part that was meant is near."""
    assert meant in nearest_paths(STATE, typed)


def test_a_state_without_parts_has_none() -> None:
    """A number has no paths."""
    assert nearest_paths(3, "total") == []


def test_a_huge_state_is_looked_at_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many parts are compared; behind them none is offered."""
    monkeypatch.setattr(module, "_MOST_PATHS", 5)
    assert nearest_paths(pvector(range(100)), "[99]") != ["[99]"]
    assert "[4]" in nearest_paths(pvector(range(100)), "[4")
