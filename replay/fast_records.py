"""Records by one generated function per class, instead of the converter's call for each field.

What belongs here: which classes are taken, and what is generated for them.  What does not: values
that are not plain; the converter's own hooks are called for each of those, and for every field of
another type than bool, int, float, str, or one of them or None.

A generated function takes by itself only values that the hooks would give back as they are.  It may
refuse anything: whoever uses it asks the careful converter then, which says what is wrong.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, Union

import attrs
import orjson

from refold.actions.annotation_scope import resolve_annotations
from refold.reducers.record_builder import has_plain_constructor, make_writable_twin
from refold.reducers.run_template import run_template
from refold.replay.record_codec import add_enums_of

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = [
    "add_fast_records",
    "has_only_plain_fields",
    "is_fast_record",
    "make_fast_decode",
    "make_fast_encode",
    "make_text_encode",
    "only_stores",
    "plain_type",
]

_WRITTEN_OTHERWISE: Final[dict[Any, str]] = {
    bool: "{value} is not True and {value} is not False",
    int: f"type({{value}}) is not int or not {-(2**63)} <= {{value}} <= {2**64 - 1}",
    float: "type({value}) is not float or {value} - {value} != 0.0",
    str: "type({value}) is not str or not {value}.isascii()",
}
"""By plain type, the test for a value that may be written as something else than itself.

inf - inf and nan - nan are nan."""

_DUMPED_OTHERWISE: Final = _WRITTEN_OTHERWISE | {
    int: "type({value}) is not int",
    str: "type({value}) is not str",
}
"""The same where orjson is called at once: it refuses ints beyond 64 bits and lone surrogates."""

_READ_OTHERWISE: Final[dict[Any, str]] = {
    bool: "{value} is not True and {value} is not False",
    int: "type({value}) is not int",
    float: "type({value}) is not float and type({value}) is not int",
    str: "type({value}) is not str",
}
"""By plain type, the test for a JSON value that may be read as something else than itself."""


def add_fast_records(converter: Converter) -> None:
    """Let a converter that knows every type take the records of fast classes faster.

    What it refuses, it refuses without the reasons and paths that a careful one gives.
    """

    def make_encode(cls: Any) -> Callable[[Any], dict[str, Any]]:
        return make_fast_encode(cls, converter)

    def make_decode(cls: Any) -> Callable[[Any, Any], Any]:
        return make_fast_decode(cls, converter)

    converter.detailed_validation = False
    converter.register_unstructure_hook_factory(is_fast_record, make_encode)
    converter.register_structure_hook_factory(is_fast_record, make_decode)


def is_fast_record(tp: Any) -> bool:
    """Tell whether functions can be generated for a type.

    Not for generic classes, whose fields' types depend on who asks, nor for what the converter has
    rules of its own for: aliases, annotations, fields that are no argument.
    """
    if not (type(tp) is type and attrs.has(tp) and Generic not in tp.__mro__):
        return False
    resolve_annotations(tp)
    return all(map(_is_ordinary, attrs.fields(tp)))


def has_only_plain_fields(cls: type[Any]) -> bool:
    """Tell whether a class is a fast record whose every field is a plain type, or one or None."""
    return is_fast_record(cls) and all(plain_type(f.type)[0] for f in attrs.fields(cls))


def make_fast_encode(
    cls: type[Any], converter: Converter, *, without: str = ""
) -> Callable[[Any], dict[str, Any]]:
    """Return the way to JSON values for a fast record.

    Args:
        cls: its class.
        converter: knows the types of its fields.
        without: a field that is checked but left out; empty for none.

    Raises:
        TypeError: by the function: a value does not fit.
    """
    add_enums_of(converter, cls)
    known: dict[str, Any] = {"cls": cls, "refuse": _refuse}
    body = ["if type(record) is not cls:", "    refuse(record, cls)"]
    for index, field in enumerate(attrs.fields(cls)):
        value = f"v{index}"
        known[f"hook{index}"] = _encode_hook(converter, field.type)
        body.append(f"{value} = record.{field.name}")
        body += _unless_plain(_WRITTEN_OTHERWISE, field.type, value, f"hook{index}({value})")
    pairs = (
        f"{field.name!r}: v{index}"
        for index, field in enumerate(attrs.fields(cls))
        if field.name != without
    )
    body.append(f"return {{{', '.join(pairs)}}}")
    encode: Callable[[Any], dict[str, Any]] = _compile("encode(record)", body, known)
    return encode


def make_text_encode(cls: type[Any], *, without: str = "") -> Callable[[Any], bytes]:
    """Return the way to the JSON text of a record with only plain fields.

    Args:
        cls: its class; see `has_only_plain_fields`.
        without: a field that is checked but left out; empty for none.

    Raises:
        TypeError: by the function: a value does not fit, or is not written as itself.
    """
    known: dict[str, Any] = {"cls": cls, "refuse": _refuse, "dumps": orjson.dumps}
    body, pairs = list[str](), list[str]()
    for index, field in enumerate(attrs.fields(cls)):
        value = f"v{index}"
        body.append(f"{value} = record.{field.name}")
        body += _unless_plain(_DUMPED_OTHERWISE, field.type, value, f"refuse({value}, cls)")
        if field.name != without:
            pairs.append(f"{field.name!r}: {value}")
    body.append(f"return dumps({{{', '.join(pairs)}}})")
    encode: Callable[[Any], bytes] = _compile("encode(record)", body, known)
    return encode


def make_fast_decode(
    cls: type[Any], converter: Converter, *, given: str = ""
) -> Callable[[Any, Any], Any]:
    """Return the way back for a fast record.

    Args:
        cls: its class.
        converter: knows the types of its fields.
        given: a field whose JSON value is the function's second argument, because it stands
            elsewhere; empty for none.

    Raises:
        TypeError: by the function: a value does not fit, or the record has other fields.
        KeyError: by the function: a required field is missing.
    """
    fields = attrs.fields(cls)
    known: dict[str, Any] = {"cls": cls, "refuse": _refuse}
    is_filled = only_stores(cls)
    if is_filled:
        known |= {"new": object.__new__, "twin": make_writable_twin(cls)}
    required = sum(field.default is attrs.NOTHING for field in fields if field.name != given)
    body = ["if type(value) is not dict:", "    refuse(value, cls)", f"count = {required}"]
    for index, field in enumerate(fields):
        known[f"hook{index}"] = _decode_hook(converter, field.type)
        known |= {f"type{index}": field.type, f"default{index}": field.default}
        if field.name == given:
            body += [f"v{index} = given", *_lines_of_decoding(index, field)]
        else:
            body += _lines_of_reading(index, field, is_filled=is_filled)
    body += ["if len(value) != count:", "    refuse(value, cls)"]
    if is_filled:
        body += ["record = new(twin)"]
        body += [f"record.{field.name} = v{index}" for index, field in enumerate(fields)]
        body += ["record.__class__ = cls", "return record"]
    else:
        arguments = (f"{field.name}=v{index}" for index, field in enumerate(fields))
        body += [f"return cls({', '.join(arguments)})"]
    decode: Callable[[Any, Any], Any] = _compile("decode(value, given)", body, known)
    return decode


def plain_type(tp: Any) -> tuple[Any, bool]:
    """Return the plain type that a type is, or None, and whether None is a value besides."""
    if typing.get_origin(tp) in {Union, types.UnionType}:
        choices = [choice for choice in typing.get_args(tp) if choice is not type(None)]
        if len(choices) == 1 and choices[0] in _WRITTEN_OTHERWISE:
            return choices[0], True
    elif isinstance(tp, type) and tp in _WRITTEN_OTHERWISE:
        return tp, False
    return None, False


def only_stores(cls: Any) -> bool:
    """Tell whether a class's constructor does nothing but assign its fields, as a twin does."""
    is_frozen = cls.__setattr__ is _Frozen.__setattr__
    return is_frozen and "__slots__" in cls.__dict__ and has_plain_constructor(cls)


