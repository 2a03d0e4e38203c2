"""The schema of an application: its fingerprint, its file, and what a change of it means."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from pyrsistent import pvector

from refold.actions.action import Action, action
from refold.actions.upcaster import upcaster
from refold.errors import PayloadError
from refold.reducers.reducer import Reducer
from refold.replay.schema import ClassSchema, Field, Schema, schema_of
from refold.replay.schema_file import SchemaFileError, keep_history, read_schema, write_schema
from refold.replay.schema_forms import form_of
from refold.replay.schema_verdict import Judgement, Proof, judge_schema
from refold.replay.value_codec import make_value_converter
from tests.replay.aging_application import FIRST, SECOND, THIRD, load_application
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.typed_values import Box, Colour, Flags, Pair, UserId, value_strategies

ROOT = Path(__file__).parents[2]

PRINT_SCHEMA = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
from pyrsistent import PVector
from refold.replay.schema import schema_of
from refold.replay.schema_file import write_schema
from tests.replay.union_orders import root
sys.stdout.write(write_schema(schema_of(root)).decode())
"""

MODULES = [
    "tests.replay.other_orders",
    "tests.strategies.observatory_actions",
    "refold.reducers.ledger",
    "refold.reducers.connection",
]


@attrs.frozen
class Other:
    """A record of a short name that another class has, too."""

    number: int = 0


OtherOfHere = Other


def make_same_name() -> type[Any]:
    """Return another class of the same name."""
    made = attrs.make_class("Other", {"text": attrs.field(type=str, default="")}, frozen=True)
    made.__annotations__ = {"text": str}
    made.__module__ = "elsewhere"
    return made


OtherOfElsewhere = make_same_name()


class Row(NamedTuple):
    """A record that is written as a list."""

    second: int
    first: str | None


@attrs.frozen
class Everything:
    """A state with a field of each kind of form."""

    wire_version: ClassVar[int] = 1
    others: tuple[OtherOfHere, ...]
    elsewhere: frozenset[OtherOfElsewhere]  # type: ignore[valid-type]  # made at run time
    row: Row
    box: Box[float]
    choice: Literal["b", "a", 1]
    flags: Flags
    colour: Colour
    user: UserId | str | None
    pairs: tuple[Pair, int]
    kept: int = 0
    derived: int = attrs.field(init=False, default=1)


@action("schema_fingerprint/everything_set", version=3)
class EverythingSet(Action):
    """An action with the state in it."""

    everything: Everything | None
    note: str = ""


def make_reducer() -> Reducer[Any]:
    """Return a reducer of such a state."""
    state = Everything(
        (), frozenset(), Row(0, None), Box(0.0), "a", Flags.A, Colour.RED, None, (Pair(0.0), 1)
    )
    reducer = Reducer(state)
    reducer.on(EverythingSet)(lambda state, _: state)
    return reducer


def print_schema(seed: str, modules: list[str]) -> str:
    """Return the schema that another process writes under a hash seed, after these imports."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_SCHEMA, *modules],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_fingerprint_depends_on_no_process_hash_seed_or_import_order() -> None:
    """Whole files are the same bytes, whatever the seed and whatever was imported before."""
    expected = print_schema("0", [])
    assert len(json.loads(expected)["fingerprint"]) == 32
    assert print_schema("1", MODULES) == expected
    assert print_schema("12345", MODULES[::-1]) == expected
    assert print_schema("random", []) == expected


def test_each_kind_of_type_has_its_form() -> None:
    """Actions by wire name, records by class name, at_ms and underived fields only."""
    schema = schema_of(make_reducer())
    here = f"{__name__}.Other"
    assert set(schema.classes) == {
        "schema_fingerprint/everything_set", "Everything", "Row", "Pair", "Box[float]",
        here, "elsewhere.Other",
    }  # fmt: skip
    assert schema.state == {"record": "Everything"}
    action_schema = schema.classes["schema_fingerprint/everything_set"]
    assert (action_schema.kind, action_schema.version) == ("action", 3)
    assert list(action_schema.fields) == ["everything", "note"]
    assert [one.required for one in action_schema.fields.values()] == [True, False]
    assert schema.classes["Row"].kind == "row"
    forms = {name: field.form for name, field in schema.classes["Everything"].fields.items()}
    assert "derived" not in forms
    assert forms["choice"] == {"literal": ["a", "b", 1]}
    assert forms["flags"] == {"enum": "Flags", "members": {"A": 1, "B": 2}}
    assert forms["colour"]["members"]["RED"] == "RED"
    assert forms["user"] == {"union": {"UserId": "int", "str": "str"}, "none": True}
    assert forms["pairs"] == {"row": [{"record": "Pair"}, "int"]}
    assert forms["box"] == {"record": "Box[float]"}
    assert schema.classes["Box[float]"].fields["_content"].form == "float"


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


@pytest.mark.parametrize("tp", [UserId | str, tuple[int, ...] | frozenset[int], Colour | Pair])
def test_the_names_in_a_union_are_those_in_the_log(tp: Any) -> None:
    """The names of a union's form are the names that its codec writes."""
    values = {UserId | str: UserId(3), Colour | Pair: Colour.RED}
    value = values.get(tp, (1,))
    written = make_value_converter().unstructure(value, tp)
    assert written["$of"] in form_of(tp, lambda one: str(one.__name__))["union"]


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


