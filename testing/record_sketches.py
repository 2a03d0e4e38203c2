"""Drawing records: attrs classes and NamedTuples field by field, and entities.

What belongs here: defaults, validators, and records that stand in the state already.  What does
not: the fields' own types, which `sketches_of_type` knows.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import attrs
from hypothesis import strategies as st
from pyrsistent import pmap, pvector

from refold.reducers.entities import Entities
from refold.testing.field_rules import NO_RULES, FieldRules, read_rules
from refold.testing.leaf_values import Draw, Plan, Sketch
from refold.testing.type_shapes import field_types_of

if typing.TYPE_CHECKING:
    from refold.testing.value_pool import ValuePool

__all__ = ["DiscardedError", "build_record", "entities_sketch", "field_sketches", "record_sketch"]

_REUSE: Final = st.integers(0, 31)
_NEW_BELOW: Final = 24
"""In 32 of which a record is a new one; else one that the state has, if it has one."""

_DEFAULTS: Final = st.integers(0, 3)
_ENTITIES: Final = st.integers(0, 3)

SketchPart = Callable[[Any, FieldRules, str], Sketch]
"""Type form, rules and name of a field, to what draws it."""


class DiscardedError(Exception):
    """A class refused what was drawn for it; caught where drawing began."""


class FieldSketch(NamedTuple):
    """One field of a record."""

    name: str
    """What the constructor calls it."""

    sketch: Sketch
    """Draws its value."""

    may_be_left_out: bool
    """Whether it has a default that no value stands for."""


def record_sketch(tp: Any, sketch_part: SketchPart) -> Sketch:
    """Return what draws a record; sometimes it is one of the state.

    Args:
        tp: an attrs class or NamedTuple, or a generic one with arguments.
        sketch_part: gives what draws a field.
    """
    cls = typing.get_origin(tp) or tp
    is_generic = cls is not tp  # a record does not say of which type its class is
    fields = field_sketches(tp, sketch_part)
    if not fields:
        return lambda _draw: lambda _pool: build_record(cls, {})

    def sketch(draw: Draw) -> Plan:
        reuse = draw(_REUSE)
        parts = draw_fields(fields, draw)

        def plan(pool: ValuePool) -> Any:
            known = pool.records(cls) if reuse >= _NEW_BELOW and not is_generic else ()
            if known:
                return known[(reuse + pool.shift) % len(known)]
            return build_record(cls, {name: part(pool) for name, part in parts})

        return plan

    return sketch


def draw_fields(fields: Sequence[FieldSketch], draw: Draw) -> list[tuple[str, Plan]]:
    """Draw the fields of one record but those that keep their defaults."""
    return [
        (field.name, field.sketch(draw))
        for field in fields
        if not field.may_be_left_out or draw(_DEFAULTS)
    ]


def field_sketches(
    tp: Any, sketch_part: SketchPart, without: frozenset[str] = frozenset()
) -> list[FieldSketch]:
    """Return what draws each field that the constructor of a record takes."""
    cls = typing.get_origin(tp) or tp
    types = field_types_of(tp)
    if not attrs.has(cls):
        defaults: Mapping[str, Any] = cls._field_defaults
        return [
            FieldSketch(name, sketch_part(part, NO_RULES, name), name in defaults)
            for name, part in types.items()
        ]
    return [
        FieldSketch(
            field.alias,
            sketch_part(types[field.name], _rules_of(field), field.name),
            field.default is not attrs.NOTHING and not _is_drawn(field.default, types[field.name]),
        )
        for field in attrs.fields(cls)
        if field.init and field.name not in without
    ]


def build_record(cls: Any, values: Mapping[str, Any]) -> Any:
    """Return a record of these fields.

    Raises:
        DiscardedError: a validator or converter of the class refuses them.
    """
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise DiscardedError from error


def entities_sketch(tp: Any, sketch_part: Callable[[Any], Sketch]) -> Sketch:
    """Return what draws entities: often those of the state.

    The key of a new one is its first field of the keys' type, as adapters have it.
    """
    key_type, entity_type = typing.get_args(tp)
    key_name = next((n for n, one in _fields_of(entity_type).items() if one == key_type), None)
    key, entity = sketch_part(key_type), sketch_part(entity_type)
    entity_class = typing.get_origin(entity_type) or entity_type

    def sketch(draw: Draw) -> Plan:
        kind = draw(_ENTITIES)
        rows = [(key(draw), entity(draw)) for _ in range(kind)]

        def plan(pool: ValuePool) -> Any:
            known = (
                [each for each in pool.records(Entities) if _holds(each, entity_class)]
                if kind >= 2  # noqa: PLR2004  # in half of all
                else []
            )
            if known:
                return known[kind % len(known)]
            made = [(one(pool), other(pool)) for one, other in rows]
            by_id = {k if key_name is None else getattr(v, key_name): v for k, v in made}
            return Entities(pvector(by_id), pmap(by_id))

        return plan

    return sketch


def _holds(entities: Entities[Any, Any], cls: Any) -> bool:
    """Tell whether entities are of a class, by the first of them."""
    return all(type(entities.by_id[key]) is cls for key in entities.ids[:1])


def _fields_of(tp: Any) -> Mapping[str, Any]:
    return field_types_of(tp) if attrs.has(typing.get_origin(tp) or tp) else {}


def _rules_of(field: attrs.Attribute[Any]) -> FieldRules:
    return read_rules([field.validator], field) if field.validator is not None else NO_RULES


def _is_drawn(default: Any, tp: Any) -> bool:
    """Tell whether the default is None and None is drawn often enough anyway."""
    return default is None and type(None) in typing.get_args(tp)
