"""Entities: what an index look-up costs beside a dict, and an insertion beside making ids anew.

Both contestants of the first row read the entity from the same persistent map.  In the second one
refold need not make the ids, because nobody reads them in between.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Final

import attrs
from pyrsistent import PMap, PVector, pmap, pvector

from contestant import LocalContestant
from refold.reducers.entity_adapter import EntityAdapter
from row import Entry, Row, at_least, at_most
from work import Outcome

__all__ = ["entity_rows"]

_ENTITIES: Final = 10_000
_OWNERS: Final = 500
_INSERTIONS: Final = 100


@attrs.frozen
class _Item:
    id: str
    text: str
    owner: str


_ITEMS: Final = tuple(
    _Item(f"id {n}", f"{n * 7919 % _ENTITIES:05d}", f"owner {n % _OWNERS}")
    for n in range(_ENTITIES)
)
_NEW: Final = tuple(_Item(f"new {n}", f"{n * 97:05d} new", "somebody") for n in range(_INSERTIONS))

_ADAPTER: Final = EntityAdapter[str, _Item](
    key=lambda item: item.id,
    sort=lambda item: item.text,
    indexes={"by_owner": lambda item: item.owner},
)
_SORTED: Final = EntityAdapter[str, _Item](key=lambda item: item.id, sort=lambda item: item.text)


def entity_rows() -> tuple[Row, Row]:
    """Return the rows: a look-up by an index, an insertion into sorted entities."""
    found: Outcome = [[_OWNERS]]
    grown: Outcome = [[_ENTITIES + _INSERTIONS]]
    look_up = Row(
        "18",
        "10,000 entities, one found by an index",
        (
            Entry("refold", _look_up_by_index, found),
            Entry("dict and the same map", _look_up_by_dict, found),
        ),
        (at_most(3.0, "dict and the same map"),),
    )
    insert = Row(
        "18",
        "10,000 sorted entities, one inserted",
        (
            Entry("refold", _insert_by_adapter, grown),
            Entry("bisect and a new pvector", _insert_by_bisect, grown),
        ),
        (at_least(5, "bisect and a new pvector"),),
    )
    return look_up, insert


def _look_up_by_index() -> LocalContestant:
    state = _ADAPTER.of(_ITEMS)
    by_id, find_ids = state.by_id, _ADAPTER.find_ids
    return _look_up(lambda owner: by_id[find_ids(state, "by_owner", owner)[0]])


def _look_up_by_dict() -> LocalContestant:
    state = _ADAPTER.of(_ITEMS)
    by_id = state.by_id
    ids_of: dict[str, PVector[str]] = {}
    for item in state.all:
        ids_of[item.owner] = ids_of.get(item.owner, pvector()).append(item.id)
    return _look_up(lambda owner: by_id[ids_of[owner][0]])


def _look_up(find: Callable[[str], _Item]) -> LocalContestant:
    """Return a contestant that finds an entity of each owner."""
    owners = [f"owner {n}" for n in range(_OWNERS)]

    def run_pass() -> None:
        for owner in owners:
            find(owner)

    def outcome() -> Outcome:
        return [[sum(find(owner).owner == owner for owner in owners)]]

    return LocalContestant(run_pass, _OWNERS, outcome)


def _insert_by_adapter() -> LocalContestant:
    start = last = _SORTED.of(_ITEMS)

    def run_pass() -> None:
        nonlocal last
        last = start
        for item in _NEW:
            last = _SORTED.add_one(last, item)

    return LocalContestant(run_pass, _INSERTIONS, lambda: [[len(last.ids)]])


def _insert_by_bisect() -> LocalContestant:
    """Return a contestant that does by hand what a careful person would."""
    ordered = sorted(_ITEMS, key=lambda item: item.text)
    start: tuple[PVector[str], PMap[str, _Item]] = (
        pvector(item.id for item in ordered),
        pmap({item.id: item for item in ordered}),
    )
    last = start

    def insert(ids: PVector[str], by_id: PMap[str, _Item], item: _Item) -> PVector[str]:
        keys = ids.tolist()
        bisect.insort(keys, item.id, key=lambda key: by_id[key].text)
        return pvector(keys)

    def run_pass() -> None:
        nonlocal last
        last = start
        for item in _NEW:
            by_id = last[1].set(item.id, item)
            last = insert(last[0], by_id, item), by_id

    return LocalContestant(run_pass, _INSERTIONS, lambda: [[len(last[0])]])
