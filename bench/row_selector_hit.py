"""Row 13: what a selector costs when its answer is known already.

One selector of three inputs.  Either it is asked about the identical state again, or about two
states in turn that differ in a slice it does not look at.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import attrs

from contestant import Contestant, LocalContestant
from contestant_node import NodeContestant
from contestant_python_redux import PythonRedux
from node_packages import NodePackages
from refold.selectors.selector import selector
from row import Entry, Row, at_least, at_most, only_told
from shared_states import SliceState
from work import Outcome

__all__ = ["selector_rows"]

_CALLS: Final = 1000
_EXPECTED: Final[Outcome] = [[6]]


@attrs.frozen(eq=False)
class _Root:
    """Compared and hashed by identity, so that ``lru_cache`` is not measured by a slow hash."""

    s0: SliceState
    s1: SliceState
    s2: SliceState
    s3: SliceState


def selector_rows(find_node: Callable[[], NodePackages]) -> tuple[Row, Row]:
    """Return the rows.

    Args:
        find_node: gives node or raises ContestantMissingError.
    """
    first = _Root(SliceState(1), SliceState(2), SliceState(3), SliceState(0))
    second = attrs.evolve(first, s3=SliceState(1))
    lru = Entry("lru_cache hit", lambda: _ask_in_turn(_cached(), first, first), _EXPECTED)
    same = Row(
        "13",
        "selector hit, same state",
        (
            Entry("refold", lambda: _ask_in_turn(_selector(), first, first), _EXPECTED),
            lru,
            Entry("python-redux view", _make_view, _EXPECTED),
            Entry("reselect", lambda: _make_reselect(find_node(), changes=False), _EXPECTED),
        ),
        (at_most(1.2, "lru_cache hit"), at_least(100, "python-redux view"), only_told("reselect")),
    )
    changed = Row(
        "13",
        "selector hit, 3 inputs, another slice changed",
        (
            Entry("refold", lambda: _ask_in_turn(_selector(), first, second), _EXPECTED),
            lru,
            Entry("reselect", lambda: _make_reselect(find_node(), changes=True), _EXPECTED),
        ),
        (at_most(4.5, "lru_cache hit"), only_told("reselect")),
    )
    return same, changed


def _select_first(root: _Root) -> SliceState:
    return root.s0


def _select_second(root: _Root) -> SliceState:
    return root.s1


def _select_third(root: _Root) -> SliceState:
    return root.s2


def _selector() -> Callable[[_Root], int]:
    def total(first: SliceState, second: SliceState, third: SliceState) -> int:
        return first.count + second.count + third.count

    return selector(_select_first, _select_second, _select_third)(total)


def _cached() -> Callable[[_Root], int]:
    @functools.lru_cache(maxsize=128)
    def total(root: _Root) -> int:
        return root.s0.count + root.s1.count + root.s2.count

    return total


def _ask_in_turn(select: Callable[[_Root], int], first: _Root, second: _Root) -> LocalContestant:
    """Return a contestant that asks ten times a turn, so that the loop costs nothing."""

    def run_pass() -> None:
        for _ in range(_CALLS // 10):
            select(first)
            select(second)
            select(first)
            select(second)
            select(first)
            select(second)
            select(first)
            select(second)
            select(first)
            select(second)

    return LocalContestant(run_pass, _CALLS, lambda: [[select(first)]])


def _make_view() -> Contestant:
    """Return python-redux's ``view`` of the same three slices, in a store at rest."""
    library = PythonRedux()

    def reduce(state: Any, _action: Any) -> Any:  # a library without types
        return state or _Root(SliceState(1), SliceState(2), SliceState(3), SliceState(0))

    options = library.module.StoreOptions(auto_init=True, side_effect_threads=0)
    store = library.module.Store(reduce, options)

    def select_slices(root: _Root) -> tuple[SliceState, SliceState, SliceState]:
        return root.s0, root.s1, root.s2

    def add_up(slices: tuple[SliceState, SliceState, SliceState]) -> int:
        return sum(cell.count for cell in slices)

    total: Callable[[], int] = store.view(select_slices)(add_up)

    def run_pass() -> None:
        for _ in range(_CALLS // 10):
            total()
            total()
            total()
            total()
            total()
            total()
            total()
            total()
            total()
            total()

    return LocalContestant(run_pass, _CALLS, lambda: [[total()]])


def _make_reselect(packages: NodePackages, *, changes: bool) -> Contestant:
    prepare = {"library": "reselect", "other_slice_changes": changes}
    return NodeContestant(packages, _CALLS, prepare)
