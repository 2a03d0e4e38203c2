"""From a type form to what draws its values, for every type that refold allows.

What belongs here: choosing by the kind of type; choices, unions and collections.  What does not:
scalars, which `leaf_values` draws, and records, which `record_sketches` does.
"""

from __future__ import annotations

import enum
import itertools
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NewType, TypeVar, Union

import attrs
import pyrsistent
from hypothesis import strategies as st

from refold.errors import StrategyError
from refold.reducers.entities import Entities
from refold.replay.collection_codec import CLASS_OF_VALUE
from refold.testing.field_rules import NO_RULES, FieldRules
from refold.testing.leaf_values import Draw, Plan, Sketch, choice_sketch, leaf_sketch
from refold.testing.record_sketches import DiscardedError, entities_sketch, record_sketch
from refold.testing.registered_strategies import find_registered
from refold.testing.small_values import SMALL_VALUES
from refold.testing.type_shapes import height_of, is_recursive, is_row_class

if typing.TYPE_CHECKING:
    from refold.testing.value_pool import ValuePool

__all__ = ["sketch_of"]

_MOST_ELEMENTS: Final = 4
"""Elements of a collection, unless a validator wants more."""

_DEPTH: Final = 3
"""Records of a type that holds itself, one in the other."""

_MORE: Final = st.integers(0, 2)
_WHOLES: Final = st.integers(0, 7)
_KINDS: Final = st.integers(0, 3)
_INDEXES: Final = st.integers(0, 99)

_MAKE: Final[dict[Any, Callable[[Any], Any]]] = {
    tuple: tuple,
    frozenset: frozenset,
    pyrsistent.PVector: pyrsistent.pvector,
    pyrsistent.PDeque: pyrsistent.pdeque,
    pyrsistent.PSet: pyrsistent.pset,
    pyrsistent.PMap: pyrsistent.pmap,
}


def sketch_of(  # noqa: PLR0911  # a table of kinds
    tp: Any, *, rules: FieldRules = NO_RULES, name: str = "", depth: int = _DEPTH
) -> Sketch:
    """Return what draws values of a type form.

    Args:
        tp: any type form that a field of an action or state may have.
        rules: what the value has to obey.
        name: of the field, if it is one.
        depth: how many more records may stand in each other, of a type that holds itself.

    Raises:
        StrategyError: nothing is known of the type, or no value of it obeys the rules.
    """
    registered = find_registered(tp)
    if registered is not None:
        return _registered_sketch(tp, registered, rules)
    if isinstance(tp, NewType):
        return sketch_of(tp.__supertype__, rules=rules, name=name, depth=depth)
    if isinstance(tp, TypeVar):
        bound = tp.__bound__ or int
        open_type = Union[tp.__constraints__] if tp.__constraints__ else bound  # noqa: UP007  # of a tuple
        return sketch_of(open_type, rules=rules, name=name, depth=depth)
    origin: Any = typing.get_origin(tp)
    if origin is typing.Annotated or origin is typing.Final:
        return sketch_of(typing.get_args(tp)[0], rules=rules, name=name, depth=depth)
    if origin in {Union, types.UnionType}:
        return _union_sketch(tp, rules, name, depth)
    listed = _listed_values(tp)
    if listed is not None:
        return _listed_sketch(tp, listed, rules)
    if tp in SMALL_VALUES:
        return leaf_sketch(tp, rules, name)
    return _made_sketch(tp, rules, depth)


def _made_sketch(tp: Any, rules: FieldRules, depth: int) -> Sketch:
    """Return what draws something made of others: a collection or a record."""
    origin: Any = typing.get_origin(tp) or tp
    cls: Any = CLASS_OF_VALUE.get(origin, origin)
    if origin is Entities and typing.get_args(tp):
        return entities_sketch(tp, lambda part: sketch_of(part, depth=depth))
    if cls in _MAKE:
        return _collection_sketch(cls, typing.get_args(tp), rules, depth)
    if isinstance(cls, type) and (attrs.has(cls) or is_row_class(cls)):
        inner = depth - 1 if is_recursive(cls) else depth
        return record_sketch(
            tp, lambda part, of_part, name: sketch_of(part, rules=of_part, name=name, depth=inner)
        )
    message = (
        f"no strategy is known for {tp!r}; give a field a type that refold allows, or name one:"
        f" register_strategy({getattr(tp, '__name__', 'TheType')}, strategy)"
    )
    raise StrategyError(message)


def _listed_values(tp: Any) -> Sequence[Any] | None:
    """Return the values of a type that lists them; None if it does not."""
    if tp is None or tp is type(None):
        return (None,)
    if typing.get_origin(tp) is Literal:
        return typing.get_args(tp)
    if isinstance(tp, type) and issubclass(tp, enum.Flag):
        members = list(tp)
        pairs = [one | other for one, other in itertools.pairwise(members)]
        return [*members, tp(0), *pairs]
    if isinstance(tp, type) and issubclass(tp, enum.Enum):
        return list(tp)
    return None


def _listed_sketch(tp: Any, listed: Sequence[Any], rules: FieldRules) -> Sketch:
    allowed = [one for one in listed if rules.accept(one)]
    if not allowed:
        message = (
            f"no value of {tp!r} is accepted by the field's validators; widen the type or the"
            f" validators, or write register_strategy({getattr(tp, '__name__', tp)}, strategy)"
        )
        raise StrategyError(message)
    return choice_sketch(allowed)


