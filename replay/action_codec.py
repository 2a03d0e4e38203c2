"""Actions and states to JSON and back, by their declared types.

What belongs here: finding the class for a record, and saying what to do when there is none.  What
does not: the single value types, which `value_codec` knows.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import cattrs

from refold.actions.check_value_type import check_class
from refold.actions.registry import find_action_class
from refold.errors import PayloadError, UnknownActionError
from refold.replay.value_codec import make_value_converter

if TYPE_CHECKING:
    from cattrs import Converter

    from refold.actions.action import Action
    from refold.replay.log_record import LogRecord

__all__ = ["decode_action", "decode_state", "encode_payload", "encode_state"]

T = TypeVar("T")


@functools.cache
def _converter() -> Converter:
    return make_value_converter()


def encode_payload(action: Action) -> dict[str, Any]:
    """Return an action's fields but ``at_ms`` as JSON values.

    Raises:
        ValueTypeError: a field's type cannot be serialised.
        PayloadError: a value does not fit its declared type.
    """
    check_class(type(action))
    payload = _encode(action, type(action))
    payload.pop("at_ms", None)
    return payload  # type: ignore[no-any-return]  # an attrs record gives a dict


def decode_action(record: LogRecord) -> Action:
    """Return the action that a record holds.

    Raises:
        UnknownActionError: no loaded class has its name, or not in this version.
        PayloadError: a value does not fit its declared type.
    """
    cls = find_action_class(record.name)
    if cls is None:
        message = (
            f"seq {record.seq} is the action {record.name!r}, which no loaded module declares;"
            f" import the module that does, or give it by --app module:root"
        )
        raise UnknownActionError(message)
    if record.version != cls.wire_version:
        is_newer = record.version > cls.wire_version
        advice = "update the application" if is_newer else "declare an upcaster for it"
        message = (
            f"seq {record.seq} is {record.name!r} in version {record.version}, but the loaded class"
            f" {cls.__qualname__} is version {cls.wire_version}; {advice}"
        )
        raise UnknownActionError(message)
    where = f"seq {record.seq} ({record.name})"
    return _decode({**record.payload, "at_ms": record.at_ms}, cls, where)


def encode_state(state: object) -> Any:
    """Return a state as JSON values; a field that is absent is left out.

    Raises:
        PayloadError: a value does not fit its declared type.
    """
    cls = type(state)
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    present = [field for field in fields if hasattr(state, field.name)]
    if len(present) == len(fields):
        return _encode(state, cls)
    return {f.name: _encode(getattr(state, f.name), f.type or cls) for f in present}


def decode_state(value: Any, cls: type[T]) -> T:
    """Return the state that was encoded from an instance of the class.

    Raises:
        PayloadError: a value does not fit its declared type.
    """
    return _decode(value, cls, "the start state")


def _encode(value: Any, cls: Any) -> Any:
    try:
        return _converter().unstructure(value, cls)
    except NameError as error:
        raise _unresolvable(cls, error) from error
    except Exception as error:
        message = (
            f"{cls.__name__} {value!r} holds a value that does not fit its declared type: {error};"
            f" give the field the type that it is declared with"
        )
        raise PayloadError(message, path=cls.__name__) from error


def _decode(value: Any, cls: type[T], where: str) -> T:
    try:
        return _converter().structure(value, cls)
    except NameError as error:
        raise _unresolvable(cls, error) from error
    except Exception as error:
        reasons = cattrs.transform_error(error, path=cls.__name__)
        path = reasons[0].rpartition(" @ ")[2] if " @ " in reasons[0] else cls.__name__
        message = (
            f"{where} does not fit {cls.__qualname__}: {'; '.join(reasons)}; was a field changed"
            f" without a new version of the class?"
        )
        raise PayloadError(message, path=path) from error


def _unresolvable(cls: type, error: NameError) -> PayloadError:
    message = (
        f"the annotations of {cls.__qualname__} cannot be resolved ({error}); import what they name"
        f" at run time, not only under TYPE_CHECKING, and declare state classes at module level"
    )
    return PayloadError(message, path=cls.__name__)
