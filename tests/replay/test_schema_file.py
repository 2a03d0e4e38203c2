"""The file that a schema is locked in: it comes back as it was, and keeps what is still read.

What belongs here: writing, reading and refusing files.  What does not: what stands in a schema
(`test_schema_fingerprint`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings

from refold.reducers.reducer import Reducer
from refold.replay.schema import ClassSchema, Field, Schema, schema_of
from refold.replay.schema_file import SchemaFileError, keep_history, read_schema, write_schema
from tests.replay.aging_application import FIRST, SECOND, THIRD, load_application
from tests.strategies.typed_values import value_strategies


@pytest.mark.parametrize("text", [FIRST, SECOND, THIRD], ids=["first", "second", "third"])
def test_a_schema_comes_back_from_its_file_as_it_was(text: str) -> None:
    """Writing and reading keeps classes and fingerprint, and the bytes are the same again."""
    schema = schema_of(load_application(text).root)
    read = read_schema(write_schema(schema))
    assert read == schema
    assert write_schema(read) == write_schema(schema)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(form=value_strategies)
def test_a_form_of_any_type_comes_back_from_the_file(form: Any) -> None:
    """Every type that a field may have has a form, which its file's reader takes."""
    cls = attrs.make_class("Holder", {"field": attrs.field(type=form[0])}, frozen=True)
    cls.__annotations__ = {"field": form[0]}

    @attrs.frozen
    class Root:
        holder: Any = None

    Root.__annotations__ = {"holder": cls | None}
    schema = schema_of(Reducer(Root()))
    assert read_schema(write_schema(schema)) == schema


def change_fields(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change of a file's top level."""

    def change(value: dict[str, Any]) -> None:
        value |= fields

    return change


def drop_former(value: dict[str, Any]) -> None:
    """Take a part of a file away."""
    del value["former"]


def set_form(form: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change of the form of a field."""

    def change(value: dict[str, Any]) -> None:
        value["classes"]["aging/ordered"]["fields"][0]["form"] = form

    return change


def set_version(version: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change of the version of a class."""

    def change(value: dict[str, Any]) -> None:
        value["classes"]["aging/ordered"]["version"] = version

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_fields(refold_schema=2), "its refold_schema is 2.*update refold"),
        (change_fields(classes=[]), "it is no locked schema"),
        (change_fields(fingerprint="0"), "changed by hand or merged"),
        (change_fields(state="nonsense"), "is no form of a type"),
        (change_fields(state={"record": "Nobody"}), "is no form of a type"),
        (set_form({"tuple": "nonsense"}), '"nonsense" is no form'),
        (set_form({"tuple": "int", "more": 1}), "is no form"),
        (set_form({"union": {}, "none": 1}), "is no form"),
        (set_form({"pmap": ["int"]}), "is no form"),
        (set_form({}), "is no form"),
        (set_form("int"), "changed by hand"),
        (set_version(0), "of version 0"),
        (set_version(True), "of version True"),
        (drop_former, "it lacks 'former'"),
    ],
)
def test_a_file_that_is_none_is_refused(
    change: Callable[[dict[str, Any]], None], words: str
) -> None:
    """What was changed by hand, merged or written by a newer refold says so."""
    value = json.loads(write_schema(schema_of(load_application(FIRST).root)))
    change(value)
    with pytest.raises(SchemaFileError, match=words):
        read_schema(json.dumps(value).encode())


@pytest.mark.parametrize("text", [b"", b"<<<<<<< HEAD\n", b"[]", b"null", b"\xff"])
def test_a_text_that_is_no_schema_is_refused(text: bytes) -> None:
    """No JSON, or another kind of it."""
    with pytest.raises(SchemaFileError, match="schema"):
        read_schema(text)


def test_the_history_of_a_class_is_kept_as_long_as_it_is_read() -> None:
    """Locking keeps earlier versions that an upcaster leads from, and records that they hold."""
    first = schema_of(load_application(FIRST).root)
    second = keep_history(schema_of(load_application(SECOND).root), first)
    third = keep_history(schema_of(load_application(THIRD).root), read_schema(write_schema(second)))
    ordered = third.classes["aging/ordered"]
    assert {v: list(fields) for v, fields in ordered.earlier.items()} == {
        1: ["article"],
        2: ["article", "count"],
    }
    assert list(third.classes["Line"].earlier) == [1]
    assert third.fingerprint == schema_of(load_application(THIRD).root).fingerprint
    shortened = THIRD.replace('@upcaster("aging/ordered", from_version=1)', "")
    given_up = keep_history(schema_of(load_application(shortened).root), third)
    assert list(given_up.classes["aging/ordered"].earlier) == [2]


def test_a_record_that_is_gone_is_kept_while_a_payload_holds_it() -> None:
    """A record that only an earlier version of a class holds stays in the file."""
    gone = ClassSchema(
        "record", 1, {"number": Field({"tuple": {"record": "Inner"}}, required=True)}
    )
    inner = ClassSchema(
        "record", 1, {"word": Field({"enum": "E", "members": {"record": 1}}, required=True)}
    )
    loose = ClassSchema("record", 1, {})
    holder = {"gone": Field({"record": "Gone"}, required=True)}
    old = Schema("int", {"Gone": gone, "Inner": inner, "Loose": loose})
    assert keep_history(Schema("int", {"Holder": ClassSchema("record", 2, {})}), old).former == {}
    kept = keep_history(Schema("int", {"Holder": ClassSchema("record", 2, holder)}), old)
    assert set(kept.former) == {"Gone", "Inner"}
