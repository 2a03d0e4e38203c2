"""One application at several ages: the same module, loaded from one text after the other.

What belongs here: the texts, and loading them.  What does not: the logs that they write.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Final

from refold.actions import upcaster

__all__ = ["FIRST", "MODULE", "SECOND", "THIRD", "load_application"]

MODULE: Final = "aging_shop"

_HEAD: Final = """
from __future__ import annotations
from typing import ClassVar
import attrs
from pyrsistent import PVector, pvector
from refold.actions.action import Action, action
from refold.actions.upcaster import upcaster
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
"""

FIRST: Final = (
    _HEAD
    + """
@attrs.frozen
class Line:
    article: str

@attrs.frozen
class Shop:
    lines: PVector[Line] = pvector()

@action("aging/ordered")
class Ordered(Action):
    article: str

root = Reducer(Shop())

@root.on(Ordered)
def _(state, action):
    return evolve(state, lines=state.lines.append(Line(action.article)))
"""
)
"""Version 1 of all classes."""

SECOND: Final = (
    _HEAD
    + """
@attrs.frozen
class Line:
    wire_version: ClassVar[int] = 2
    article: str
    count: int

@upcaster(Line, from_version=1)
def count_one(fields):
    return {**fields, "count": 1}

@attrs.frozen
class Shop:
    lines: PVector[Line] = pvector()

@action("aging/ordered", version=2)
class Ordered(Action):
    article: str
    count: int = 1

@upcaster("aging/ordered", from_version=1)
def order_one(payload):
    payload["count"] = 1
    return payload

root = Reducer(Shop())

@root.on(Ordered)
def _(state, action):
    return evolve(state, lines=state.lines.append(Line(action.article, action.count)))
"""
)
"""A field more in a state class and in an action, each with an upcaster."""

THIRD: Final = (
    SECOND.replace('"aging/ordered", version=2', '"aging/ordered", version=3').replace(
        "    count: int = 1\n", "    number: int = 1\n"
    )
    + """
@upcaster("aging/ordered", from_version=2)
def rename_count(payload):
    return {"article": payload["article"], "number": payload["count"]}
"""
).replace("action.count", "action.number")
"""The action's new field has another name."""


def load_application(text: str) -> ModuleType:
    """Return the module made of a text, in the place of the one before and of its upcasters."""
    declared: dict[str, object] = vars(upcaster)["_by_version"]
    for key in [key for key in declared if key.startswith(("aging/", f"{MODULE}."))]:
        del declared[key]
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module
    exec(text, module.__dict__)  # noqa: S102  # the texts of this file
    return module