def test_a_class_whose_annotations_cannot_be_resolved_is_refused() -> None:
    """A class in a function whose types are only known there says what to do."""

    @attrs.frozen
    class Hidden:
        number: int = 0

    @attrs.frozen
    class Outer:
        hidden: Hidden = Hidden()  # immutable

    with pytest.raises(PayloadError, match="declare state classes at module level"):
        schema_of(Reducer(Outer()))


def test_a_bare_collection_as_a_state_has_a_form() -> None:
    """A state that is no record is part of the fingerprint as far as its type is known."""
    forms = [schema_of(Reducer(state)).state for state in (0, pvector([1]), ())]
    assert forms[0] == "int"
    assert all(isinstance(form, str | dict) for form in forms)


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


def prove_nothing(_name: str, _version: int) -> Proof:
    """Try no payload."""
    return Proof(0)


def judge(old: str, new: str, error: str | None = None) -> dict[str, Judgement]:
    """Return the judgements of one text of the application after the other, by class name."""
    locked = schema_of(load_application(old).root)
    present = schema_of(load_application(new).root)
    proof = Proof(5, {"article": ""} if error else None, error)
    return {one.name: one for one in judge_schema(locked, present, lambda _name, _version: proof)}


def test_what_did_not_change_is_fine() -> None:
    """The same schema again: each class is as it was, and nothing is to be done."""
    judged = judge(SECOND, SECOND)
    assert set(judged) == {"Line", "Shop", "aging/ordered"}
    assert {(one.verdict, one.reason, one.advice) for one in judged.values()} == {
        ("fine", "is as it was", None)
    }


def test_a_new_version_with_a_proven_upcaster_is_fine() -> None:
    """A field more, a version more, an upcaster: fine, and how much was tried."""
    judged = judge(FIRST, SECOND)
    assert {one.verdict for one in judged.values()} == {"fine"}
    assert judged["aging/ordered"].reason == "version 1 became 2; 5 older payloads are read"
    assert judge(FIRST, THIRD)["aging/ordered"].verdict == "fine"


def test_an_upcaster_that_fails_makes_it_impossible() -> None:
    """A payload that cannot be read is told, with why."""
    one = judge(FIRST, SECOND, "too bad")["aging/ordered"]
    assert (one.verdict, one.payload) == ("impossible", {"article": ""})
    assert "a payload of version 1 cannot be read" in one.reason
    assert one.reason.endswith("too bad")
    assert one.advice == "correct the upcaster"


CHANGED = FIRST.replace("    article: str\n\nroot", "    article: str\n    note: str = ''\n\nroot")


@pytest.mark.parametrize(
    ("old", "new", "name", "verdict", "words"),
    [
        (FIRST, CHANGED, "aging/ordered", "risky", "without a new version: note is new, with a"),
        (CHANGED, FIRST, "aging/ordered", "risky", "note is gone"),
        (
            CHANGED,
            CHANGED.replace("note: str = ''", "note: str | None = ''"),
            "aging/ordered",
            "risky",
            "note was str, is str | none",
        ),
        (
            CHANGED,
            CHANGED.replace("note: str = ''", "note: str"),
            "aging/ordered",
            "risky",
            "note lost its default",
        ),
        (
            FIRST,
            FIRST.replace("    article: str\n\n@attrs", "    article: PVector[int]\n\n@attrs"),
            "Line",
            "risky",
            "article was str, is pvector[int]",
        ),
        (SECOND, FIRST, "aging/ordered", "impossible", "went back from version 2 to 1"),
        (
            FIRST,
            SECOND.replace('@upcaster("aging/ordered", from_version=1)', ""),
            "aging/ordered",
            "impossible",
            "version 1 cannot be read any more (count is new, with a default)",
        ),
        (
            FIRST,
            FIRST.replace('@action("aging/ordered")', '@action("aging/ordered", version=2)'),
            "aging/ordered",
            "impossible",
            "version 1 cannot be read any more (only the version)",
        ),
        (
            FIRST,
            SECOND.replace("from_version=1)\ndef order", "from_version=2)\ndef order"),
            "aging/ordered",
            "impossible",
            "make no whole chain",
        ),
        (
            FIRST,
            FIRST.replace("Line", "Item"),
            "Line",
            "fine",
            "no loaded class holds it any more",
        ),
        (FIRST, FIRST.replace("Line", "Item"), "Item", "fine", "is new"),
        (
            FIRST,
            FIRST.replace("Shop", "Store"),
            "(root state)",
            "risky",
            "was Shop, is Store",
        ),
        (
            FIRST.replace("@attrs.frozen\nclass Line:", "class Line(NamedTuple):").replace(
                "import attrs", "import attrs\nfrom typing import NamedTuple"
            ),
            FIRST,
            "Line",
            "impossible",
            "was a NamedTuple, is an attrs class",
        ),
        (
            FIRST.replace("@root.on(Ordered)", "root.on(Ordered)(lambda state, _: state)\n#"),
            FIRST.replace("@root.on(Ordered)", "#"),
            "aging/ordered",
            "risky",
            "no handler is declared for it any more",
        ),
    ],
)
def test_each_change_has_a_verdict(old: str, new: str, name: str, verdict: str, words: str) -> None:
    """A change without a version is risky, what cannot be read impossible; each says why."""
    one = judge(old, new)[name]
    assert (one.verdict, words in one.reason) == (verdict, True), one
    assert (one.advice is None) == (one.verdict == "fine")


