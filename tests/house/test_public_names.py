"""The names that `refold` itself exports, and what importing it costs.

What belongs here: the pinned list.  What does not: what the names do.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

import refold

PUBLIC_NAMES: Final = [
    "Action",
    "ActionLog",
    "Dispatch",
    "Effect",
    "Entities",
    "EntityAdapter",
    "Jump",
    "Listeners",
    "LogRecord",
    "Middleware",
    "Redo",
    "Reducer",
    "RefoldError",
    "Store",
    "StoreAPI",
    "Timeline",
    "Undo",
    "action",
    "all_of",
    "any_of",
    "bind_actions",
    "combine_reducers",
    "compose",
    "evolve",
    "hydrate",
    "log_actions",
    "lru_memoize",
    "operation",
    "record",
    "replay",
    "selector",
    "structured_selector",
    "timestamps",
    "undoable",
    "upcaster",
    "weak_memoize",
]

NAMED_LIKE_ITS_ROOM: Final = "replay"
"""A function that shares its name with a package, which an import would put in its place."""

HEAVY: Final = {"aiohttp", "hypothesis", "rich"}
"""Libraries that cost more to import than all of the core."""


def run(program: str) -> str:
    """Return what a program prints in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_public_names_are_these() -> None:
    """A name is exported on purpose, so adding or removing one shows here."""
    assert sorted(refold.__all__) == PUBLIC_NAMES


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_a_public_name_is_what_it_says(name: str) -> None:
    """Each name gives the class or function of that name, the same object each time."""
    value = getattr(refold, name)
    assert callable(value)
    assert getattr(value, "__name__", name) == name
    assert getattr(refold, name) is value


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name is reported with the module's name and its own."""
    with pytest.raises(AttributeError, match=r"refold.*no_such_name"):
        getattr(refold, "no_such_name")  # noqa: B009  # a type checker would see the plain spelling


def test_every_public_name_is_offered_to_completion() -> None:
    """`dir(refold)` lists what can be imported from it."""
    assert set(PUBLIC_NAMES) <= set(dir(refold))


@pytest.mark.parametrize(
    "first",
    [
        "from refold import LogRecord",
        "import refold.replay.timeline",
        "from refold import replay",
        "from refold import record, Store",
    ],
)
def test_a_function_named_like_its_room_survives_any_order_of_imports(first: str) -> None:
    """`from refold import replay` gives the function, whatever was imported before or after it."""
    program = f"""
{first}
from refold import {NAMED_LIKE_ITS_ROOM}
import refold.replay.log_record, refold.replay.timeline
from refold.replay.timeline import Timeline
import refold
assert callable({NAMED_LIKE_ITS_ROOM}), {NAMED_LIKE_ITS_ROOM}
assert callable(refold.{NAMED_LIKE_ITS_ROOM}), refold.{NAMED_LIKE_ITS_ROOM}
"""
    run(program)


@pytest.mark.parametrize(
    "imports",
    [
        "import refold",
        "from refold import Action, Reducer, Store, action, combine_reducers, selector",
    ],
)
def test_importing_the_core_loads_no_heavy_library(imports: str) -> None:
    """An application without a network loads neither aiohttp nor rich nor hypothesis."""
    program = f"import sys; {imports}; print({HEAVY!r} & set(sys.modules))"
    assert run(program) == "set()\n"
