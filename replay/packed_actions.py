"""`make_actions`: the actions of many records, each by the fastest decoder that its class has.

What belongs here: which decoder a record gets.  What does not: decoding itself, which
`fast_decoder` and the codec do; whatever they refuse, `decode_action` judges, which is the
reference.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from refold.actions.registry import find_action_class
from refold.replay.action_codec import decode_action, decode_fields
from refold.replay.fast_decoder import fast_decoder
from refold.replay.packed_record import PackedRecord, unpack
from refold.replay.upcaster_chain import chain_problem

if TYPE_CHECKING:
    import msgspec

    from refold.actions.action import Action
    from refold.replay.log_record import LogRecord

__all__ = ["make_actions"]

_Decode: TypeAlias = "Callable[[msgspec.Raw, int | None], Any]"

_decoders: Final[weakref.WeakKeyDictionary[type[Action], _Decode]] = weakref.WeakKeyDictionary()
"""By action class, its decoder; entered when a class is first met."""

_NO_VERSION: Final = -1
"""That of no record."""


def make_actions(records: Iterable[PackedRecord | LogRecord]) -> list[Action]:
    """Return the actions of records, in their order.

    Raises:
        UnknownActionError: an action cannot be decoded; see `decode_action`.
        PayloadError: a value does not fit its declared type.
        ActionDeclarationError: the upcasters of a class make no whole chain.
    """
    decoders: dict[str, tuple[int, _Decode]] = {}  # of the classes that have the names just now
    actions: list[Action] = []
    for record in records:
        if not isinstance(record, PackedRecord):
            actions.append(decode_action(record))
            continue
        try:
            version, decode = decoders[record.name]
        except KeyError:
            version, decode = decoders[record.name] = _decoder_of(record.name)
        if version == record.version:
            try:
                actions.append(decode(record.payload, record.at_ms))
                continue
            except Exception:  # noqa: BLE001, S110  # whatever it is, it is met again and said below
                pass
        actions.append(decode_action(unpack(record)))
    return actions


def _decoder_of(name: str) -> tuple[int, _Decode]:
    """Return the version that a decoder is for, and the decoder.

    Without one the version is that of no record.
    """
    cls = find_action_class(name)
    if cls is None or chain_problem(cls) is not None:
        return _NO_VERSION, _refuse
    if cls not in _decoders:
        _decoders[cls] = fast_decoder(cls) or _decoder_by_codec(cls)
    return cls.wire_version, _decoders[cls]


def _decoder_by_codec(cls: type[Action]) -> _Decode:
    """Return the way of a class that msgspec is not asked to read."""

    def decode(payload: msgspec.Raw, at_ms: int | None) -> Any:
        return decode_fields(cls, orjson.loads(bytes(payload)), at_ms)

    return decode


def _refuse(_payload: object, _at_ms: object) -> None:
    raise NotImplementedError
