"""The codec of tuples, sets, vectors and maps, with elements of one type or of one type each.

Sets and maps are written in the order of their elements' canonical forms, because their own order
differs between processes.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import pyrsistent
import pyrsistent.typing

from refold.replay.canonical_digest import canonical_digest
from refold.replay.refuse_value import refuse_value
from refold.replay.scalar_codec import expect

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["CLASS_OF_VALUE", "add_collections"]

_MAKE: Final[dict[Any, Callable[[Iterable[Any]], Any]]] = {
    tuple: tuple,
    frozenset: frozenset,
    pyrsistent.PVector: pyrsistent.pvector,
    pyrsistent.PDeque: pyrsistent.pdeque,
    pyrsistent.PSet: pyrsistent.pset,
    pyrsistent.PMap: pyrsistent.pmap,
}
"""How each collection is made of its decoded elements; of a map, of a dict."""

CLASS_OF_VALUE: Final[dict[Any, Any]] = {
    pyrsistent.typing.PVector: pyrsistent.PVector,
    pyrsistent.typing.PDeque: pyrsistent.PDeque,
    pyrsistent.typing.PSet: pyrsistent.PSet,
    pyrsistent.typing.PMap: pyrsistent.PMap,
}
"""Type forms whose values are of another class than the form says."""


def add_collections(converter: Converter) -> None:
    """Teach a converter all collections."""

    def make_encode(tp: Any) -> Callable[[Any], Any]:
        return _make_encode(converter, tp)

    def make_decode(tp: Any) -> Callable[[Any, Any], Any]:
        return _make_decode(converter, tp)

    converter.register_unstructure_hook_factory(_is_collection, make_encode)
    converter.register_structure_hook_factory(_is_collection, make_decode)


def _is_collection(tp: Any) -> bool:
    return _class_of(tp) in _MAKE


def _class_of(tp: Any) -> Any:
    origin = typing.get_origin(tp) or tp
    return CLASS_OF_VALUE.get(origin, origin) if isinstance(origin, type) else None


def _make_encode(converter: Converter, tp: Any) -> Callable[[Any], Any]:
    cls, arguments = _class_of(tp), typing.get_args(tp)
    if cls is pyrsistent.PMap:
        return _make_encode_map(converter, *(arguments or (Any, Any)))
    if cls is tuple and Ellipsis not in arguments:
        return _make_encode_row(converter, arguments)
    element = arguments[0] if arguments else Any
    is_ordered = cls in {tuple, pyrsistent.PVector, pyrsistent.PDeque}

    def encode(values: Any) -> list[Any]:
        expect(values, cls)
        ordered = values if is_ordered else sorted(values, key=canonical_digest)
        return [converter.unstructure(value, element) for value in ordered]

    return encode


def _make_encode_row(converter: Converter, parts: tuple[Any, ...]) -> Callable[[Any], Any]:
    def encode(values: Any) -> list[Any]:
        pairs = zip(expect(values, tuple), parts, strict=True)
        return [converter.unstructure(value, part) for value, part in pairs]

    return encode


def _make_encode_map(converter: Converter, key_type: Any, value_type: Any) -> Callable[[Any], Any]:
    def encode(entries: Any) -> Any:
        expect(entries, pyrsistent.PMap)
        ordered = sorted(entries.items(), key=lambda pair: canonical_digest(pair[0]))
        pairs = [
            [converter.unstructure(key, key_type), converter.unstructure(value, value_type)]
            for key, value in ordered
        ]
        if not all(isinstance(key, str) for key, _ in pairs):
            return pairs
        by_text = dict(sorted(pairs, key=lambda pair: str(pair[0])))
        return by_text if len(by_text) == len(pairs) else pairs  # of two NaN, neither may be lost

    return encode


def _make_decode(converter: Converter, tp: Any) -> Callable[[Any, Any], Any]:
    cls, arguments = _class_of(tp), typing.get_args(tp)
    make = _MAKE[cls]
    if cls is pyrsistent.PMap:
        return _make_decode_map(converter, *(arguments or (Any, Any)))
    if cls is tuple and Ellipsis not in arguments:
        return lambda value, _: tuple(
            converter.structure(part, part_type)
            for part, part_type in zip(expect(value, list), arguments, strict=True)
        )
    element = arguments[0] if arguments else Any
    if cls not in {frozenset, pyrsistent.PSet}:
        return lambda value, _: make(
            converter.structure(part, element) for part in expect(value, list)
        )

    def decode_set(value: Any, _tp: Any) -> Any:
        made = make(converter.structure(part, element) for part in expect(value, list))
        if len(made) != len(value):
            refuse_value("each element of a set once", value)
        return made

    return decode_set


def _make_decode_map(
    converter: Converter, key_type: Any, value_type: Any
) -> Callable[[Any, Any], Any]:
    def decode(value: Any, _tp: Any) -> Any:
        entries = {
            converter.structure(key, key_type): converter.structure(entry, value_type)
            for key, entry in _pairs_of(value)
        }
        if len(entries) != len(value):
            refuse_value("each key of a map once", value)
        return pyrsistent.pmap(entries)

    return decode


def _pairs_of(value: Any) -> Iterable[Any]:
    """Return the pairs of key and value that a JSON object has, or a list of lists of two."""
    pairs: Any = value  # its type is not narrowed
    if isinstance(value, dict):
        return pairs.items()  # type: ignore[no-any-return]  # the pairs of a dict
    if not isinstance(value, list):
        refuse_value("a JSON object, or a list of pairs", value)
    for pair in pairs:
        if len(expect(pair, list)) != 2:  # noqa: PLR2004  # a key and its value
            refuse_value("a pair of key and value", pair)
    return pairs  # type: ignore[no-any-return]  # a list of them
