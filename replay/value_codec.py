"""The codec of values: every type that a state or action may hold, to JSON and exactly back.

What belongs here: joining the codecs of the kinds of types that `check_value_type` allows.  What
does not: the envelope of an action, which `action_codec` writes.

What JSON lacks is written as an object with one key that begins with ``$``: ``{"$float": "nan"}``,
``{"$int": "0x..."}`` beyond 64 bits, ``{"$str": "..."}`` for a text with a lone surrogate,
``{"$of": "Name", "value": ...}`` for a member of a union.
"""

from __future__ import annotations

from cattrs import Converter

from refold.replay.collection_codec import add_collections
from refold.replay.entity_codec import add_entities
from refold.replay.record_codec import add_records
from refold.replay.scalar_codec import add_scalars
from refold.replay.union_codec import add_unions

__all__ = ["make_value_converter"]


def make_value_converter() -> Converter:
    """Return a cattrs converter with a hook for each allowed type."""
    converter = Converter(forbid_extra_keys=True)
    add_scalars(converter)
    add_collections(converter)
    add_records(converter)
    add_entities(converter)
    add_unions(converter)
    return converter
