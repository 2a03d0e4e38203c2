"""Payloads made from a locked schema: exactly such as a log may have."""

from __future__ import annotations

import json
from typing import Any, Generic, NamedTuple, TypeVar

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyrsistent import PVector, pvector

from refold.actions.action import Action, action
from refold.reducers.reducer import Reducer
from refold.replay.action_codec import decode_value, encode_state
from refold.replay.schema import Schema, schema_of
from refold.replay.schema_file import keep_history, read_schema, write_schema
from refold.testing.payloads_of_schema import first_unreadable, payloads_of
from tests.replay.aging_application import FIRST, SECOND, load_application
from tests.strategies.typed_values import Tree, value_strategies

T = TypeVar("T")


@action("payloads/nothing_happened")
class NothingHappened(Action):
    """A schema has an action at least."""


@attrs.frozen
class Leaf:
    """Where a tree ends."""

    label: str = ""


@attrs.frozen
class Node:
    """A type that must hold itself or a leaf."""

    left: Leaf | Node
    right: Leaf | Node


class Span(NamedTuple):
    """A record that is written as a list."""

    first: int
    last: int | None


@attrs.frozen
class Wrapped(Generic[T]):
    """A record of a type that is said where it is used."""

    content: T


NO_TREE = Tree()


@attrs.frozen
class Forest:
    """A state of all these."""

    node: Node = Node(Leaf(), Leaf())
    tree: Tree = NO_TREE
    spans: PVector[Span] = pvector()  # noqa: RUF009  # immutable
    wrapped: Wrapped[int] = Wrapped(0)
    wrapped_text: Wrapped[str] = Wrapped("")


def locked_schema_of(state: Any) -> Schema:
    """Return the schema of a reducer of this state, as it comes out of a file."""
    reducer = Reducer(state)
    reducer.on(NothingHappened)(lambda state, _: state)
    return read_schema(write_schema(schema_of(reducer)))


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(form=value_strategies, data=st.data())
def test_every_payload_of_a_field_of_any_type_is_read(form: Any, data: st.DataObject) -> None:
    """Of every type that a field may have, what is made from the locked form is decoded."""
    tp: Any = form[0]
    cls = attrs.make_class("Holder", {"field": attrs.field(type=tp)}, frozen=True)
    cls.__annotations__ = {"field": tp}
    schema = locked_schema_of(cls(data.draw(form[1])))
    payload = data.draw(payloads_of(schema, "Holder"))
    decode_value(json.loads(json.dumps(payload)), cls, "the payload")


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)
def test_types_that_hold_themselves_end(data: st.DataObject) -> None:
    """Trees, generic records and NamedTuples are made, and read."""
    schema = locked_schema_of(Forest())
    assert set(schema.classes) >= {"Forest", "Leaf", "Node", "Span", "Tree", "Wrapped[int]"}
    state = decode_value(data.draw(payloads_of(schema, "Forest")), Forest, "the state")
    assert decode_value(encode_state(state), Forest, "again") is not None


def test_an_unknown_version_is_refused() -> None:
    """Payloads of a version that was never locked cannot be made."""
    with pytest.raises(KeyError):
        payloads_of(locked_schema_of(Leaf()), "Leaf", 2)
    with pytest.raises(KeyError):
        payloads_of(locked_schema_of(Leaf()), "Nobody")


def test_the_smallest_unreadable_payload_is_found_again() -> None:
    """The same seed gives the same payload, made as small as it can be; without one, None."""

    def read(payload: int) -> None:
        if payload > 7:
            raise ValueError(payload)

    found = [first_unreadable(st.integers(), read, count=100, seed_number=3) for _ in range(2)]
    assert [one and one[0] for one in found] == [8, 8]
    assert first_unreadable(st.just(1), read, count=10, seed_number=3) is None


def test_a_strategy_that_fails_is_no_unreadable_payload() -> None:
    """An error in making payloads is raised as it is."""

    def fail(_: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        first_unreadable(st.integers().map(fail), print, count=5, seed_number=0)


@given(data=st.data())
def test_records_say_the_version_they_are_of(data: st.DataObject) -> None:
    """A record of version 2 has its version in it, beside those of version 1 that were locked."""
    first = schema_of(load_application(FIRST).root)
    application = load_application(SECOND)
    locked = keep_history(schema_of(application.root), first)
    payload = data.draw(payloads_of(locked, "Shop"))
    assert {line.get("$version", 1) for line in payload["lines"]} <= {1, 2}
    state: Any = decode_value(payload, application.Shop, "the state")
    assert len(state.lines) == len(payload["lines"])
    assert "$version" in data.draw(payloads_of(locked, "Line"))
    assert "$version" not in data.draw(payloads_of(locked, "Line", 1))
