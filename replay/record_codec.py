"""The codec of records: attrs classes and NamedTuples, field by field."""

from __future__ import annotations

import enum
import reprlib
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from refold.actions.annotation_scope import resolve_annotations, resolved_field_types
from refold.replay.canonical_digest import canonical_digest
from refold.replay.refuse_value import refuse_value
from refold.replay.scalar_codec import add_enum, expect

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["add_enums_of", "add_records"]


def add_records(converter: Converter) -> None:
    """Teach a converter all records."""

    def make_encode(tp: Any) -> Callable[[Any], Any]:
        cls = typing.get_origin(tp) or tp
        resolve_annotations(cls)
        add_enums_of(converter, cls)
        encode_fields = make_dict_unstructure_fn(tp, converter)
        derived = [field.name for field in attrs.fields(cls) if not field.init]
        if derived:
            return lambda record: encode_fields(_expect_derived(record, cls, derived))
        return lambda record: encode_fields(_expect_exactly(record, cls))

    def make_decode(tp: Any) -> Callable[[Any, Any], Any]:
        resolve_annotations(typing.get_origin(tp) or tp)
        return make_dict_structure_fn(tp, converter, _cattrs_forbid_extra_keys=True)

    def make_encode_tuple(tp: Any) -> Callable[[Any], Any]:
        add_enums_of(converter, tp)
        parts = tuple(resolved_field_types(tp).values())
        return lambda values: [
            converter.unstructure(value, part)
            for value, part in zip(_expect_exactly(values, tp), parts, strict=True)
        ]

    def decode_tuple(value: Any, tp: Any) -> Any:
        parts = zip(expect(value, list), resolved_field_types(tp).values(), strict=True)
        return tp(*(converter.structure(value, part) for value, part in parts))

    converter.register_unstructure_hook_factory(_is_record, make_encode)
    converter.register_structure_hook_factory(_is_record, make_decode)
    converter.register_unstructure_hook_factory(_is_named_tuple, make_encode_tuple)
    converter.register_structure_hook_func(_is_named_tuple, decode_tuple)


def add_enums_of(converter: Converter, cls: type) -> None:
    """Teach a converter the enums in the fields of a record, which cattrs may take for texts."""
    pending = list(resolved_field_types(cls).values())
    while pending:
        tp = pending.pop()
        pending += typing.get_args(tp)
        if isinstance(tp, typing.NewType):
            pending.append(tp.__supertype__)
        if isinstance(tp, type) and issubclass(tp, enum.Enum):
            add_enum(converter, tp)


def _is_record(tp: Any) -> bool:
    return attrs.has(typing.get_origin(tp) or tp)


def _is_named_tuple(tp: Any) -> bool:
    return isinstance(tp, type) and hasattr(tp, "_fields") and issubclass(tp, tuple)


def _expect_exactly(record: Any, cls: type) -> Any:
    """Return the record if it is of the very class: a subclass would come back as its base.

    Raises:
        TypeError: it is not.
    """
    if type(record) is cls:
        return record
    message = f"expected {cls.__name__} itself, got {record!r}"
    raise TypeError(message)


def _expect_derived(record: Any, cls: type[Any], derived: list[str]) -> Any:
    """Return the record if its class makes all of it from what is written.

    Args:
        record: what is to be written.
        cls: its class.
        derived: its fields that no constructor takes, so that they cannot be written.

    Raises:
        TypeError: one of them would come back as another value.
    """
    _expect_exactly(record, cls)
    given = {field.alias: getattr(record, field.name) for field in attrs.fields(cls) if field.init}
    made = cls(**given)
    for name in derived:
        wanted, found = (getattr(one, name, None) for one in (made, record))
        if canonical_digest(wanted) != canonical_digest(found):
            refuse_value(
                f"{cls.__name__}.{name} to be {reprlib.repr(wanted)}, which its class makes of the"
                f" other fields (it is declared with init=False, so it is not written)",
                found,
            )
    return record
