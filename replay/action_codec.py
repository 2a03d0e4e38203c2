"""Actions and states to JSON and back, by their declared types.

What belongs here: finding the class for a record, and saying what to do when there is none.  What
does not: the single value types, which `value_codec` knows, and the steps between two versions,
which `upcaster_chain` takes.

A fast converter goes first.  Whatever it refuses the careful one judges, which is the reference: it
says what is wrong and where.
"""

from __future__ import annotations

import functools
import reprlib
import typing
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs
import cattrs
from pyrsistent import PDeque, PMap, PSet, PVector

from refold.actions.annotation_scope import resolved_field_types
from refold.actions.check_value_type import check_class
from refold.actions.registry import find_action_class
from refold.errors import PayloadError, UnknownActionError
from refold.reducers.root_shape import RootShape
from refold.replay.fast_records import (
    add_fast_records,
    is_fast_record,
    make_fast_decode,
    make_fast_encode,
)
from refold.replay.scalar_codec import json_object
from refold.replay.upcaster_chain import UpcastError, check_chain, explain_missing_step, upcast
from refold.replay.upcaster_records import add_record_versions, mark_version, upcast_record
from refold.replay.value_codec import make_value_converter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cattrs import Converter

    from refold.actions.action import Action
    from refold.replay.log_record import LogRecord

__all__ = [
    "decode_action",
    "decode_fields",
    "decode_present",
    "decode_state",
    "decode_value",
    "encode_payload",
    "encode_state",
]

T = TypeVar("T")


@functools.cache
def _converter() -> Converter:
    """Return the careful converter."""
    converter = make_value_converter()
    add_record_versions(converter)
    return converter


@functools.cache
def _fast_converter() -> Converter:
    converter = make_value_converter()
    add_fast_records(converter)
    add_record_versions(converter)
    return converter


_fast_encoders: Final[dict[type, Callable[[Any], dict[str, Any]]]] = {}
"""By action class, the fast way to its payload; entered when a class is first met."""

_fast_decoders: Final[dict[type, Callable[[Any, Any], Any]]] = {}
"""By action class, the fast way back from payload and ``at_ms``."""


def _make_fast_encoder(cls: type[Action]) -> Callable[[Any], dict[str, Any]]:
    if is_fast_record(cls):
        return make_fast_encode(cls, _fast_converter(), without="at_ms")
    encode = _fast_converter().get_unstructure_hook(cls)

    def encode_and_drop(action: Action) -> dict[str, Any]:
        payload = encode(action)
        payload.pop("at_ms", None)
        return payload  # type: ignore[no-any-return]  # an attrs record gives a dict

    return encode_and_drop


def _make_fast_decoder(cls: type[Action]) -> Callable[[Any, Any], Any]:
    if is_fast_record(cls):
        return make_fast_decode(cls, _fast_converter(), given="at_ms")
    decode = _fast_converter().get_structure_hook(cls)
    return lambda payload, at_ms: decode({**payload, "at_ms": at_ms}, cls)


def encode_payload(action: Action) -> dict[str, Any]:
    """Return an action's fields but ``at_ms`` as JSON values.

    Raises:
        ValueTypeError: a field's type cannot be serialised.
        PayloadError: a value does not fit its declared type.
    """
    try:
        return _fast_encoders[action.__class__](action)
    except Exception:  # noqa: BLE001  # whatever it is, it is met again and said below
        return _encode_payload_carefully(action)


def _encode_payload_carefully(action: Action) -> dict[str, Any]:
    cls = type(action)
    check_class(cls)
    payload = _encode_carefully(action, cls)
    payload.pop("at_ms", None)
    if cls not in _fast_encoders:
        _fast_encoders[cls] = _make_fast_encoder(cls)
    return payload  # type: ignore[no-any-return]  # an attrs record gives a dict


