"""The codec of `Entities`: the two fields, as any record's, whichever map keeps the entities.

What belongs here: the two ways in which they differ from other records.  Another map than
pyrsistent's is written as if it were pyrsistent's.  And entities whose class no annotation tells,
because they are the whole state, are not written at all: only a run from the reducer's own initial
state can be replayed, as with a bare collection.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyrsistent import PMap, PVector, pmap

from refold.reducers.entities import Entities
from refold.replay.scalar_codec import expect

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["add_entities"]

_VECTOR: Any = PVector
_MAP: Any = PMap


def add_entities(converter: Converter) -> None:
    """Teach a converter that knows records to write and read entities."""

    def make_encode(tp: Any) -> Callable[[Any], Any]:
        arguments = typing.get_args(tp)
        if not arguments:
            return _write_nothing
        key_type, value_type = arguments

        def encode(entities: Any) -> dict[str, Any]:
            expect(entities, Entities)
            entries = dict(entities.by_id.items())
            return {
                "ids": converter.unstructure(entities.ids, _VECTOR[key_type]),
                "by_id": converter.unstructure(pmap(entries), _MAP[key_type, value_type]),
            }

        return encode

    converter.register_unstructure_hook_factory(_is_entities, make_encode)


def _is_entities(tp: Any) -> bool:
    return (typing.get_origin(tp) or tp) is Entities


def _write_nothing(entities: Any) -> None:
    expect(entities, Entities)
