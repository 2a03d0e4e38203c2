"""The codec of choices: members of enums, and literals.

What belongs here: values that a type lists one by one.  What does not: how the texts and numbers
that stand for them are written, which the converter's own hooks know.

A choice is read only from exactly what is written for it: true and 1.0 are not 1.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

from refold.replay.refuse_value import refuse_value

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = [
    "is_enum",
    "is_literal",
    "make_decode_literal",
    "make_decode_member",
    "make_encode_literal",
    "make_encode_member",
]

_PLAIN: Final[frozenset[Any]] = frozenset({str, int, bool, type(None)})
"""Classes of hashable JSON values; what else a choice is written as is an object."""


def is_enum(tp: Any) -> bool:
    """Tell whether a type form is an enum."""
    return isinstance(tp, type) and issubclass(tp, enum.Enum)


def is_literal(tp: Any) -> bool:
    """Tell whether a type form is a literal."""
    return get_origin(tp) is Literal


def make_encode_member(converter: Converter, cls: Any) -> Callable[[Any], Any]:
    """Return the way there for an enum: its values if all are texts or ints, else its names."""
    encode_plain = _make_encode_plain(converter)
    is_by_value = _is_written_by_value(cls)

    def encode(member: Any) -> Any:
        form = forms.get(id(member))
        if form is not None:
            return form
        if not isinstance(member, cls):
            refuse_value(f"a member of {cls.__name__}", member)
        return encode_plain(member.value) if is_by_value else member.name

    # by identity: the members live as long as their class, and asking one for its value is slow
    forms: dict[int, Any] = {}
    for member in cls:
        with contextlib.suppress(TypeError):  # this converter cannot write it
            forms[id(member)] = encode(member)
    return encode


def make_decode_member(converter: Converter, cls: Any) -> Callable[[Any, Any], Any]:
    """Return the way back for an enum; an alias of a name is one of its names."""
    encode, is_by_value = make_encode_member(converter, cls), _is_written_by_value(cls)
    known: dict[tuple[Any, Any], Any] = {
        (type(form), form): member
        for name, member in cls.__members__.items()
        if type(form := member.value if is_by_value else name) in _PLAIN
    }

    def decode(value: Any, _tp: Any) -> Any:
        if type(value) in _PLAIN and (type(value), value) in known:
            return known[type(value), value]
        if is_by_value:
            return _find_member(value, encode, converter, cls)
        return refuse_value(f"the name of a member of {cls.__name__}", value)

    return decode


def make_encode_literal(converter: Converter, tp: Any) -> Callable[[Any], Any]:
    """Return the way there for a literal."""
    choices = get_args(tp)
    classes = frozenset(map(type, choices))
    forms: dict[tuple[Any, Any], Any] = {
        (type(choice), choice): form for choice, form in _literal_forms(converter, choices)
    }

    def encode(value: Any) -> Any:
        if type(value) in classes and (type(value), value) in forms:
            return forms[type(value), value]
        return refuse_value(f"one of {choices}", value)

    return encode


def make_decode_literal(converter: Converter, tp: Any) -> Callable[[Any, Any], Any]:
    """Return the way back for a literal."""
    choices = get_args(tp)
    forms = _literal_forms(converter, choices)
    known: dict[tuple[Any, Any], Any] = {
        (type(form), form): choice for choice, form in forms if type(form) in _PLAIN
    }

    def decode(value: Any, _tp: Any) -> Any:
        if type(value) in _PLAIN and (type(value), value) in known:
            return known[type(value), value]
        for choice, form in forms:
            if _is_written_as(form, value):
                return choice
        return refuse_value(f"one of {choices}", value)

    return decode


def _is_written_by_value(cls: Any) -> bool:
    return all(isinstance(member.value, str | int) for member in cls)


def _make_encode_plain(converter: Converter) -> Callable[[Any], Any]:
    """Return the way there for the values of members, as the converter writes texts and ints."""
    encode_int, encode_text = map(converter.get_unstructure_hook, (int, str))

    def encode(value: Any) -> Any:
        if isinstance(value, str):
            return encode_text(value)
        return value if isinstance(value, bool) else encode_int(value)

    return encode


def _find_member(value: Any, encode: Callable[[Any], Any], converter: Converter, cls: Any) -> Any:
    """Return a member that the enum does not list: flags that are joined, or one made by itself.

    Also one whose value JSON cannot carry without a tag.
    """
    plain: Any = value  # its type is not narrowed
    if plain.__class__ is dict:
        plain = converter.structure(value, int if "$int" in plain else str)
    try:
        member = cls(plain)
    except (ValueError, TypeError, KeyError):
        member = None
    if isinstance(member, cls) and _is_written_as(encode(member), value):
        return member
    return refuse_value(f"the value of a member of {cls.__name__}", value)


def _literal_forms(converter: Converter, choices: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """Return the choices that can be written, each with what is written for it.

    Two that are written alike (a text and a member of that value) are told apart by their class.
    """
    forms: list[tuple[Any, Any]] = []
    for choice in choices:
        cls: Any = choice.__class__
        encode = make_encode_member(converter, cls) if is_enum(cls) else None
        try:
            form = encode(choice) if encode else converter.unstructure(choice, cls)
        except TypeError:  # this converter cannot write it
            continue
        forms.append((choice, form))
    return [(choice, _tell_apart(choice, form, forms)) for choice, form in forms]


def _tell_apart(choice: Any, form: Any, forms: list[tuple[Any, Any]]) -> Any:
    is_alone = sum(_is_written_as(other, form) for _, other in forms) == 1
    if is_alone or type(choice) in _PLAIN:
        return form
    return {"$of": type(choice).__name__, "value": form}


def _is_written_as(form: Any, value: Any) -> bool:
    """Tell whether a JSON value is the form, which may be of a subclass of a JSON class."""
    if isinstance(form, bool) is not isinstance(value, bool):
        return False
    return isinstance(form, type(value)) and bool(form == value)
