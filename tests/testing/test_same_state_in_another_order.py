"""An equal state, walked through in an order that was chosen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

import attrs
from hypothesis import given
from pyrsistent import PMap, pmap, pset

from refold import Entities, EntityAdapter
from refold.testing.same_state_in_another_order import same_state_in_another_order
from tests.strategies.observatory_states import Instrument, Observatory, Position
from tests.strategies.observatory_strategies import states
from tests.strategies.sameness import exactly_same


@given(state=states)
def test_the_state_is_the_same_but_for_the_order(state: Observatory) -> None:
    """Nothing but the order of maps and sets tells it from the original, which stays as it was."""
    for descending in (False, True):
        made = same_state_in_another_order(state, descending=descending)
        assert exactly_same(as_plain(made), as_plain(state))
        assert made.totals.phases == state.totals.phases
        assert hash(made.totals.days) == hash(state.totals.days)


@given(state=states)
def test_the_two_orders_are_each_others_reverse(state: Observatory) -> None:
    """Whatever is walked through in one order is walked through backwards in the other."""
    up = same_state_in_another_order(state.fleet.instruments)
    down = same_state_in_another_order(state.fleet.instruments, descending=True)
    assert list(up) == list(reversed(list(down)))
    days = state.totals.days
    days_up = list(same_state_in_another_order(days))
    assert days_up == list(reversed(list(same_state_in_another_order(days, descending=True))))


def as_plain(value: Any) -> Any:
    """Return a value with frozensets of the plain class, as an oracle compares classes."""
    parts: Any = value  # its type is not narrowed
    if isinstance(value, frozenset):
        return frozenset(list(parts))
    if attrs.has(parts.__class__):
        names = [field.name for field in attrs.fields(parts.__class__)]
        return attrs.evolve(parts, **{name: as_plain(getattr(parts, name)) for name in names})
    if isinstance(value, Mapping):
        return pmap({key: as_plain(part) for key, part in parts.items()})
    return parts


def test_frozensets_iterate_in_the_order_too() -> None:
    """A frozenset gives its elements in the chosen order to everybody who walks through it."""
    names = frozenset(map(str, range(20)))
    up = same_state_in_another_order(names)
    down = same_state_in_another_order(names, descending=True)
    assert up == down == names
    assert list(up) == list(down)[::-1]
    assert ",".join(up) == ",".join(list(down)[::-1])
    assert isinstance(up | {"x"}, AbstractSet)


def test_a_map_stays_one_whatever_its_keys_are() -> None:
    """A pmap gives its keys as attributes: none of them makes a dict of it."""
    names = pmap({"__setitem__": 1, "": 2, "a": 3})
    made = same_state_in_another_order(names)
    assert isinstance(made, PMap)
    assert made == names


def test_what_has_no_order_stays_the_identical_object() -> None:
    """A part without two elements in a map or set is not built again."""
    instrument = Instrument(UUID(int=0))
    assert same_state_in_another_order(instrument) is instrument
    single = pset(["one"])
    assert same_state_in_another_order(single) is single
    assert same_state_in_another_order((1, single)) == (1, single)


def test_entities_keep_the_order_of_their_ids() -> None:
    """The ids are part of the state; an adapter goes on with entities that were built again."""
    adapter = EntityAdapter[str, Position](key=lambda one: str(one.x), indexes={"y": lambda p: p.y})
    many: Entities[str, Position] = adapter.set_all(
        adapter.empty(), [Position(float(x), float(x % 2)) for x in (3, 1, 2)]
    )
    up = same_state_in_another_order(many)
    down = same_state_in_another_order(many, descending=True)
    assert up == down == many
    assert list(up.ids) == list(many.ids)
    assert list(up.by_id) == list(down.by_id)[::-1]
    assert adapter.remove_one(up, "1.0") == adapter.remove_one(many, "1.0")


def test_the_order_is_the_same_in_every_process() -> None:
    """PYTHONHASHSEED does not matter."""
    program = (
        "from pyrsistent import pset\n"
        "from refold.testing.same_state_in_another_order import same_state_in_another_order\n"
        "names = pset('abcdefgh')\n"
        "print(''.join(same_state_in_another_order(names)),"
        " ''.join(same_state_in_another_order(frozenset(names))))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