def _registered_sketch(tp: Any, strategy: st.SearchStrategy[Any], rules: FieldRules) -> Sketch:
    values = strategy.filter(rules.accept) if rules.validators else strategy

    def sketch(draw: Draw) -> Plan:
        kind, index, value = draw(_KINDS), draw(_INDEXES), draw(values)

        def plan(pool: ValuePool) -> Any:
            said = pool.said_of(tp) if kind >= 2 else ()  # noqa: PLR2004  # in half of all draws
            allowed = [one for one in said if rules.accept(one)]
            if allowed:
                return allowed[(index + pool.shift) % len(allowed)]
            pool.said.append((tp, value))
            return value

        return plan

    return sketch


def _union_sketch(tp: Any, rules: FieldRules, name: str, depth: int) -> Sketch:
    choices = _possible(typing.get_args(tp), rules, depth)
    none = [one for one in choices if one is type(None)]
    others = [
        sketch_of(one, rules=rules, name=name, depth=depth)
        for one in choices
        if one is not type(None)
    ]
    sketches: list[Sketch] = [choice_sketch((None,))] * len(none) + others * (3 if none else 1)
    if len(sketches) == 1:
        return sketches[0]
    indexes = st.integers(0, len(sketches) - 1)

    def sketch(draw: Draw) -> Plan:
        index: int = draw(indexes)
        return sketches[index](draw)

    return sketch


def _possible(choices: Sequence[Any], rules: FieldRules, depth: int) -> Sequence[Any]:
    """Return the members of a union that may be drawn: not one that goes deeper than allowed."""
    with_none = [c for c in choices if c is not type(None) or rules.accept(None)]
    if rules.options is not None:
        with_none = [c for c in with_none if c not in SMALL_VALUES or _has_option(c, rules)]
    if depth > 0:
        return with_none
    heights = [height_of(choice) for choice in with_none]
    lowest = min(heights)
    return [c for c, height in zip(with_none, heights, strict=True) if height == lowest]


def _has_option(cls: Any, rules: FieldRules) -> bool:
    return any(type(one) is cls for one in rules.options or ())


def _collection_sketch(cls: Any, arguments: Any, rules: FieldRules, depth: int) -> Sketch:
    if cls is tuple and Ellipsis not in arguments:
        return _row_sketch([sketch_of(part, depth=depth) for part in arguments if part != ()])
    if cls is pyrsistent.PMap:
        key = sketch_of(arguments[0], rules=rules.part(rules.keys), depth=depth)
        value_rules = rules.part(rules.values)
        value = _pending(lambda: sketch_of(arguments[1], rules=value_rules, depth=depth))
        element, whole_of = _row_sketch([key, value]), None
    else:
        element_rules = rules.part(rules.elements)
        element = _pending(lambda: sketch_of(arguments[0], rules=element_rules, depth=depth))
        whole_of = arguments[0] if arguments[0] in SMALL_VALUES else None
    is_too_deep = depth <= 0 and any(height_of(part) > 0 for part in arguments if part is not ...)
    longest = rules.shortest + _MOST_ELEMENTS if rules.longest is None else rules.longest
    most = rules.shortest if is_too_deep else min(longest, rules.shortest + _MOST_ELEMENTS)
    return _several_sketch(cls, element, whole_of, rules.shortest, most)


def _pending(make: Callable[[], Sketch]) -> Sketch:
    """Return what makes its sketch when it is first drawn: an empty collection never needs it."""
    made: list[Sketch] = []

    def sketch(draw: Draw) -> Plan:
        if not made:
            made.append(make())
        return made[0](draw)

    return sketch


def _row_sketch(parts: Sequence[Sketch]) -> Sketch:
    def sketch(draw: Draw) -> Plan:
        plans = [part(draw) for part in parts]
        return lambda pool: tuple(plan(pool) for plan in plans)

    return sketch


def _several_sketch(cls: Any, element: Sketch, whole_of: Any, least: int, most: int) -> Sketch:
    """Return what draws a collection: of some elements, or sometimes of all keys of another."""
    make = _MAKE[cls]

    def sketch(draw: Draw) -> Plan:
        whole = draw(_WHOLES) if whole_of is not None and not least else 0
        if whole >= 6:  # noqa: PLR2004  # in a quarter of all draws
            step = 1 if whole == 6 else -1  # noqa: PLR2004  # in their order, or the other way
            return lambda pool: make(_first_group(pool, whole_of)[::step])
        plans: list[Plan] = []
        while _goes_on(draw(_MORE), len(plans), least, most):
            plans.append(element(draw))

        def plan(pool: ValuePool) -> Any:
            made = make(_parts(cls, [one(pool) for one in plans]))
            if len(made) < least:
                raise DiscardedError
            return made

        return plan

    return sketch


def _goes_on(more: int, count: int, least: int, most: int) -> bool:
    """Tell whether there is another element.

    What was drawn is ignored where the count decides: a full collection of which one element is
    left out still has the choices that it needs.
    """
    return count < least or (count < most and more > 0)


def _parts(cls: Any, parts: list[Any]) -> Any:
    return dict(parts) if cls is pyrsistent.PMap else parts


def _first_group(pool: ValuePool, cls: Any) -> Sequence[Any]:
    groups = pool.groups(cls)
    return groups[0] if groups else ()