def _lines_of_reading(index: int, field: attrs.Attribute[Any], *, is_filled: bool) -> list[str]:
    """Return the statements that put a field's value, or its default, into a local name."""
    lines = [f"v{index} = value[{field.name!r}]", *_lines_of_decoding(index, field)]
    if field.default is attrs.NOTHING:
        return lines
    is_made = _is_factory(field.default)
    default = f"default{index}.factory()" if is_made else f"default{index}"
    return [
        f"if {field.name!r} in value:",
        *(f"    {line}" for line in lines),
        "    count += 1",
        "else:",
        # what a constructor of its own makes of a missing argument, only that one knows
        f"    v{index} = {default}" if is_filled else "    refuse(value, cls)",
    ]


def _lines_of_decoding(index: int, field: attrs.Attribute[Any]) -> list[str]:
    name = f"v{index}"
    return _unless_plain(_READ_OTHERWISE, field.type, name, f"hook{index}({name}, type{index})")


def _encode_hook(converter: Converter, tp: Any) -> Callable[[Any], Any]:
    """Return the converter's way there; that of a record is found late, it may hold itself."""
    if attrs.has(typing.get_origin(tp) or tp):
        return lambda value: converter.unstructure(value, tp)
    return converter.get_unstructure_hook(tp)


def _decode_hook(converter: Converter, tp: Any) -> Callable[[Any, Any], Any]:
    if attrs.has(typing.get_origin(tp) or tp):
        return converter.structure
    return converter.get_structure_hook(tp)


def _unless_plain(tests: dict[Any, str], tp: Any, value: str, otherwise: str) -> list[str]:
    """Return the statements that replace a value by what a hook makes of it, if one has to."""
    plain, or_none = plain_type(tp)
    if plain is None:
        return [f"{value} = {otherwise}"]
    test = tests[plain].format(value=value)
    test = f"({test}) and {value} is not None" if or_none else test
    return [f"if {test}:", f"    {value} = {otherwise}"]


def _is_ordinary(field: attrs.Attribute[Any]) -> bool:
    """Tell whether a field is named as it is written, has a type, and no default made of others."""
    origin = typing.get_origin(field.type) or field.type
    default: Any = field.default
    is_late = _is_factory(default) and default.takes_self
    has_rules = origin in {None, typing.Annotated, typing.Final} or not field.init
    return field.alias == field.name and not has_rules and not is_late


def _is_factory(default: Any) -> bool:
    return isinstance(default, attrs.Factory)  # type: ignore[arg-type]  # a class when the program runs


def _compile(signature: str, body: list[str], known: dict[str, Any]) -> Any:
    source = "\n    ".join([f"def {signature}:", *body])
    return run_template(source, signature.partition("(")[0], known)


def _refuse(value: object, cls: type[Any]) -> None:
    message = f"expected {cls.__name__} itself, got {type(value).__name__}"
    raise TypeError(message)


@attrs.frozen
class _Frozen:
    """Shows how attrs refuses an assignment."""
