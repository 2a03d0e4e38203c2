"""Actions drawn but for what they take from a state: classes, fields, and the time.

What belongs here: drawing a step of a run so that it makes sense in any state.  What does not:
the state, which `action_strategies` and `run_strategies` bring.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import attrs
from hypothesis import strategies as st

from refold.actions.action import Action
from refold.actions.undo import (
    ClearUndoHistory,
    Jump,
    Redo,
    Undo,
    UndoGroupBegan,
    UndoGroupEnded,
)
from refold.errors import StrategyError
from refold.reducers.evolve import evolve
from refold.testing.leaf_values import Draw, Plan, Sketch, choice_sketch
from refold.testing.record_sketches import (
    DiscardedError,
    FieldSketch,
    build_record,
    draw_fields,
    field_sketches,
)
from refold.testing.reducer_code import read_reducer
from refold.testing.registered_strategies import registrations
from refold.testing.sketches_of_type import sketch_of
from refold.testing.value_pool import ValuePool

__all__ = ["ActionPlan", "ActionSketches", "sketches_for"]

_TRIES: Final = 4
"""How often other values are tried in the place of those that the class refuses."""

_UNDO_CLASSES: Final = frozenset(
    {Undo, Redo, Jump, ClearUndoHistory, UndoGroupBegan, UndoGroupEnded}
)
_AT_MS: Final = frozenset({"at_ms"})
_LAST_NEW: Final = 119
_NUMBERS: Final = st.integers(0, _LAST_NEW + 7)
"""By which a class is drawn; beyond the last new one the action before is repeated.

Below 128 all numbers are equally likely; of more than 120 classes, mixes bring the others.
"""

_STEPS_MS: Final[tuple[int, ...]] = (
    *(0, 0, 0, 0, 0, 0, 1, 1, 2, 5, 10, 10, 50, 100, 100, 250),
    *(500, 1000, 1000, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000),
    *(3_600_000, 86_400_000),
)
"""Times between two actions, in milliseconds: mostly short."""

_BACK_MS: Final[tuple[int, ...]] = (-1, -1000, -3_600_000)
"""Times of clocks that are set back."""

_TIMES: Final = st.integers(0, len(_STEPS_MS) + 3)
"""A step, or 1 of 4 numbers for a time that the code or the state names."""

_TIMES_BACK: Final = st.integers(0, len(_STEPS_MS) + 3 + 2 * len(_BACK_MS))
_INDEXES: Final = st.integers(0, 99)
_YEAR_MS: Final = 366 * 86_400_000


@attrs.frozen
class ActionPlan:
    """An action drawn, but for what it takes from a state."""

    number: int
    """Which class; one beyond the last repeats the action before."""

    classes: Sequence[type[Action]]
    """The classes that may be drawn, the first being the simplest."""

    parts: Sequence[tuple[str, Plan]]
    """The fields of the class drawn."""

    time: Callable[[ValuePool], int]
    """Gives the time, in milliseconds since the Unix epoch."""

    def meet(self, pool: ValuePool, previous: Action | None = None) -> Action | None:
        """Return the action that follows in a state; None if its class refuses all that is tried.

        Args:
            pool: the state's values.
            previous: the action before; None if there is none.
        """
        at_ms = self.time(pool)
        if self.number >= len(self.classes) and previous is not None:
            return evolve(previous, at_ms=at_ms)
        cls = self.classes[self.number % len(self.classes)]
        for shift in range(_TRIES):
            pool.shift = shift
            try:
                values = {name: part(pool) for name, part in self.parts}
                return build_record(cls, {**values, "at_ms": at_ms})  # type: ignore[no-any-return]  # of the class
            except DiscardedError:
                continue
        return None


class ActionSketches:
    """Draws plans of some action classes; each class's fields are looked at when first drawn."""

    def __init__(
        self, classes: Sequence[type[Action]], scopes: tuple[str, ...], *, backwards: bool
    ) -> None:
        """Take the classes.

        Args:
            classes: at least one.
            scopes: for the actions of undoable states.
            backwards: whether the time may be set back.
        """
        own = [cls for cls in classes if cls not in _UNDO_CLASSES]
        moves = [cls for cls in classes if cls in _UNDO_CLASSES]
        self.classes = (*own, *moves)
        self._usual_mix = (*own, *moves, *own, *own)
        self._scopes = scopes
        self._backwards = backwards
        self._fields: dict[type[Action], list[FieldSketch]] = {}

    def mix(self, number: int) -> Sequence[type[Action]]:
        """Return the classes that one run draws from; the same for a number in every process.

        0 is for all of them, where the moves between undoable states come less often, because there
        are six.  Another number is for all and one of them in half of the draws, or, more often,
        for some of them, a few more often than others.
        """
        count = len(self.classes)
        if count == 1 or number == 0:
            return self._usual_mix
        chance = random.Random(number)  # noqa: S311  # drawn by Hypothesis
        if chance.random() < 0.3:  # noqa: PLR2004  # some of them
            return (*self.classes, *[chance.choice(self.classes)] * count)
        some = sorted(chance.sample(range(count), chance.randint(1, count)))
        times = [chance.choice((1, 1, 1, 4)) for _ in some]
        return tuple(
            self.classes[n] for n, many in zip(some, times, strict=True) for _ in range(many)
        )

    def draw(self, draw: Draw, mix: Sequence[type[Action]]) -> ActionPlan:
        """Draw a plan.

        Args:
            draw: of a composite strategy.
            mix: the classes to draw from, the more often the more often they are in it.
        """
        drawn = draw(_NUMBERS)
        number = drawn % len(mix) if drawn <= _LAST_NEW else len(mix)
        parts = draw_fields(self._fields_of(mix[number % len(mix)]), draw)
        return ActionPlan(number, mix, parts, _draw_time(draw, backwards=self._backwards))

    def _fields_of(self, cls: type[Action]) -> list[FieldSketch]:
        fields = self._fields.get(cls)
        if fields is None:
            fields = field_sketches(cls, _sketch_part, _AT_MS)
            if cls in _UNDO_CLASSES and self._scopes:
                fields = [self._with_scope(field) for field in fields]
            self._fields[cls] = fields
        return fields

    def _with_scope(self, field: FieldSketch) -> FieldSketch:
        if field.name != "scope":
            return field
        return FieldSketch(
            "scope", choice_sketch([*(self._scopes * 8), "elsewhere"]), may_be_left_out=False
        )


