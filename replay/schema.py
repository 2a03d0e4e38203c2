"""The schema of an application: what JSON its actions and state are written as, by version.

What belongs here: listing the classes that a reducer reaches, the fingerprint, and the file's form.
What does not: comparing two schemas, which `schema_verdict` does.
"""

from __future__ import annotations

import hashlib
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from refold.actions.action import Action
from refold.actions.annotation_scope import resolved_field_types
from refold.actions.upcaster import upcast_key, upcasts_of
from refold.errors import PayloadError
from refold.replay.schema_forms import form_of, sorted_json
from refold.replay.upcaster_chain import version_of

if TYPE_CHECKING:
    from refold.reducers.reducer import Reducer

__all__ = ["ClassSchema", "Field", "Kind", "Schema", "leads_on", "schema_of"]

Kind: TypeAlias = Literal["action", "record", "row"]
"""An action; a record written as an object; a NamedTuple, which is written as a list."""

_DIGEST_BYTES: Final = 16


@attrs.frozen
class Field:
    """One field of a class."""

    form: Any
    """What JSON it is written as; see `schema_forms`."""

    required: bool
    """Whether it has no default."""


@attrs.frozen
class ClassSchema:
    """One class, in the version that it had, and in earlier ones that were locked before."""

    kind: Kind

    version: int

    fields: Mapping[str, Field]
    """By name, in the order of declaration, without ``at_ms``."""

    earlier: Mapping[int, Mapping[str, Field]] = attrs.field(factory=dict[int, Mapping[str, Field]])
    """The fields of earlier versions."""

    tp: Any = attrs.field(default=None, eq=False)
    """The loaded type form; None if the schema was read from a file."""

    def fields_by_version(self) -> dict[int, Mapping[str, Field]]:
        """Return the fields of every version that is known."""
        return {**self.earlier, self.version: self.fields}


@attrs.frozen
class Schema:
    """The classes that an application's logs are made of."""

    state: Any
    """The form of the root state."""

    classes: Mapping[str, ClassSchema]
    """Actions by wire name; records by class name, or full name if two classes share one."""

    former: Mapping[str, ClassSchema] = attrs.field(factory=dict[str, ClassSchema])
    """Records that are gone, but stand in payloads of earlier versions."""

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits, the same for the same classes in every process."""
        value = {
            "state": self.state,
            "classes": {
                name: [one.kind, one.version, [[n, f.form, f.required] for n, f in _sorted(one)]]
                for name, one in self.classes.items()
            },
        }
        text = sorted_json(value).encode()
        return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).hexdigest()


def schema_of(reducer: Reducer[Any]) -> Schema:
    """Return the schema of what a reducer folds, and of its state.

    Raises:
        PayloadError: an annotation of a class cannot be resolved.
        ValueTypeError: a field's type cannot be written to a log.
    """
    reducer.check_action_types()
    actions = sorted(reducer.handles, key=lambda cls: cls.wire_name)
    initial: Any = reducer.initial
    reducer.check_state_type(initial, type(initial).__name__)
    names = _name_all(_reachable(actions, type(initial)))
    classes = {cls.wire_name: _action_schema(cls, names.__getitem__) for cls in actions}
    classes |= {name: _record_schema(tp, names.__getitem__) for tp, name in names.items()}
    state = form_of(type(initial), names.__getitem__)
    return Schema(state, dict(sorted(classes.items())))


def leads_on(one: ClassSchema, from_version: int) -> bool:
    """Tell whether a loaded class has an upcaster from a version."""
    cls: Any = typing.get_origin(one.tp) or one.tp
    return isinstance(cls, type) and from_version in upcasts_of(upcast_key(cls))


def _reachable(actions: Iterable[type[Action]], state_type: Any) -> list[Any]:
    """Return the state's class, and all records that the fields of a class hold."""
    found: dict[Any, None] = {}
    pending: list[Any] = []

    def visit(tp: Any) -> str:
        if tp not in found:
            found[tp] = None
            pending.append(tp)
        return ""

    form_of(state_type, visit)
    for cls in actions:
        _action_schema(cls, visit)
    while pending:
        _record_schema(pending.pop(), visit)
    return list(found)


def _name_all(records: Iterable[Any]) -> dict[Any, str]:
    """Return a name for each record: short, unless two classes have the same."""
    short: dict[Any, str] = {tp: _name_of(tp, is_full=False) for tp in records}
    taken = list(short.values())
    named = {
        tp: name if taken.count(name) == 1 else _name_of(tp, is_full=True)
        for tp, name in short.items()
    }
    return dict(sorted(named.items(), key=lambda pair: pair[1]))


def _name_of(tp: Any, *, is_full: bool) -> str:
    cls: Any = typing.get_origin(tp) or tp
    name = f"{cls.__module__}.{cls.__qualname__}" if is_full else str(cls.__name__)
    arguments = typing.get_args(tp)
    if not arguments:
        return name
    forms = [form_of(part, lambda one: _name_of(one, is_full=is_full)) for part in arguments]
    return f"{name}[{', '.join(f if isinstance(f, str) else sorted_json(f) for f in forms)}]"


def _action_schema(cls: type[Action], name_record: Callable[[Any], str]) -> ClassSchema:
    fields = _fields_of(cls, name_record)
    fields.pop("at_ms", None)  # it stands in the envelope
    return ClassSchema("action", version_of(cls), fields, tp=cls)


def _record_schema(tp: Any, name_record: Callable[[Any], str]) -> ClassSchema:
    cls: Any = typing.get_origin(tp) or tp
    fields = _fields_of(tp, name_record)
    if not attrs.has(cls):
        return ClassSchema("row", 1, fields, tp=tp)
    # an action that a state holds says no version there
    version = 1 if issubclass(cls, Action) else version_of(cls)
    return ClassSchema("record", version, fields, tp=tp)


def _fields_of(tp: Any, name_record: Callable[[Any], str]) -> dict[str, Field]:
    cls: Any = typing.get_origin(tp) or tp
    parameters = getattr(cls, "__parameters__", ())
    variables = dict(zip(parameters, typing.get_args(tp), strict=False))
    try:
        types = resolved_field_types(cls)
    except NameError as error:
        message = (
            f"the annotations of {cls.__qualname__} cannot be resolved ({error}); import what they"
            f" name at run time, and declare state classes at module level"
        )
        raise PayloadError(message, path=cls.__name__) from error
    return {
        name: Field(form_of(types[name], name_record, variables), required)
        for name, required in _written_fields(cls).items()
    }


def _written_fields(cls: Any) -> dict[str, bool]:
    """Return the fields that are written, each with whether it is required."""
    if not attrs.has(cls):
        return dict.fromkeys(cls._fields, True)
    fields: Any = attrs.fields(cls)  # a tuple of them
    return {field.name: field.default is attrs.NOTHING for field in fields if field.init}


def _sorted(one: ClassSchema) -> list[tuple[str, Field]]:
    """Return the fields in an order that says nothing, unless the log has them by place."""
    pairs = list(one.fields.items())
    return pairs if one.kind == "row" else sorted(pairs, key=lambda pair: pair[0])
