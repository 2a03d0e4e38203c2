"""Message classes that the quick way of decoding takes, others that it must not, and JSON for all.

What belongs here: the classes, and random texts of them.  What does not: judging what is read.
"""

from __future__ import annotations

import abc
import json
from typing import TYPE_CHECKING, Any, Final, Generic, NewType, TypeVar, cast

import attrs
from hypothesis import strategies as st

from refold.actions.message import MessageRegistry, message

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "ANY_VALUE",
    "FITTING",
    "NOT_PLAIN",
    "PLAIN",
    "REGISTRY",
    "TYPE_OF",
    "Defaulted",
    "Empty",
    "Keyed",
    "Longer",
    "Made",
    "Of",
    "Open",
    "Reading",
    "Resolved",
    "Unslotted",
    "message_texts",
]

T = TypeVar("T")
Metres = NewType("Metres", float)

REGISTRY: Final = MessageRegistry()
"""Where all classes of this file are entered."""


@message("reading", registry=REGISTRY)
class Reading:
    """A field of each plain type, none with a default."""

    sensor: str
    value: float
    count: int
    is_last: bool


@message("defaulted", registry=REGISTRY)
class Defaulted:
    """Defaults, one of them no value that a peer may send, and an annotation that is a string."""

    name: str
    count: int = 1
    note: str = cast("Any", None)
    is_open: bool = False
    ratio: float = float("nan")


@message("longer", registry=REGISTRY)
class Longer(Defaulted):
    """Fields of a base class before its own."""

    extra: str = ""


@message("empty", registry=REGISTRY)
@attrs.frozen
class Empty:
    """No field, and attrs made it."""


@message("open", registry=REGISTRY)
@attrs.define
class Open:
    """A class that attrs made, and not a frozen one."""

    count: int


@message("unslotted", registry=REGISTRY)
@attrs.frozen(slots=False)
class Unslotted:
    """A class whose records have a dict."""

    count: int
    value: float = 0.0


@message("watched", registry=REGISTRY)
@attrs.define
class Watched:
    """A class that stores in a way of its own."""

    count: int

    def __setattr__(self, name: str, value: Any) -> None:
        """Store one more."""
        object.__setattr__(self, name, value + 1)


class Counted:
    """A base whose property has the name of a field."""

    @property
    def count(self) -> object:
        """What the record's dict has, and how often it was assigned."""
        return self.__dict__.get("count"), self.__dict__.get("assigned")

    @count.setter
    def count(self, value: object) -> None:
        self.__dict__["assigned"] = value


@message("shadowed", registry=REGISTRY)
@attrs.frozen(slots=False)
class Shadowed(Counted):
    """A field that the constructor stores beside the property."""

    count: int  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]  # the point


@message("made", registry=REGISTRY)
class Made:
    """A default that a factory makes."""

    count: int
    name: str = attrs.field(factory=str)


PLAIN: Final[list[Any]] = [
    Reading,
    Defaulted,
    Longer,
    Empty,
    Open,
    Unslotted,
    Watched,
    Shadowed,
    Made,
]
"""What the quick way takes, if all fields are there."""


@message("converted", registry=REGISTRY)
class Converted:
    """What arrives is not what is stored."""

    count: int = attrs.field(converter=cast("Any", abs))


@message("validated", registry=REGISTRY)
class Validated:
    """Some values of the type are refused."""

    count: int = attrs.field(validator=cast("Any", attrs.validators).ge(0))


@message("by_name", registry=REGISTRY)
class ByName:
    """The constructor takes no positions."""

    count: int = attrs.field(kw_only=True)


@message("aliased", registry=REGISTRY)
class Aliased:
    """The constructor has another name for it than JSON."""

    count: int = attrs.field(alias="amount")
    _value: float = 0.0


@message("unset", registry=REGISTRY)
class Unset:
    """A field that no message fills."""

    count: int
    value: float = attrs.field(init=False, default=2.5)


@message("hooked", registry=REGISTRY)
class Hooked:
    """The constructor does more."""

    count: int

    def __attrs_post_init__(self) -> None:
        """Refuse some values."""
        if self.count < 0:
            text = "negative"
            raise ValueError(text)


@message("allocated", registry=REGISTRY)
class Allocated:
    """Making the object does more."""

    count: int

    def __new__(cls, *_values: Any, **_named: Any) -> Self:
        """Refuse to be called by position."""
        if _values:
            text = "by name, please"
            raise TypeError(text)
        return object.__new__(cls)


@message("hand_written", registry=REGISTRY)
@attrs.frozen(init=False)
class HandWritten:
    """A constructor of its own, in another order."""

    count: int
    value: float

    def __init__(self, value: float, count: int) -> None:
        """Store them."""
        cast("Any", self).__attrs_init__(count, value)


