"""`state_checks` over states of any shape: each mutation is found at its path, and nothing else is.

What belongs here: properties, and the parts that only large states use.  What does not: what is
reported when, which the behaviours 194 to 196 say (`tests/behaviours/test_check_behaviours.py`).
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrsistent import PDeque, PMap, PVector, pdeque, pmap, pvector

from refold.actions.action import Action, action
from refold.errors import StateMutatedError
from refold.middleware.state_checks import state_checks
from refold.reducers.reducer import Reducer
from refold.store.store import Store
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.observatory_strategies import actions

if TYPE_CHECKING:
    from tests.strategies.observatory_states import Observatory


class Pair(NamedTuple):
    """Two nodes, or what stands for them."""

    left: Node | None
    right: Node | None


@attrs.frozen(eq=False)
class Node:
    """A record that holds others in every way that a state may."""

    name: str
    row: PVector[Node]
    by_key: PMap[str, Node]
    queue: PDeque[Node]
    several: tuple[Node, ...]
    pair: Pair
    number: int = 0


@action("state_checks/mutated")
class Mutated(Action):
    """The reducer changes something in place."""


@action("state_checks/replaced")
class Replaced(Action):
    """The reducer puts another node in."""


@action("state_checks/waited")
class Waited(Action):
    """Nobody handles it."""


def nodes_over(children: st.SearchStrategy[Node | None]) -> st.SearchStrategy[Node]:
    """Return nodes that hold these."""
    present = children.filter(lambda child: child is not None)
    few = st.lists(present, max_size=2)
    return st.builds(
        Node,
        st.text(max_size=2),
        few.map(pvector),
        st.dictionaries(st.text(max_size=2), present, max_size=2).map(pmap),
        few.map(pdeque),
        few.map(tuple),
        st.builds(Pair, children, children),
    )


def leaf(name: str = "") -> Node:
    """Return a node that holds no others."""
    return Node(name, pvector(), pmap(), pdeque(), (), Pair(None, None))


leaves = st.builds(leaf, st.text(max_size=2))
nodes: st.SearchStrategy[Node] = st.recursive(leaves, nodes_over, max_leaves=12)
"""Trees in which no node stands twice."""


def walk(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    """Yield each node with its path, as a reader would spell it."""
    yield node, path
    for name in ("row", "queue", "several"):
        for index, child in enumerate(getattr(node, name)):
            yield from walk(child, f"{path}.{name}[{index}]")
    for key, child in node.by_key.items():
        yield from walk(child, f"{path}.by_key[{key!r}]")
    for side in ("left", "right"):
        child = getattr(node.pair, side)
        if child is not None:
            yield from walk(child, f"{path}.pair.{side}")


def write(record: object, name: str, value: object) -> None:
    """Write to a frozen record, as no program should."""
    object.__setattr__(record, name, value)


def make_store(
    start: Node,
    on_mutated: Callable[[Node], Node] = lambda node: node,
    on_replaced: Callable[[Node], Node] = lambda node: node,
    **choices: Any,
) -> Store[Node]:
    """Return a checked store of a tree, whose checks may take their time."""
    tree = Reducer(start)
    tree.on(Mutated)(lambda node, _action: on_mutated(node))
    tree.on(Replaced)(lambda node, _action: on_replaced(node))
    return Store(tree, middleware=[state_checks(slow_seconds=3600, **choices)])


def wait(store: Store[Node], times: int) -> None:
    """Dispatch so many actions that change nothing."""
    for _ in range(times):
        store.dispatch(Waited())


@given(nodes, st.data())
def test_a_mutation_by_a_reducer_is_found_at_exactly_its_path(start: Node, data: Any) -> None:
    """Whatever the tree's shape and the node: the error names the reducer and the node's field."""
    node, path = data.draw(st.sampled_from(list(walk(start, "Node"))))
    field, value = data.draw(
        st.sampled_from([("name", "by hand"), ("number", 1), ("several", (node,))])
    )

    def mutate(state: Node) -> Node:
        write(node, field, value)
        return state

    store = make_store(start, mutate)
    store.dispatch(Waited())
    with pytest.raises(StateMutatedError, match=r"^the reducer for state_checks/mutated") as caught:
        store.dispatch(Mutated())
    assert caught.value.path == f"{path}.{field}"
    store.dispatch(Waited())


@given(nodes, nodes, st.data())
def test_a_mutation_of_a_part_that_came_later_is_found_too(
    start: Node, other: Node, data: Any
) -> None:
    """After the state was changed rightly, its old and new parts are watched alike."""
    place, _ = data.draw(st.sampled_from(list(walk(start, "Node"))))
    replaced = attrs.evolve(start, several=(other, place))
    store = make_store(start, on_replaced=lambda _: replaced)
    store.dispatch(Replaced())
    node, path = data.draw(st.sampled_from(list(walk(store.state, "Node"))))
    paths = {path for each, path in walk(store.state, "Node") if each is node}
    write(node, "name", "by hand")
    with pytest.raises(StateMutatedError, match="outside of a reducer") as caught:
        store.dispatch(Waited())
    assert caught.value.path.removesuffix(".name") in paths
    assert path in paths


@given(st.lists(actions, max_size=40))
def test_a_correct_run_raises_no_alarm(run: list[Action]) -> None:
    """An application with fields of every kind runs as it would unchecked, without a word."""
    checked: Store[Observatory] = Store(
        make_observatory(), middleware=[state_checks(slow_seconds=3600)]
    )
    unchecked: Store[Observatory] = Store(make_observatory())
    for each in run:
        checked.dispatch(each)
        unchecked.dispatch(each)
    assert repr(checked.state) == repr(unchecked.state)


@given(nodes, st.integers(1, 4), st.data())
@settings(max_examples=30)
def test_of_a_large_state_all_parts_get_their_turn(
    start: Node, parts_per_look: int, data: Any
) -> None:
    """However few parts one look compares, a mutation is found before all have had two turns."""
    everything = list(walk(start, "Node"))
    node, path = data.draw(st.sampled_from(everything))
    store = make_store(start, parts_per_look=parts_per_look)
    wait(store, times=data.draw(st.integers(0, 9)))
    write(node, "name", "by hand")
    with pytest.raises(StateMutatedError) as caught:
        wait(store, times=2 * len(everything) + 2)
    assert caught.value.path == f"{path}.name"


def test_of_a_large_state_the_error_says_that_it_may_be_late() -> None:
    """Where one look does not compare everything, an earlier action may have done it."""
    start = attrs.evolve(leaf(), row=pvector([leaf(), leaf()]))
    store = make_store(start, parts_per_look=1)
    write(start.row[1], "number", 1)
    with pytest.raises(StateMutatedError, match="or by an earlier action"):
        wait(store, times=3)


class Foreign:
    """Something that weak references can follow."""


def test_what_the_state_has_left_is_let_go() -> None:
    """The checks hold no more than about twice the state, however long the program runs."""
    empty = leaf()
    alive: weakref.WeakSet[Foreign] = weakref.WeakSet()

    def replace(state: Node) -> Node:
        foreign: Any = Foreign()
        alive.add(foreign)
        return attrs.evolve(state, row=pvector([attrs.evolve(empty, number=foreign)]))

    store = make_store(empty, on_replaced=replace, ignored_types=[Foreign])
    for _ in range(1000):
        store.dispatch(Replaced())
    gc.collect()
    assert len(alive) < 400


def test_what_the_state_has_kept_is_still_watched() -> None:
    """However much has come and gone, a part from the beginning is found at its path."""
    deep = leaf()
    start = attrs.evolve(leaf(), several=(attrs.evolve(leaf(), pair=Pair(deep, None)),))
    store = make_store(start, on_replaced=lambda node: attrs.evolve(node, row=pvector([leaf()])))
    for _ in range(1000):
        store.dispatch(Replaced())
    write(deep, "number", 1)
    with pytest.raises(StateMutatedError) as caught:
        store.dispatch(Waited())
    assert caught.value.path == "Node.several[0].pair.left.number"


def test_ignored_types_are_not_gone_into() -> None:
    """A part behind a value of an ignored type is neither watched nor reported."""
    empty = leaf()
    hidden: Any = [empty]
    holder = attrs.evolve(empty, several=hidden)
    store = make_store(holder, ignored_types=[list])
    write(empty, "name", "by hand")
    store.dispatch(Waited())


def test_a_key_that_is_no_single_value_is_looked_into() -> None:
    """A record that is the key of a map is watched like any other."""
    key = leaf("key")
    by_key: Any = pmap({key: "value"})
    start = attrs.evolve(key, by_key=by_key)
    store = make_store(start)
    write(key, "number", 5)
    with pytest.raises(StateMutatedError) as caught:
        store.dispatch(Waited())
    assert caught.value.path.startswith("Node.by_key[key ")
    assert caught.value.path.endswith("].number")