def decode_action(record: LogRecord) -> Action:
    """Return the action that a record holds; an older one by way of its class's upcasters.

    Raises:
        UnknownActionError: no loaded class has its name, or it is newer than the class, or no
            upcaster leads from its version.
        PayloadError: a value does not fit its declared type, or an upcaster raised.
        ActionDeclarationError: the upcasters of the class make no whole chain.
    """
    try:
        return decode_present(record.name, record.version, record.payload, record.at_ms)
    except Exception:  # noqa: BLE001  # whatever it is, it is met again and said below
        return _decode_action_carefully(record, find_action_class(record.name))


def decode_present(
    name: str, version: int, payload: Mapping[str, Any], at_ms: int | None
) -> Action:
    """Return the action of the present version of a class, the fast way.

    Raises:
        Exception: any, if this is not the way; `decode_action` is then to be asked.
    """
    cls: Any = find_action_class(name)
    if version != cls.wire_version:
        raise ValueError(version)
    check_chain(cls)
    return decode_fields(cls, payload, at_ms)


def decode_fields(cls: type[Action], payload: Mapping[str, Any], at_ms: int | None) -> Action:
    """Return the action of a class that has a whole chain, in its present version, the fast way.

    Raises:
        Exception: any, if this is not the way, as before `decode_action` has met the class.
    """
    action: Action = _fast_decoders[cls](payload, at_ms)
    return action


def _decode_action_carefully(record: LogRecord, cls: type[Action] | None) -> Action:
    if cls is None:
        message = (
            f"{_place_of(record)} is the action {record.name!r}, which no loaded module declares;"
            f" import the module that does, or give it by --app module:root"
        )
        raise UnknownActionError(message)
    check_chain(cls)
    if record.version == cls.wire_version:
        payload, where = record.payload, f"{_place_of(record)} ({record.name})"
    else:
        payload = _upcast_payload(record, cls)
        where = (
            f"{_place_of(record)} ({record.name}), upcast from version {record.version} to"
            f" {cls.wire_version},"
        )
    action = cast("Action", _decode_carefully({**payload, "at_ms": record.at_ms}, cls, where))
    if cls not in _fast_decoders:
        _fast_decoders[cls] = _make_fast_decoder(cls)
    return action


def _place_of(record: LogRecord) -> str:
    """Say where a record stands; one without a number stands in no log."""
    return f"seq {record.seq}" if record.seq else "the text"


def _upcast_payload(record: LogRecord, cls: type[Action]) -> Mapping[str, Any]:
    is_newer = record.version > cls.wire_version
    try:
        payload = None if is_newer else upcast(record.payload, cls, record.version)
    except UpcastError as error:
        message = f"{_place_of(record)} ({record.name}) is version {record.version}: {error}"
        raise PayloadError(message, path=cls.__name__) from error
    if payload is not None:
        return payload
    missing = explain_missing_step(cls, record.version)
    message = (
        f"{_place_of(record)} is {record.name!r} in version {record.version}, but the loaded class"
        f" {cls.__qualname__} is version {cls.wire_version};"
        f" {'update the application' if is_newer else missing}"
    )
    raise UnknownActionError(message)


def encode_state(state: object) -> Any:
    """Return a state as JSON values.

    A field that is absent is left out.  A bare collection does not tell the type of its elements,
    so it becomes None: only a run that starts from the reducer's own initial state can be replayed.

    Raises:
        PayloadError: a value does not fit its declared type.
    """
    cls = type(state)
    if not attrs.has(cls):
        is_bare = isinstance(state, PVector | PDeque | PMap | PSet | tuple | frozenset)
        return None if is_bare else _encode(state, cls)
    types = resolved_field_types(cls)
    present = [name for name in types if hasattr(state, name)]
    if len(present) == len(types):
        return _encode(state, cls)
    fields = {name: _encode(getattr(state, name), types[name]) for name in present}
    return mark_version(fields, cls)


