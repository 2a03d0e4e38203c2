"""`evolve` by examples: what a copy shares with its original, and what it never does.

What belongs here: single facts about copies.  What does not: the comparison with `attrs.evolve`
over all kinds of classes.
"""

from __future__ import annotations

from typing import Any, Self, cast

import attrs
import pytest

from refold.reducers.evolve import evolve


@attrs.frozen
class Plain:
    """A slotted record without anything special."""

    left: object = None
    right: object = None


@attrs.frozen(cache_hash=True)
class HashRemembered:
    """A record that remembers its hash."""

    left: object
    right: object = 0


@attrs.frozen
class HookedBefore:
    """A record that runs something before its fields are set."""

    left: object
    right: object = 0

    def __attrs_pre_init__(self) -> None:
        _constructed.append("before")


_constructed: list[str] = []


@attrs.frozen
class Base:
    """A record that others extend."""

    left: object


@attrs.frozen
class Derived(Base):
    """A record with the fields of another and one of its own."""

    right: object = 0


@attrs.frozen
class DerivedWithHook(Plain):
    """A record that adds a hook to a plain one."""

    def __attrs_post_init__(self) -> None:
        if self.left == "refused":
            message = "left is refused"
            raise ArithmeticError(message)


def test_evolve_leaves_the_original_as_it_was() -> None:
    """The record that is copied keeps all its values."""
    record = Plain((1,), (2,))
    changed = evolve(record, left=9)
    assert changed == Plain(9, (2,))
    assert record == Plain((1,), (2,))
    assert changed.right is record.right


def test_evolve_gives_a_record_that_is_frozen_and_equal_to_a_constructed_one() -> None:
    """A copy cannot be told from a record that was made by the constructor."""
    changed = evolve(Plain(1, 2), left=3)
    assert type(changed) is Plain
    assert changed == Plain(3, 2)
    assert hash(changed) == hash(Plain(3, 2))
    assert repr(changed) == repr(Plain(3, 2))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast("Any", changed).left = 5


def test_evolve_does_not_keep_a_remembered_hash() -> None:
    """A record that remembers its hash gets a new one for its copy."""
    record = HashRemembered(1, 2)
    assert hash(record) == hash(HashRemembered(1, 2))
    changed = evolve(record, left=3)
    assert hash(changed) == hash(HashRemembered(3, 2))


def test_evolve_runs_hooks_and_validators_once() -> None:
    """A copy of a record with hooks is made through its constructor, once."""
    record = HookedBefore(1, 2)
    _constructed.clear()
    evolve(record, left=3)
    assert _constructed == ["before"]


def test_evolve_of_the_base_class_does_not_decide_for_the_derived_one() -> None:
    """A class is copied by its own rules, whichever of its relatives was copied before."""
    assert evolve(Plain(1), left="refused") == Plain("refused")
    with pytest.raises(ArithmeticError, match="left is refused"):
        evolve(DerivedWithHook(1), left="refused")
    assert evolve(Base(1), left=2) == Base(2)
    assert evolve(Derived(1, 5), left=2) == Derived(2, 5)


def test_evolve_refuses_an_unknown_name_and_names_it() -> None:
    """A name that is no parameter of the constructor raises `TypeError`, naming it."""
    with pytest.raises(TypeError, match="colour"):
        evolve(Plain(1), colour=2)


@pytest.mark.parametrize("no_record", [5, "text", None, object(), {"left": 1}, Plain], ids=repr)
def test_evolve_refuses_what_is_no_attrs_record(no_record: object) -> None:
    """Something that is no attrs record raises what `attrs.evolve` raises for it."""
    with pytest.raises(attrs.exceptions.NotAnAttrsClassError):
        attrs.evolve(cast("Any", no_record))
    with pytest.raises(attrs.exceptions.NotAnAttrsClassError):
        evolve(no_record)


def test_a_class_that_makes_its_own_objects_is_asked_to() -> None:
    """A class with a ``__new__`` of its own is copied through it."""
    made: list[str] = []

    @attrs.frozen
    class Counted:
        left: int = 1
        right: int = 2

        def __new__(cls, *_arguments: object, **_named: object) -> Self:
            """Note that an object is made."""
            made.append(cls.__name__)
            return object.__new__(cls)

    changed = evolve(Counted(), left=9)
    assert (changed, made) == (Counted(9, 2), ["Counted"] * 3)
