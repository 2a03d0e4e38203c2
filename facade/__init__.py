"""Predictable state for long-running asyncio Python programs.

One store holds one immutable state; explicit actions say what happened; pure reducers fold them;
middleware touches the world; selectors answer questions.  Every name of `__all__` is loaded when it
is first used, so that ``import refold`` costs almost nothing.

PYTEST_DONT_REWRITE: there is no assertion here, and pytest would warn that it came too late.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refold.actions.action import Action, action
    from refold.actions.bind_actions import bind_actions
    from refold.actions.matchers import all_of, any_of
    from refold.actions.undo import Jump, Redo, Undo
    from refold.actions.upcaster import upcaster
    from refold.errors import RefoldError
    from refold.middleware.effect import Effect
    from refold.middleware.listeners import Listeners
    from refold.middleware.log_actions import log_actions
    from refold.middleware.operation import operation
    from refold.middleware.record import record
    from refold.middleware.timestamps import timestamps
    from refold.reducers.combine_reducers import combine_reducers
    from refold.reducers.entities import Entities
    from refold.reducers.entity_adapter import EntityAdapter
    from refold.reducers.evolve import evolve
    from refold.reducers.reducer import Reducer
    from refold.reducers.undoable import undoable
    from refold.replay.action_log import ActionLog
    from refold.replay.hydrate import hydrate
    from refold.replay.log_record import LogRecord
    from refold.replay.replay import replay
    from refold.replay.timeline import Timeline
    from refold.selectors.lru_memoize import lru_memoize
    from refold.selectors.selector import selector
    from refold.selectors.structured_selector import structured_selector
    from refold.selectors.weak_memoize import weak_memoize
    from refold.store.compose import compose
    from refold.store.middleware import Dispatch, Middleware, StoreAPI
    from refold.store.store import Store

__all__ = [
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

_MODULE_OF = {
    "Action": "refold.actions.action",
    "ActionLog": "refold.replay.action_log",
    "Dispatch": "refold.store.middleware",
    "Effect": "refold.middleware.effect",
    "Entities": "refold.reducers.entities",
    "EntityAdapter": "refold.reducers.entity_adapter",
    "Jump": "refold.actions.undo",
    "Listeners": "refold.middleware.listeners",
    "LogRecord": "refold.replay.log_record",
    "Middleware": "refold.store.middleware",
    "Redo": "refold.actions.undo",
    "Reducer": "refold.reducers.reducer",
    "RefoldError": "refold.errors",
    "Store": "refold.store.store",
    "StoreAPI": "refold.store.middleware",
    "Timeline": "refold.replay.timeline",
    "Undo": "refold.actions.undo",
    "action": "refold.actions.action",
    "all_of": "refold.actions.matchers",
    "any_of": "refold.actions.matchers",
    "bind_actions": "refold.actions.bind_actions",
    "combine_reducers": "refold.reducers.combine_reducers",
    "compose": "refold.store.compose",
    "evolve": "refold.reducers.evolve",
    "hydrate": "refold.replay.hydrate",
    "log_actions": "refold.middleware.log_actions",
    "lru_memoize": "refold.selectors.lru_memoize",
    "operation": "refold.middleware.operation",
    "record": "refold.middleware.record",
    "selector": "refold.selectors.selector",
    "structured_selector": "refold.selectors.structured_selector",
    "timestamps": "refold.middleware.timestamps",
    "undoable": "refold.reducers.undoable",
    "upcaster": "refold.actions.upcaster",
    "weak_memoize": "refold.selectors.weak_memoize",
}

_TESTING_MODULE_OF = {
    "TestStore": "refold.testing.test_store",
    "VirtualClock": "refold.testing.virtual_clock",
    "actions_for": "refold.testing.action_strategies",
    "check_reducer_laws": "refold.testing.check_laws",
    "example_from_log": "refold.testing.log_examples",
    "reducer_machine": "refold.testing.law_machine",
    "register_strategy": "refold.testing.registered_strategies",
    "runs_for": "refold.testing.run_strategies",
    "states_for": "refold.testing.state_strategies",
}
"""What ``from refold.testing import`` gives; ``testing/__init__.pyi`` tells type checkers."""


class _Facade(types.ModuleType):
    """The module's own class, for the one name that is a function here and a package below.

    Importing ``refold.replay.timeline`` would otherwise replace the function by the package.
    """

    @property
    def replay(self) -> Any:
        """The function of `refold.replay.replay`."""
        return importlib.import_module("refold.replay.replay").replay

    @replay.setter
    def replay(self, package: object) -> None:
        """Leave the function where it is."""


class _Testing(types.ModuleType):
    """The class of ``refold.testing``, which has no file in which its names could stand."""

    def __getattr__(self, name: str) -> Any:
        """Load what is asked for; it stays as an attribute."""
        if name not in _TESTING_MODULE_OF:
            message = f"module {self.__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        value = getattr(importlib.import_module(_TESTING_MODULE_OF[name]), name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        """Return all names, loaded or not."""
        return sorted({*super().__dir__(), *_TESTING_MODULE_OF})


sys.modules[__name__].__class__ = _Facade
importlib.import_module("refold.testing").__class__ = _Testing


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        message = f"module 'refold' has no attribute {name!r}"
        raise AttributeError(message)
    value = globals()[name] = getattr(importlib.import_module(_MODULE_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
