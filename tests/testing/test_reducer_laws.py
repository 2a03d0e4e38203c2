"""Each law finds the reducer that breaks it, and no law finds anything in a correct one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
from pyrsistent import PVector, pvector

from refold import Action, Entities, EntityAdapter, Reducer, action, evolve
from refold.errors import BrokenLawError
from refold.testing.law_checker import LawChecker
from tests.testing.lawless_reducers import BREAKING, Box, Drop, Put, Weigh, make_box

if TYPE_CHECKING:
    from collections.abc import Sequence

RUN = (Put("b"), Put("b"), Weigh(2), Put("a"), Put("c"), Put("b"), Put(""))
"""Every reducer of the scene breaks its law somewhere in this run."""


def first_broken(reducer: Reducer[Box], run: Sequence[Action]) -> BrokenLawError:
    """Return what is found in a run."""
    with pytest.raises(BrokenLawError) as caught:
        LawChecker(reducer).check_run(fresh(run))
    return caught.value


def fresh(run: Sequence[Action]) -> list[Action]:
    """Return the run with objects of its own, but texts that are the same."""
    return [evolve(one) for one in run]


@pytest.mark.parametrize("what", BREAKING)
def test_each_broken_law_is_found(what: str) -> None:
    """A reducer that breaks one law is found out, with the law's name and the path."""
    law, path, make = BREAKING[what]
    broken = first_broken(make(), RUN)
    assert (broken.law, broken.path) == (law, path)
    assert broken.index == len(broken.actions) - 1
    assert list(broken.actions) == list(RUN[: len(broken.actions)]) or what == "changes the action"


def test_a_correct_reducer_keeps_all_laws() -> None:
    """Nothing is found where nothing is wrong."""
    LawChecker(make_box()).check_run([*RUN, Drop(), *RUN])


def test_the_laws_leave_reducer_and_actions_as_they_were() -> None:
    """A check changes neither the initial state nor the run, so that it can be made again."""
    reducer, run = make_box(), [*RUN]
    checker = LawChecker(reducer)
    checker.check_run(run)
    checker.check_run(run)
    assert reducer.initial == Box()
    assert run == [*RUN]


def test_a_mutating_reducer_is_found_by_each_check_of_its_run() -> None:
    """Each run begins with an initial state that no earlier run has touched."""
    _, _, make = BREAKING["changes the state"]
    checker = LawChecker(make())
    for _ in range(3):
        with pytest.raises(BrokenLawError) as caught:
            checker.check_run([Put("a")])
        assert (caught.value.expected, caught.value.found) == (0, 1)


def test_an_earlier_state_that_is_changed_later_is_found() -> None:
    """A state that the reducer remembers and changes two steps later was never safe to keep."""
    seen: list[Box] = []
    reducer = Reducer(Box())

    @reducer.on(Put)
    def _(state: Box, action: Put) -> Box:
        following = evolve(state, label=action.name)
        seen.append(state)
        for old in seen[:-1]:
            if old is not state and old.label == "victim" and action.name == "now":
                object.__setattr__(old, "weight", 7)
        return following

    run = [Put("victim"), Put("b"), Put("now")]
    broken = first_broken(reducer, run)
    assert broken.law == "input_untouched"
    assert (broken.path, broken.expected, broken.found) == ("Box.weight", 0, 7)


def test_a_handler_of_every_action_may_change_the_state() -> None:
    """`otherwise` is for actions of any class, so what it does with an unknown one is as meant."""
    reducer = make_box()
    reducer.otherwise(lambda state, _action: evolve(state, weight=state.weight + 1))
    LawChecker(reducer).check_run(RUN)


def test_a_mutable_initial_state_is_found_before_any_run() -> None:
    """The initial state is tested when the checker is made."""

    @attrs.frozen
    class Careless:
        names: tuple[str, ...]

    names: tuple[str, ...] = ["a"]  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # what is tested
    with pytest.raises(BrokenLawError) as caught:
        LawChecker(Reducer(Careless(names)))
    assert caught.value.law == "deeply_immutable"
    assert (caught.value.index, caught.value.actions) == (-1, ())


def test_a_state_of_a_mutable_class_is_found() -> None:
    """A record that takes assignments is mutable, even where no type says that it may stand."""

    @attrs.define
    class Loose:
        weight: int = 0

    loose: int = Loose()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # what is tested
    reducer = Reducer(Box())
    reducer.on(Put)(lambda state, _action: evolve(state, weight=loose))
    broken = first_broken(reducer, [Put("a")])
    assert (broken.law, broken.path) == ("deeply_immutable", "Box.weight")


@attrs.frozen
class Item:
    """One of many."""

    number: int
    score: float = float("nan")


@action("lawless/item_set")
class ItemSet(Action):
    """There is such an item."""

    number: int
    score: float


@pytest.mark.parametrize("map_kind", ["pyrsistent", "immutables"])
def test_entities_of_either_map_keep_the_laws(map_kind: str) -> None:
    """No law takes another library's map, a not-a-number or the order of a map for a difference."""
    adapter = EntityAdapter[int, Item](
        key=lambda item: item.number,
        sort=lambda item: -item.number,
        map_kind=map_kind,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # one of the two
    )

    @attrs.frozen
    class Held:
        items: Entities[int, Item]

    reducer = Reducer(Held(adapter.empty()))

    @reducer.on(ItemSet)
    def _(state: Held, action: ItemSet) -> Held:
        return Held(adapter.set_one(state.items, Item(action.number, action.score)))

    run = [ItemSet(number, float("nan")) for number in (3, 1, 2, 1, 9, 4)]
    LawChecker(reducer).check_run(run)


def test_a_bare_collection_is_a_state_like_any_other() -> None:
    """A state whose class does not tell its elements is tested without reading it from a log."""
    empty: PVector[str] = pvector()
    reducer = Reducer(empty)
    reducer.on(Put)(lambda state, action: state.append(action.name))
    LawChecker(reducer).check_run(RUN)