@message("generic", registry=REGISTRY)
class Of(Generic[T]):
    """A class that the converter refuses, though no field needs its variable."""

    count: int


@message("hashed", registry=REGISTRY)
@attrs.frozen(cache_hash=True)
class Hashed:
    """A class with a hidden field."""

    count: int


@message("typed", registry=REGISTRY)
class Typed:
    """Plain values, under types that say more."""

    count: int
    value: Metres = Metres(0.0)
    name: str | None = None


@message("abstract", registry=REGISTRY)
class Abstract(abc.ABC):  # its metaclass is what counts
    """A class of another metaclass."""

    count: int


@message("resolved", registry=REGISTRY)
class Resolved:
    """A class whose annotations were resolved by its owner, to other types than they say."""

    count: int


attrs.resolve_types(cast("Any", Resolved), localns={"int": str})


@message("keyed", registry=REGISTRY)
class Keyed:
    """A field with the name of the key of the type."""

    type: str


NOT_PLAIN: Final[list[Any]] = [
    *(Converted, Validated, ByName, Aliased, Unset, Hooked, Allocated),
    *(HandWritten, Of, Hashed, Typed, Abstract, Resolved, Keyed),
]
"""What it must leave to the careful way."""

NAMES: Final = ("sensor", "value", "count", "is_last", "name", "note", "is_open", "ratio", "extra")
FITTING: Final[dict[str, list[str]]] = {
    "str": ['"a"', '"12:00"', '"\\u003a"', '"\\":"', '""', '"é"', '"a\\\\"'],
    "float": ["0.5", "-0.0", "1e308", "7", "18446744073709551616", "-1"],
    "int": ["0", "-3", "18446744073709551615", "-9223372036854775808"],
    "bool": ["true", "false"],
}
"""JSON of values, by the type that they fit."""

ANY_VALUE: Final = [
    *(text for texts in FITTING.values() for text in texts),
    *("null", "NaN", "Infinity", "1e999", "-9223372036854775809", "9" * 400, "1.0", "01"),
    *('"\ud800"', '"\\ud800"', "[]", "{}", "[1]", '{"a":1}', '{"count":1,"count":1}', '":"x'),
]
"""All those, what fits nothing, and what is no JSON."""

TYPE_OF: Final = {
    **dict.fromkeys(("value", "ratio", "_value"), "float"),
    **dict.fromkeys(("is_last", "is_open"), "bool"),
    "count": "int",
}
"""What the classes of this file have under a name; text under all others."""

ANY_KEY: Final = st.sampled_from(
    [*NAMES, "_value", "amount", "type", "Count", "", ":", '\\"', "co\\u0075nt"]
)


@st.composite
def message_texts(draw: st.DrawFn) -> str | bytes:
    """Return what may be a message of a class of this file: most are, or are nearly."""
    cls = draw(st.sampled_from(PLAIN) | st.sampled_from(NOT_PLAIN))
    pairs = [("type", json.dumps(cls.__refold_wire_type__))]
    for field in attrs.fields(cls):
        if draw(st.integers(0, 9)):
            fitting = FITTING[TYPE_OF.get(field.name, "str")]
            pairs.append((field.name, draw(st.sampled_from(fitting))))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        draw(st.sampled_from([change, insert, double]))(draw, pairs)
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))
    colon = draw(st.sampled_from([":", ":", " : "]))
    text = "{" + ",".join(f'"{key}"{colon}{value}' for key, value in pairs) + "}"
    text = draw(st.sampled_from([text] * 8 + [text[:-1], f"[{text}]", text + ":", f" {text}\n"]))
    if draw(st.booleans()):
        return text
    raw = text.encode("utf-8", "surrogatepass")
    return draw(st.sampled_from([raw] * 8 + [raw[:-2] + b"\xff" + raw[-2:]]))


any_value = st.sampled_from(["true", "1", "0.5", '"a"', "null"]) | st.sampled_from(ANY_VALUE)


def change(draw: st.DrawFn, pairs: list[tuple[str, str]]) -> None:
    """Give a key any value."""
    at = draw(st.integers(0, len(pairs) - 1))
    pairs[at] = (pairs[at][0], draw(any_value))


def insert(draw: st.DrawFn, pairs: list[tuple[str, str]]) -> None:
    """Add a key that may be unknown."""
    pairs.append((draw(ANY_KEY), draw(any_value)))


def double(draw: st.DrawFn, pairs: list[tuple[str, str]]) -> None:
    """Write a pair again, or its key with any value."""
    key, value = draw(st.sampled_from(pairs))
    pairs.append((key, draw(st.sampled_from([value, *ANY_VALUE]))))