def _sketch_part(tp: Any, rules: Any, name: str) -> Sketch:
    return sketch_of(tp, rules=rules, name=name)


def _draw_time(draw: Draw, *, backwards: bool) -> Callable[[ValuePool], int]:
    kind: int = draw(_TIMES_BACK if backwards else _TIMES)
    if kind < len(_STEPS_MS):
        return lambda pool: pool.now_ms + _STEPS_MS[kind]
    if kind >= len(_STEPS_MS) + 4:
        back = _BACK_MS[kind % len(_BACK_MS)]
        return lambda pool: pool.now_ms + back
    index = draw(_INDEXES)
    return lambda pool: _named_time(pool, index)


def _named_time(pool: ValuePool, index: int) -> int:
    """Return a time that the state holds, or one that a number of the code leads to."""
    now = pool.now_ms
    times = [t for t in pool.values(int) if now <= t <= now + _YEAR_MS]
    times += [now + step for step in pool.constants.get(int, ()) if 0 <= step <= _YEAR_MS]
    return times[index % len(times)] if times else now


_made: Final[dict[Any, tuple[int, ActionSketches]]] = {}


def sketches_for(
    reducer: Callable[[Any, Any], Any],
    actions: Iterable[type[Action]] | None,
    *,
    backwards: bool = False,
) -> ActionSketches:
    """Return what draws actions of the classes that a reducer handles, or of those given.

    Raises:
        StrategyError: there is no class to draw, or what is given is no action class.
    """
    code = read_reducer(reducer)
    classes = code.action_classes if actions is None else tuple(dict.fromkeys(actions))
    for cls in classes:
        _check_action_class(cls)
    if not classes:
        message = (
            "this reducer names no action class that could be drawn: it declares none by .on(...),"
            " and none stands in the code of its matchers, otherwise or plain function; name them,"
            " as in actions=[TodoAdded, TodoRemoved]"
        )
        raise StrategyError(message)
    key = (classes, code.scopes, backwards)
    made_at, made = _made.get(key, (-1, None))
    if made is None or made_at != registrations():
        made = ActionSketches(classes, code.scopes, backwards=backwards)
        _made[key] = (registrations(), made)
    return made


def _check_action_class(cls: Any) -> None:
    if not isinstance(cls, type) or not issubclass(cls, Action) or not hasattr(cls, "wire_name"):
        message = (
            f"actions= expects declared action classes, got {cls!r}; pass the classes themselves,"
            f" as in actions=[TodoAdded, TodoRemoved]"
        )
        raise StrategyError(message)