def decode_state(value: Any, cls: type[T]) -> T:
    """Return the state that was encoded from an instance of the class.

    Raises:
        PayloadError: a value does not fit its declared type.
    """
    where = "the start state"
    types = resolved_field_types(cls) if _is_record(cls) else {}
    parts = _upcast_fields(value, cls, where) if _is_record(cls) else {}
    if not parts or not set(parts) < set(types):
        return cast("T", decode_value(value, cls, where))
    # fields that were absent stay so
    decoded = {name: decode_value(part, types[name], where) for name, part in parts.items()}
    return RootShape(cls).build(decoded)


def decode_value(value: Any, tp: Any, where: str) -> Any:
    """Return the value of a type form that was encoded.

    Args:
        value: JSON values.
        tp: the type form.
        where: what the value is, to begin an error's sentence with.

    Raises:
        PayloadError: the value does not fit.
    """
    try:
        return _fast_converter().structure(value, tp)
    except Exception:  # noqa: BLE001  # whatever it is, it is met again and said below
        return _decode_carefully(value, tp, where)


def _decode_carefully(value: Any, tp: Any, where: str) -> Any:
    """Decode carefully."""
    try:
        return _converter().structure(value, tp)
    except NameError as error:
        raise _unresolvable(tp, error) from error
    except Exception as error:
        name = _name_of(tp)
        reasons = cattrs.transform_error(error, path=name, format_exception=_reason)
        path = reasons[0].rpartition(" @ ")[2] if " @ " in reasons[0] else name
        message = (
            f"{where} does not fit {getattr(tp, '__qualname__', name)}: {'; '.join(reasons)}; was a"
            f" field changed without a new version of the class?"
        )
        raise PayloadError(message, path=path) from error


def _upcast_fields(value: Any, cls: type, where: str) -> dict[str, Any]:
    try:
        return json_object(upcast_record(value, cls))
    except (TypeError, ValueError) as error:
        message = f"{where} does not fit {cls.__qualname__}: {error}"
        raise PayloadError(message, path=cls.__name__) from error


def _encode(value: Any, cls: Any) -> Any:
    try:
        return _fast_converter().unstructure(value, cls)
    except Exception:  # noqa: BLE001  # whatever it is, it is met again and said below
        return _encode_carefully(value, cls)


def _encode_carefully(value: Any, cls: Any) -> Any:
    try:
        return _converter().unstructure(value, cls)
    except NameError as error:
        raise _unresolvable(cls, error) from error
    except Exception as error:
        path = _failing_path(value, cls, _name_of(cls))
        message = (
            f"{path} of {reprlib.repr(value)} holds a value that does not fit its declared type:"
            f" {error}; give the field a value of the type that it is declared with"
        )
        raise PayloadError(message, path=path) from error


def _reason(error: BaseException, _tp: Any) -> str:
    if isinstance(error, KeyError):
        return f"required field missing: {error}"
    return str(error) or type(error).__name__


def _failing_path(value: Any, tp: Any, path: str) -> str:
    """Return the path of the innermost field whose value cannot be encoded."""
    cls = typing.get_origin(tp) or tp
    if not attrs.has(cls) or type(value) is not cls:
        return path
    for name, field_type in resolved_field_types(cls).items():
        part = getattr(value, name)
        try:
            _converter().unstructure(part, field_type)
        except Exception:  # noqa: BLE001  # it was reported once; here it is only found again
            return _failing_path(part, field_type, f"{path}.{name}")
    return path


def _is_record(cls: type[Any]) -> bool:
    return attrs.has(cls)


def _name_of(tp: Any) -> str:
    return getattr(tp, "__name__", str(tp))


def _unresolvable(cls: type, error: NameError) -> PayloadError:
    message = (
        f"the annotations of {cls.__qualname__} cannot be resolved ({error}); import what they name"
        f" at run time, not only under TYPE_CHECKING, and declare state classes at module level"
    )
    return PayloadError(message, path=cls.__name__)
