"""`@message`: what it makes of a class, and which declarations it refuses."""

from __future__ import annotations

import string
from typing import Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actions.message import (
    DEFAULT_MESSAGES,
    MessageRegistry,
    is_declared_message_class,
    message,
    wire_type_of,
)
from refold.errors import ActionDeclarationError, RefoldError, WireNameTakenError


@message("declared.price_changed")
class PriceChanged:
    """A price."""

    symbol: str
    price: float = 0.0


@message("declared.by_attrs")
@attrs.frozen
class DeclaredByAttrs:
    """A class that attrs made before."""

    name: str
    size: int = 3


def declare_again(registry: MessageRegistry) -> type:
    """Declare a class of one qualified name, each time anew, as a reload does."""

    @message("declared.again", registry=registry)
    class DeclaredAgain:
        """Declared more than once."""

    return DeclaredAgain


def test_a_declared_class_is_frozen_slotted_and_found() -> None:
    """A message class takes its fields in order, refuses changes, and is found by its wire type."""
    price = PriceChanged("ABC", price=2.5)
    assert (price.symbol, price.price) == ("ABC", 2.5)
    assert price == PriceChanged("ABC", 2.5)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        price.price = 3.0  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]  # what is refused
    assert not hasattr(price, "__dict__")
    assert DEFAULT_MESSAGES.find("declared.price_changed") is PriceChanged
    assert wire_type_of(PriceChanged) == "declared.price_changed"


def test_a_class_of_attrs_stays_as_it_is() -> None:
    """A class that attrs made already keeps its fields and their defaults."""
    assert DeclaredByAttrs("a") == DeclaredByAttrs("a", 3)
    assert DEFAULT_MESSAGES.find("declared.by_attrs") is DeclaredByAttrs


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_a_wire_type_is_any_printable_text_without_outer_space(wire_type: str) -> None:
    """What a peer may call a type is taken as it is, and everything else is refused by its name."""
    registry = MessageRegistry()
    declare: type[object] = type("Declared", (), {})
    if all(c.isprintable() for c in wire_type) and wire_type == wire_type.strip():
        made = message(wire_type, registry=registry)(declare)
        assert registry.find(wire_type) is made
        assert wire_type_of(made) == wire_type
    else:
        with pytest.raises(ActionDeclarationError):
            message(wire_type, registry=registry)


@pytest.mark.parametrize(
    "wire_type", ["", " ", " a", "a ", "a\n", "a\x00", "\ud800", "x" * 201, None, 1, b"a"], ids=repr
)
def test_an_ill_formed_wire_type_is_refused(wire_type: object) -> None:
    """A wire type that is no such text raises a TypeError that says what to write."""
    with pytest.raises(ActionDeclarationError, match="@message") as raised:
        message(cast("Any", wire_type))
    assert isinstance(raised.value, TypeError)
    assert len(str(raised.value)) < 600


def test_the_decorator_without_a_wire_type_is_refused() -> None:
    """`@message` without parentheses raises at once."""
    with pytest.raises(ActionDeclarationError, match="got <class"):
        cast("Any", message)(type("Forgotten", (), {}))


def test_only_a_class_can_be_declared() -> None:
    """`@message("a")` above a function raises, and claims nothing."""
    registry = MessageRegistry()
    with pytest.raises(ActionDeclarationError, match="which is no class"):
        cast("Any", message("a", registry=registry))(len)
    assert registry.find("a") is None


def test_a_wire_type_of_another_class_is_taken() -> None:
    """A second class cannot claim a wire type; both are named, the first keeps it."""
    with pytest.raises(WireNameTakenError, match=r"declared\.price_changed") as raised:

        @message("declared.price_changed")
        class Other:  # pyright: ignore[reportUnusedClass]  # declaring it is the test
            """Comes too late."""

    assert "PriceChanged" in str(raised.value)
    assert "Other" in str(raised.value)
    assert "registry" in str(raised.value)
    assert isinstance(raised.value, RefoldError)
    assert DEFAULT_MESSAGES.find("declared.price_changed") is PriceChanged


def test_a_reloaded_class_replaces_the_one_before() -> None:
    """The same class declared again takes the wire type over."""
    registry = MessageRegistry()
    first, second = declare_again(registry), declare_again(registry)
    assert first is not second
    assert registry.find("declared.again") is second


def test_two_registries_have_nothing_in_common() -> None:
    """One wire type may name a class in each registry."""
    other = MessageRegistry()

    @message("declared.price_changed", registry=other)
    class OtherPrice:
        """Of another peer."""

    assert other.find("declared.price_changed") is OtherPrice
    assert DEFAULT_MESSAGES.find("declared.price_changed") is PriceChanged


def test_a_class_has_one_wire_type() -> None:
    """A class that is declared already cannot be declared as another type, and keeps its own."""
    with pytest.raises(WireNameTakenError, match="already"):
        message("declared.second_name")(PriceChanged)
    assert DEFAULT_MESSAGES.find("declared.second_name") is None
    assert wire_type_of(PriceChanged) == "declared.price_changed"


def test_a_subclass_is_not_declared() -> None:
    """A subclass of a message class has no wire type until it gets its own."""

    class Undeclared(PriceChanged):
        """No message."""

    assert is_declared_message_class(PriceChanged)
    assert not is_declared_message_class(Undeclared)
    assert not is_declared_message_class(PriceChanged("a"))
    with pytest.raises(TypeError, match=r"Undeclared.*@message"):
        wire_type_of(Undeclared)

    @message("declared.extended_price")
    class Extended(PriceChanged):
        """A message of its own."""

        venue: str = ""

    assert wire_type_of(Extended) == "declared.extended_price"
    assert Extended("a", 1.0, "b").venue == "b"


def test_an_unknown_type_is_not_found() -> None:
    """A name that nobody declared gives None, whatever it looks like: nothing is imported."""
    for name in ("os.system", string.printable, ""):
        assert DEFAULT_MESSAGES.find(name) is None
