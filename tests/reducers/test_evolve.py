"""`evolve` gives what `attrs.evolve` gives, for every kind of attrs class.

What belongs here: values, errors and identity of `evolve`, always against `attrs.evolve`.  What
does not: its speed, which is a row of the bench.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.reducers.evolve import evolve

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@attrs.frozen
class Plain:
    """A slotted record without anything special."""

    left: object = None
    right: object = None


@attrs.frozen(slots=False)
class WithDictionary:
    """A record that keeps its fields in a dictionary."""

    left: object
    right: object = 0


@attrs.define
class Mutable:
    """A record whose fields can be set."""

    left: object
    right: object = 0


@attrs.frozen
class Private:
    """A record with private fields, whose arguments lose the underscore."""

    _left: object
    _right: object = 0


@attrs.frozen
class Renamed:
    """A record with an argument of another name than its field."""

    left: object = attrs.field(alias="port")
    right: object = attrs.field(default=0, alias="starboard")


@attrs.frozen
class KeywordOnly:
    """A record whose fields are given by name."""

    left: object = attrs.field(kw_only=True)
    right: object = attrs.field(kw_only=True, default=0)


def not_negative(_record: object, _attribute: object, value: int) -> None:
    """Refuse negative numbers by an error that attrs does not know."""
    if value < 0:
        message = "right is negative"
        raise ArithmeticError(message)


@attrs.frozen
class Validated:
    """A record that refuses some values."""

    left: int = attrs.field(validator=attrs.validators.instance_of(int))
    right: int = attrs.field(default=0, validator=not_negative)


def wrap(value: object) -> tuple[object]:
    """Put a value into a tuple, and again each time."""
    return (value,)


def next_number(value: Any) -> int:
    """Return the next whole number, and again each time."""
    return int(value) + 1


@attrs.frozen
class Converted:
    """A record whose converters change a value again each time they see it."""

    left: object = attrs.field(converter=wrap)
    right: int = attrs.field(default=0, converter=next_number)


@attrs.frozen
class NotGiven:
    """A record with a field that the constructor does not take."""

    left: object
    right: object = 0
    made: object = attrs.field(init=False, default="made")
    computed: object = attrs.field(
        init=False, default=attrs.Factory(lambda self: (self.left, self.right), takes_self=True)
    )


@attrs.frozen
class MadeByFactory:
    """A record whose defaults are made by functions."""

    left: tuple[object, ...] = attrs.field(factory=tuple)
    right: object = attrs.field(default=attrs.Factory(lambda self: len(self.left), takes_self=True))


@attrs.frozen
class Hooked:
    """A record that sets one of its fields after all others."""

    left: object
    right: object = 0
    summary: str = attrs.field(init=False, default="")

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "summary", f"{self.left!r} and {self.right!r}")


@attrs.frozen
class Refusing:
    """A record that refuses a combination of fields after all are set."""

    left: object
    right: object = 0

    def __attrs_post_init__(self) -> None:
        if self.left == self.right:
            message = "left and right are equal"
            raise ArithmeticError(message)


@attrs.frozen
class HookedBefore:
    """A record that runs something before its fields are set."""

    left: object
    right: object = 0

    def __attrs_pre_init__(self) -> None:
        _constructed.append("before")


_constructed: list[str] = []


@attrs.frozen(init=False)
class OwnConstructor:
    """A record with a constructor written by hand."""

    left: object
    right: object

    def __init__(self, left: object, right: object = "own default") -> None:
        cast("Any", self).__attrs_init__(left, (right,))


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


@attrs.frozen
class Boxed(Generic[T]):
    """A record of a type that is chosen later."""

    left: T
    right: object = 0


@attrs.frozen
class OddlyNamed:
    """A record whose fields have the names that a function would use for itself."""

    left: object
    instance: object = 1
    cls: object = 2
    changes: object = 3
    old: object = 4
    new: object = 5
    right: object = 0


@attrs.frozen(eq=False)
class ByIdentity:
    """A record that is equal to itself only."""

    left: object
    right: object = 0


@attrs.frozen(cache_hash=True)
class HashRemembered:
    """A record that remembers its hash."""

    left: object
    right: object = 0


@attrs.frozen
class Uncompared:
    """A record with a field that equality leaves out."""

    left: object
    right: object = attrs.field(default=0, eq=False, repr=False)


@attrs.frozen
class Empty:
    """A record without fields."""


RECORDS: list[Callable[[], Any]] = [
    lambda: Plain(1, 2),
    lambda: WithDictionary(1, 2),
    lambda: Mutable(1, 2),
    lambda: Private(1, 2),
    lambda: Renamed(1, 2),
    lambda: KeywordOnly(left=1, right=2),
    lambda: Validated(1, 2),
    lambda: Converted(1, 2),
    lambda: NotGiven(1, 2),
    lambda: MadeByFactory((1,)),
    lambda: Hooked(1, 2),
    lambda: Refusing(1, 2),
    lambda: HookedBefore(1, 2),
    lambda: OwnConstructor(1, 2),
    lambda: Derived(1, 2),
    lambda: DerivedWithHook(1, 2),
    lambda: Boxed[int](1, 2),
    lambda: OddlyNamed(1),
    lambda: ByIdentity(1, 2),
    lambda: HashRemembered(1, 2),
    lambda: Uncompared(1, 2),
    Empty,
]

NAMES = [
    "left",
    "right",
    "_left",
    "port",
    "starboard",
    "made",
    "computed",
    "summary",
    "instance",
    "cls",
    "changes",
    "old",
    "new",
    "unknown",
]
values = st.one_of(
    st.integers(-3, 3), st.none(), st.sampled_from(["refused", "a", ""]), st.tuples(st.integers())
)
changes_of_any_kind = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)


def outcome(
    copy: Callable[..., Any],
    record: Any,
    changes: dict[str, object],
) -> tuple[object, ...]:
    """Return what a copying function gives: class and all fields, or the kind of error."""
    try:
        result = copy(record, **changes)
    except Exception as error:  # noqa: BLE001  # whatever it raises is what is compared
        return ("raised", type(error))
    kind: type[Any] = result.__class__
    fields = [(each.name, getattr(result, each.name)) for each in attrs.fields(kind)]
    return ("gave", kind, fields)


@given(st.sampled_from(RECORDS), changes_of_any_kind)
def test_evolve_equals_attrs_evolve(make: Callable[[], Any], changes: dict[str, object]) -> None:
    """For any record and any changes, `evolve` gives or raises what `attrs.evolve` does."""
    record = make()
    assert outcome(evolve, record, changes) == outcome(attrs.evolve, record, changes)


@pytest.mark.parametrize("make", RECORDS, ids=lambda make: type(make()).__name__)
@pytest.mark.parametrize("name", NAMES)
def test_evolve_of_one_field_equals_attrs_evolve(make: Callable[[], Any], name: str) -> None:
    """Each single argument, known or not, has the effect it has in `attrs.evolve`."""
    record = make()
    for value in (1, 7, -1, "refused", None):
        changes: dict[str, object] = {name: value}
        assert outcome(evolve, record, changes) == outcome(attrs.evolve, record, changes)


@pytest.mark.parametrize("make", RECORDS, ids=lambda make: type(make()).__name__)
def test_evolve_without_changes_equals_attrs_evolve(make: Callable[[], Any]) -> None:
    """Without changes the copy is the one that `attrs.evolve` makes."""
    record = make()
    assert outcome(evolve, record, {}) == outcome(attrs.evolve, record, {})


@given(st.lists(changes_of_any_kind, max_size=5))
def test_evolve_of_a_result_equals_attrs_evolve_of_it(steps: list[dict[str, object]]) -> None:
    """Copies of copies are equal too."""
    for make in RECORDS:
        ours = theirs = make()
        for changes in steps:
            kind: type[Any] = ours.__class__
            known = {
                each.alias: changes[each.alias]
                for each in attrs.fields(kind)
                if each.init and each.alias in changes
            }
            if outcome(attrs.evolve, theirs, known)[0] == "gave":
                ours, theirs = evolve(ours, **known), attrs.evolve(theirs, **known)
        assert attrs.asdict(ours, recurse=False) == attrs.asdict(theirs, recurse=False)