def test_the_advice_can_be_copied() -> None:
    """What is to be done is the very line that is missing."""
    advice = judge(FIRST, CHANGED)["aging/ordered"].advice
    assert advice is not None
    assert "version=2" in advice
    assert "@upcaster('aging/ordered', from_version=1)" in advice


def test_a_named_tuple_that_changed_cannot_have_a_version() -> None:
    """Its fields stand by their place, so an order that changed is a change; the advice says so."""
    row = """
class Line(NamedTuple):
    article: str
    count: int = 1
"""
    first = FIRST.replace("@attrs.frozen\nclass Line:\n    article: str\n", row).replace(
        "import attrs", "import attrs\nfrom typing import NamedTuple"
    )
    second = first.replace("    article: str\n    count", "    count: int\n    article: str\n    x")
    one = judge(first, second)["Line"]
    assert one.verdict == "risky"
    assert "fields article, count became count, article, x" in one.reason
    assert one.advice is not None
    assert "make it an attrs.frozen class" in one.advice


def test_a_class_that_nobody_declares_is_impossible() -> None:
    """An action that no loaded module has cannot be decoded."""
    gone = Schema("int", {"schema_fingerprint/gone": ClassSchema("action", 1, {})})
    one = judge_schema(gone, Schema("int", {}), prove_nothing)[0]
    assert (one.verdict, one.version) == ("impossible", None)
    assert "no loaded module declares it" in one.reason


def test_upcasters_without_an_action_are_impossible(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upcaster of a name that no module declares is told as a class of its own."""
    declared: dict[str, Any] = {}
    monkeypatch.setattr("refold.actions.upcaster._by_version", declared)
    upcaster("schema_fingerprint/nobody", 1)(dict[str, Any].copy)
    (one,) = judge_schema(Schema("int", {}), Schema("int", {}), prove_nothing)
    assert (one.name, one.verdict) == ("schema_fingerprint/nobody", "impossible")
    assert one.advice is not None
    assert "correct the name" in one.advice


def test_a_large_application_has_a_schema() -> None:
    """All actions and records of the tests' largest application are listed."""
    schema = schema_of(make_observatory())
    handled = {cls.wire_name for cls in make_observatory().handles}
    assert {name for name, one in schema.classes.items() if one.kind == "action"} == handled
    assert read_schema(write_schema(schema)) == schema


def test_the_advice_for_a_state_class_names_its_version() -> None:
    """What to do stands in the terms of a state class, which has no decorator for its version."""
    changed = FIRST.replace("    article: str\n\n@attrs", "    article: bytes\n\n@attrs")
    advice = judge(FIRST, changed)["Line"].advice
    assert advice is not None
    assert "wire_version: ClassVar[int] = 2 in it" in advice
    assert "@upcaster(Line, from_version=1)" in advice
    beyond = SECOND.replace("from_version=1)\ndef count", "from_version=2)\ndef count")
    one = judge(FIRST, beyond)["Line"]
    assert one.verdict == "impossible"
    assert one.advice is not None
    assert "wire_version: ClassVar[int] = 3 in it, or remove the upcaster" in one.advice


def test_a_change_of_an_enum_is_told_by_its_members() -> None:
    """A member more is a change of each class that has a field of the enum."""
    enum = "import enum\nclass Size(enum.Enum):\n    S = 1\n\n@attrs.frozen\nclass Line"
    first = FIRST.replace("@attrs.frozen\nclass Line", enum, 1).replace(
        "    article: str\n\n@attrs", "    article: str\n    size: Size = Size.S\n\n@attrs"
    )
    one = judge(first, first.replace("    S = 1\n", "    S = 1\n    M = 2\n"))["Line"]
    assert "size was Size(S), is Size(S, M)" in one.reason
