"""The schema of an application: which classes it has, their forms, and the fingerprint of all.

What belongs here: making a schema.  What does not: its file (`test_schema_file`), and what a change
of it means (`test_schema_verdict`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import attrs
import pytest
from pyrsistent import pvector

from refold.actions.action import Action, action
from refold.errors import PayloadError
from refold.reducers.reducer import Reducer
from refold.replay.schema import schema_of
from refold.replay.schema_file import read_schema, write_schema
from refold.replay.schema_forms import form_of
from refold.replay.value_codec import make_value_converter
from tests.strategies.observatory_reducer import make_observatory
from tests.strategies.typed_values import Box, Colour, Flags, Pair, UserId

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


@pytest.mark.parametrize("tp", [UserId | str, tuple[int, ...] | frozenset[int], Colour | Pair])
def test_the_names_in_a_union_are_those_in_the_log(tp: Any) -> None:
    """The names of a union's form are the names that its codec writes."""
    values = {UserId | str: UserId(3), Colour | Pair: Colour.RED}
    value = values.get(tp, (1,))
    written = make_value_converter().unstructure(value, tp)
    assert written["$of"] in form_of(tp, lambda one: str(one.__name__))["union"]


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


def test_a_large_application_has_a_schema() -> None:
    """All actions and records of the tests' largest application are listed."""
    schema = schema_of(make_observatory())
    handled = {cls.wire_name for cls in make_observatory().handles}
    assert {name for name, one in schema.classes.items() if one.kind == "action"} == handled
    assert read_schema(write_schema(schema)) == schema
