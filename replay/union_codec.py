"""The codec of unions: the name of the member's type is written unless JSON tells it."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NewType, Union

from refold.actions.union_choices import union_choices
from refold.replay.collection_codec import CLASS_OF_VALUE
from refold.replay.scalar_codec import json_object

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["add_unions"]

_TOLD_BY_JSON: Final = frozenset({bool, int, float, str})


def add_unions(converter: Converter) -> None:
    """Teach a converter unions of anything it knows."""

    def make_encode(tp: Any) -> Callable[[Any], Any]:
        choices, allows_none = union_choices(tp), type(None) in typing.get_args(tp)

        def encode(value: Any) -> Any:
            if value is None and allows_none:
                return None
            return _encode_choice(converter, choices, value)

        return encode

    def decode(value: Any, tp: Any) -> Any:
        if value is None and type(None) in typing.get_args(tp):
            return None
        return _decode_choice(converter, union_choices(tp), value)

    converter.register_unstructure_hook_factory(_is_union, make_encode)
    converter.register_structure_hook_func(_is_union, decode)


def _is_union(tp: Any) -> bool:
    return typing.get_origin(tp) in {Union, types.UnionType}


def _encode_choice(converter: Converter, choices: dict[str, Any], value: Any) -> Any:
    if len(choices) == 1:
        return converter.unstructure(value, next(iter(choices.values())))
    if type(value) in _TOLD_BY_JSON and type(value) in choices.values():
        return converter.unstructure(value, type(value))
    candidates = [name for name, choice in choices.items() if _is_exactly_of(value, choice)]
    candidates += [name for name, choice in choices.items() if _is_of(value, choice)]
    for name in candidates:
        try:
            return {"$of": name, "value": converter.unstructure(value, choices[name])}
        except (TypeError, ValueError):  # of the kind, but its parts are of other types
            continue
    message = f"expected one of {', '.join(choices)}, got {value!r}"
    raise TypeError(message)


def _decode_choice(converter: Converter, choices: dict[str, Any], value: Any) -> Any:
    if len(choices) == 1:
        return converter.structure(value, next(iter(choices.values())))
    tagged = json_object(value)
    if tagged.get("$of") in choices:
        return converter.structure(tagged["value"], choices[tagged["$of"]])
    by_tag: dict[str, type[Any]] = {"$float": float, "$int": int, "$str": str}
    tagged_class = by_tag.get(next(iter(tagged), ""))
    cls: type[Any] = value.__class__ if tagged_class is None else tagged_class
    if cls in _TOLD_BY_JSON and cls in choices.values():
        return converter.structure(value, cls)
    message = f"expected one of {', '.join(choices)}, got {value!r}"
    raise TypeError(message)


def _is_exactly_of(value: object, choice: Any) -> bool:
    return type(value) is (typing.get_origin(choice) or choice)


def _is_of(value: object, choice: Any) -> bool:
    if isinstance(choice, NewType):
        return _is_of(value, choice.__supertype__)
    origin = typing.get_origin(choice) or choice
    if origin is typing.Literal:
        return any(type(value) is type(one) and value == one for one in typing.get_args(choice))
    if origin is typing.Annotated:
        return _is_of(value, typing.get_args(choice)[0])
    cls = int | float if origin is float else CLASS_OF_VALUE.get(origin, origin)
    return isinstance(cls, type | types.UnionType) and isinstance(value, cls)
