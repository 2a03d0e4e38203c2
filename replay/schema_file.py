"""The file of a locked schema: canonical JSON that a person can read and a review can compare.

What belongs here: writing, reading and merging.  What does not: opening files, which the command
does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from refold.replay.scalar_codec import json_object
from refold.replay.schema import ClassSchema, Field, Kind, Schema, leads_on
from refold.replay.schema_forms import check_form

__all__ = ["FILE_VERSION", "SchemaFileError", "keep_history", "read_schema", "write_schema"]

FILE_VERSION: Final = 1
"""The version of the file's form; a reader refuses another."""

_KINDS: Final[tuple[Kind, ...]] = ("action", "record", "row")


class SchemaFileError(ValueError):
    """A text is no locked schema; says why and what to do."""


def write_schema(schema: Schema) -> bytes:
    """Return the text of a schema's file: the same bytes for the same schema."""
    value = {
        "refold_schema": FILE_VERSION,
        "fingerprint": schema.fingerprint,
        "state": schema.state,
        "classes": {name: _class_json(one) for name, one in schema.classes.items()},
        "former": {name: _class_json(one) for name, one in schema.former.items()},
    }
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(value, option=options)


def read_schema(text: bytes) -> Schema:
    """Return the schema that a file holds.

    Raises:
        SchemaFileError: it holds none, or was changed by hand.
    """
    try:
        read = orjson.loads(text)
    except ValueError as error:
        message = f"it is no JSON ({error}); write it again with refold schema lock"
        raise SchemaFileError(message) from error
    value = json_object(read)
    version = value.get("refold_schema")
    if version != FILE_VERSION:
        message = (
            f"it is no locked schema of form {FILE_VERSION} (its refold_schema is {version!r});"
            f" give the file that refold schema lock wrote, or update refold"
        )
        raise SchemaFileError(message)
    try:
        schema = _read_classes(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        message = f"it is no locked schema: {reason}; restore it, or lock the schema again"
        raise SchemaFileError(message) from error
    if schema.fingerprint != value["fingerprint"]:
        message = (
            f"its fingerprint {value['fingerprint']!r} is not that of its classes,"
            f" {schema.fingerprint!r}: it was changed by hand or merged; restore it, or lock the"
            f" schema again"
        )
        raise SchemaFileError(message)
    return schema


def keep_history(new: Schema, old: Schema) -> Schema:
    """Return a new schema with the earlier versions that the old one knew.

    Upcasters are proven from every version that was ever locked, so that one stays proven when its
    class has gone further.  A version from which no upcaster leads any more was given up.
    """
    classes = {
        name: _with_earlier(one, old.classes.get(name) or old.former.get(name))
        for name, one in new.classes.items()
    }
    gone = {**old.former, **old.classes}
    former = {
        name: one for name, one in gone.items() if name not in classes and one.kind != "action"
    }
    return Schema(new.state, classes, _needed(former, classes))


def _needed(
    former: Mapping[str, ClassSchema], classes: Mapping[str, ClassSchema]
) -> dict[str, ClassSchema]:
    """Return those records that are gone, but stand in an earlier version that is kept."""
    found: dict[str, ClassSchema] = {}
    pending = list(classes.values())
    while pending:
        for fields in pending.pop().fields_by_version().values():
            for field in fields.values():
                for name in _records_in(field.form):
                    if name in former and name not in found:
                        found[name] = former[name]
                        pending.append(former[name])
    return dict(sorted(found.items()))


def _records_in(form: Any) -> list[str]:
    if isinstance(form, list):
        inner: list[Any] = [*form]
        return [name for part in inner for name in _records_in(part)]
    parts = json_object(form)
    if "record" in parts and isinstance(parts["record"], str):
        return [parts["record"]]
    if "enum" in parts or "literal" in parts:
        return []
    return _records_in(list(parts.values()))


def _with_earlier(new: ClassSchema, old: ClassSchema | None) -> ClassSchema:
    known = {} if old is None or old.kind != new.kind else old.fields_by_version()
    earlier = {v: fields for v, fields in known.items() if v < new.version and leads_on(new, v)}
    return ClassSchema(new.kind, new.version, new.fields, dict(sorted(earlier.items())), new.tp)


def _class_json(one: ClassSchema) -> dict[str, Any]:
    earlier = {str(version): _fields_json(fields) for version, fields in one.earlier.items()}
    return {
        "kind": one.kind,
        "version": one.version,
        "fields": _fields_json(one.fields),
        "earlier": earlier,
    }


def _fields_json(fields: Mapping[str, Field]) -> list[dict[str, Any]]:
    return [
        {"name": name, "form": field.form, "required": field.required}
        for name, field in fields.items()
    ]


def _read_classes(value: dict[str, Any]) -> Schema:
    former = {name: _read_class(name, one) for name, one in value["former"].items()}
    classes = {name: _read_class(name, one) for name, one in value["classes"].items()}
    schema = Schema(value["state"], classes, former)
    records = {n: one for n, one in {**former, **classes}.items() if one.kind != "action"}
    check_form(schema.state, records)
    for one in (*classes.values(), *former.values()):
        for fields in one.fields_by_version().values():
            for field in fields.values():
                check_form(field.form, records)
    return schema


def _read_class(name: str, value: Any) -> ClassSchema:
    kind, version = value["kind"], value["version"]
    if kind not in _KINDS or type(version) is not int or version < 1:
        message = f"{name} is a {kind!r} of version {version!r}"
        raise ValueError(message)
    earlier = {int(one): _read_fields(fields) for one, fields in value["earlier"].items()}
    return ClassSchema(kind, version, _read_fields(value["fields"]), earlier)


def _read_fields(value: Any) -> dict[str, Field]:
    return {str(one["name"]): Field(one["form"], bool(one["required"])) for one in value}
