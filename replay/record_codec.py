"""The codec of records: attrs classes and NamedTuples, field by field."""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from refold.actions.annotation_scope import resolve_annotations, resolved_field_types
from refold.replay.scalar_codec import add_enum, expect

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["add_records"]


def add_records(converter: Converter) -> None:
    """Teach a converter all records."""

    def make_encode(tp: Any) -> Callable[[Any], Any]:
        cls = typing.get_origin(tp) or tp
        resolve_annotations(cls)
        add_enums_of(converter, cls)
        encode_fields = make_dict_unstructure_fn(tp, converter)
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
