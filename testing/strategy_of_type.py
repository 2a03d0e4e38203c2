"""`values_of_type`: the Hypothesis strategy of any type that a field may have.

What belongs here: the strategy outside of any run.  What does not: how values are chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hypothesis import reject
from hypothesis import strategies as st

from refold.testing.field_rules import read_rules
from refold.testing.record_sketches import DiscardedError
from refold.testing.registered_strategies import registrations
from refold.testing.sketches_of_type import sketch_of
from refold.testing.value_pool import ValuePool

if TYPE_CHECKING:
    from refold.testing.leaf_values import Plan, Sketch

__all__ = ["resolved", "values_of_type"]

T = TypeVar("T")

_TRIES: Final = 4
"""How often other values are tried in the place of those that a class refuses."""


def values_of_type(
    tp: Any, *, validators: Sequence[Callable[[Any, Any, Any], Any]] = ()
) -> st.SearchStrategy[Any]:
    """Return a strategy of the values of a type form, few and simple ones above all.

    A type that `register_strategy` knows is drawn from what was registered, at any depth.

    Args:
        tp: any type form that a field of an action or state may have.
        validators: as `attrs.field` takes them; all have to accept the value.

    Raises:
        StrategyError: nothing is known of the type.
    """
    return _values(_ValuesOfType(tp, validators))


class _ValuesOfType:
    """Makes the sketch when it is first needed, and again when more was registered."""

    def __init__(self, tp: Any, validators: Sequence[Callable[[Any, Any, Any], Any]]) -> None:
        self._tp = tp
        self._rules = read_rules(validators)
        self._made_at = registrations()
        self._sketch = sketch_of(tp, rules=self._rules)

    def current(self) -> Sketch:
        """Return what draws values now."""
        if self._made_at != registrations():
            self._made_at = registrations()
            self._sketch = sketch_of(self._tp, rules=self._rules)
        return self._sketch


@st.composite
def _values(draw: st.DrawFn, source: _ValuesOfType) -> Any:
    return resolved(source.current()(draw), ValuePool())


def resolved(plan: Plan, pool: ValuePool) -> Any:
    """Return the value of a plan; ends the example if a class refuses all that is tried."""
    for shift in range(_TRIES):
        pool.shift = shift
        try:
            return plan(pool)
        except DiscardedError:
            continue
    reject()
    return None
