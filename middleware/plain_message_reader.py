"""Reading plain messages: one generated function per class, instead of a converter.

What belongs here: which classes are plain, and the reader of one.  What does not: JSON, and what is
wrong with a message; `decode_message` says that of whatever a reader refuses.

A reader may refuse anything and must never accept what `decode_message` would refuse, or read it as
something else.  So a class is plain only if nothing but storing happens in its constructor, and if
each field has exactly the type bool, int, float or str.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias

import attrs

from refold.actions.annotation_scope import resolved_field_types
from refold.reducers.record_builder import has_plain_constructor, make_writable_twin
from refold.reducers.run_template import run_template

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PlainMessageReader", "has_each_key_once", "make_plain_message_reader"]

PlainMessageReader: TypeAlias = Callable[[Mapping[str, Any]], object]
"""Takes a JSON object, with the type in it; returns the message, or None if another must judge.

It raises KeyError if a field without a default is missing.
"""

_MISFIT_OF: Final[Mapping[Any, str]] = {
    bool: "type({value}) is not bool",
    int: "type({value}) is not int",
    float: "type({value}) is not float and type({value}) is not int or {value} - {value} != 0.0",
    str: "type({value}) is not str",
}
"""Plain types, each with the test for a value that does not fit; inf - inf and nan - nan are nan.

An int needs no test of its size: the parser makes floats of ints beyond 64 bits.
"""


def make_plain_message_reader(cls: type[Any] | None, key: str) -> PlainMessageReader | None:
    """Return the reader of a class; None if the class is not plain, or not ready to be read.

    Args:
        cls: what the registry has for a wire type; None if it has nothing.
        key: under which the type stands.
    """
    try:
        if cls is not None and _is_plain(cls, key):
            return _make_reader(cls, attrs.fields(cls))
    except Exception:  # noqa: BLE001  # no attrs class, or a name is undefined: decode_message says it
        return None
    return None


def has_each_key_once(raw: str | bytes, fields: Mapping[str, Any]) -> bool:
    """Tell whether a text surely has each key of its object once; False may be wrong.

    Where nothing is escaped, the colons of the text are one for each pair that was written, and
    those in strings.  If there are no more than what the parser kept accounts for, it dropped
    nothing.

    Args:
        raw: JSON.
        fields: what the parser made of it; only texts are looked into.
    """
    if isinstance(raw, str):
        colons, is_escaped = raw.count(":"), "\\" in raw
    else:
        colons, is_escaped = raw.count(b":"), b"\\" in raw
    if is_escaped:
        return False
    texts = [value for value in fields.values() if type(value) is str]
    return colons == len(fields) + "".join([*fields, *texts]).count(":")


def _is_plain(cls: Any, key: str) -> bool:
    """Tell whether building from exact values is all that reading a class takes.

    The converter refuses a generic class, and may spell the key of a field with an alias otherwise.
    """
    fields = attrs.fields(cls)
    types = resolved_field_types(cls)
    return (
        cls.__new__ is object.__new__
        and type(cls) is type
        and Generic not in cls.__mro__
        and has_plain_constructor(cls)
        and key not in types
        and all(_is_plain_field(field, types[field.name]) for field in fields)
    )


def _is_plain_field(field: attrs.Attribute[Any], tp: Any) -> bool:
    return (
        type(tp) is type
        and tp in _MISFIT_OF
        and (field.type is tp or isinstance(field.type, str))
        and field.alias == field.name
        and not field.kw_only
    )


def _make_reader(cls: type[Any], fields: Sequence[attrs.Attribute[Any]]) -> PlainMessageReader:
    types = resolved_field_types(cls)
    known: dict[str, Any] = {"cls": cls}
    lines: list[str] = []
    for index, field in enumerate(fields):
        known[f"default{index}"] = field.default
        lines += _lines_of_field(f"v{index}", f"default{index}", field, types[field.name])
    needed = 1 + sum(not _may_be_missing(field) for field in fields)  # 1 for the type
    body = [f"count = {needed}", *lines, "if len(fields) != count:", "    return None"]
    if _is_filled_by_slots(cls):
        known |= {"new": object.__new__, "twin": make_writable_twin(cls)}
        body += ["record = new(twin)"]
        body += [f"record.{field.name} = v{index}" for index, field in enumerate(fields)]
        body += ["record.__class__ = cls", "return record"]
    else:
        body += [f"return cls({', '.join(f'v{index}' for index in range(len(fields)))})"]
    source = "\n    ".join(["def read(fields):", *body])
    reader: PlainMessageReader = run_template(source, "read", known)
    return reader


def _is_filled_by_slots(cls: Any) -> bool:
    """Tell whether the constructor assigns by `object.__setattr__`, as a writable twin does.

    That of a frozen class without slots writes into the record's dict instead.
    """
    uses_dict = "__dict__" in cls.__init__.__code__.co_names
    return cls.__setattr__ is _Frozen.__setattr__ and not uses_dict


def _lines_of_field(
    value: str, default: str, field: attrs.Attribute[Any], tp: type[Any]
) -> list[str]:
    """Return the statements that put a field's value, or its default, into a local name."""
    lines = [
        f"{value} = fields[{field.name!r}]",
        f"if {_MISFIT_OF[tp].format(value=value)}:",
        "    return None",
    ]
    if not _may_be_missing(field):
        return lines
    return [
        f"if {field.name!r} in fields:",
        *(f"    {line}" for line in lines),
        "    count += 1",
        "else:",
        f"    {value} = {default}",
    ]


def _may_be_missing(field: attrs.Attribute[Any]) -> bool:
    """Tell whether a reader fills in the field; what a factory makes, the constructor must make."""
    return field.default is not attrs.NOTHING and not isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]  # a class when the program runs


@attrs.frozen
class _Frozen:
    """Shows how attrs refuses an assignment."""
