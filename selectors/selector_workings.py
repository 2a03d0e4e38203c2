"""What happens in a selector when its fast way through does not know the answer.

What belongs here: running inputs, asking the result memory, counting, checking, explaining.  What
does not: the public face, which `selector` declares.
"""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypedDict

from refold.selectors.argument_key import argument_key
from refold.selectors.development_checks import (
    CheckFrequency,
    check_identity,
    check_input_stability,
    frequency_for,
)
from refold.selectors.keeping import keeping
from refold.selectors.lru_memoize import lru_memoize
from refold.selectors.selector_template import UNSET, make_fast_selector

__all__ = ["SelectorOptions", "SelectorWorkings"]

_ARGUMENT_LISTS: Final = 128
"""How many lists of extra arguments a selector remembers: a screen of rows, not a database."""


class SelectorOptions(TypedDict, total=False):
    """What `selector` can be told besides its inputs."""

    memoize: Callable[[Callable[..., Any]], Callable[..., Any]] | None
    """Gives the result function its memory; None for the last inputs by ``equal``."""

    memoize_arguments: Callable[[Callable[..., Any]], Callable[..., Any]] | None
    """Gives the whole selector its memory of states and arguments; None for the last state."""

    equal: Callable[[Any, Any], bool] | None
    """Compares stored input values with new ones; None for identity."""

    check_inputs: CheckFrequency | None
    """How often to check that inputs are stable; None for the global setting."""

    check_identity: CheckFrequency | None
    """How often to check that the result function does something; None for the global setting."""


class SelectorWorkings:
    """The memory and the counters of one selector."""

    def __init__(
        self,
        inputs: tuple[Callable[..., Any], ...],
        result_function: Callable[..., Any],
        options: SelectorOptions,
    ) -> None:
        """Join the parts; ``select`` is the function to call."""
        self.inputs = inputs
        self.result_function = result_function
        self.options = options
        self._equal = options.get("equal") or operator.is_
        self._values: tuple[Any, ...] = ()
        self._last: Any = UNSET
        self._missed_by = [0] * len(inputs)
        self._explanation = "it has not run yet"
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._checked = False
        self.refresh_checks()
        memoize = options.get("memoize")
        self._memoized: Any = self._give_memory(memoize, max_size=1)
        self._memoized_by_arguments: Any = (
            self._memoized
            if memoize is not None
            else self._give_memory(None, max_size=_ARGUMENT_LISTS)
        )
        self.select, self._forget_state, self._forget_all = self._make_select()
        self.select.recomputations = 0
        self.select.dependency_recomputations = 0

    def last_result(self) -> Any:
        """Return what the result function last returned.

        Raises:
            LookupError: it never ran.
        """
        if self._last is UNSET:
            message = f"{self._name()} has no last result: it was never called"
            raise LookupError(message)
        return self._last

    def reset_recomputations(self) -> None:
        """Count recomputations from 0 again; the memory stays."""
        self.select.recomputations = 0

    def reset_dependency_recomputations(self) -> None:
        """Count the runs of the inputs from 0 again; the memory stays."""
        self.select.dependency_recomputations = 0

    def clear_cache(self) -> None:
        """Forget all results."""
        for memoized in (self._memoized, self._memoized_by_arguments):
            if hasattr(memoized, "clear_cache"):
                memoized.clear_cache()
        self._forget_all()
        self._entries.clear()

    def clear_arguments_cache(self) -> None:
        """Forget which state was asked about last; results for the same inputs stay."""
        self._forget_state()
        for entry in self._entries.values():
            entry.state = UNSET

    def refresh_checks(self) -> None:
        """Read how often to check again."""
        self._check_inputs = frequency_for(self.options.get("check_inputs"), "inputs", self)
        self._check_identity = frequency_for(self.options.get("check_identity"), "identity", self)

    def explain(self) -> str:
        """Return in words which input changed last and how often each one missed."""
        counts = ", ".join(
            f"{_name_of(select, place)} {missed}"
            for place, (select, missed) in enumerate(
                zip(self.inputs, self._missed_by, strict=True), start=1
            )
        )
        return (
            f"{self._name()}: {self.select.recomputations} recomputations in"
            f" {self.select.dependency_recomputations} runs of its inputs; {self._explanation};"
            f" misses by input: {counts}"
        )

    def _give_memory(
        self, memoize: Callable[[Callable[..., Any]], Callable[..., Any]] | None, *, max_size: int
    ) -> Callable[..., Any]:
        if memoize is not None:
            return memoize(self._compute)
        return lru_memoize(self._compute, max_size=max_size, equal=self._equal)

    def _make_select(self) -> tuple[Any, Callable[[], None], Callable[[], None]]:
        memoize_arguments = self.options.get("memoize_arguments")
        if memoize_arguments is None:
            return make_fast_selector(
                self.inputs,
                self._miss,
                self._with_arguments,
                compares_inputs=self.options.get("memoize") is None,
            )
        memoized: Any = memoize_arguments(self._run)

        def select(state: Any, /, *arguments: Any) -> Any:
            return memoized(state, *arguments)

        forget = getattr(memoized, "clear_cache", _do_nothing)
        return select, forget, forget

    def _run(self, state: Any, *arguments: Any) -> Any:
        """Run the inputs and ask the result memory, without a memory of states."""
        values = tuple(select(state, *arguments) for select in self.inputs)
        self.select.dependency_recomputations += 1
        return self._answer(self._memoized, values, (state, *arguments))

    def _miss(self, state: Any, values: tuple[Any, ...]) -> Any:
        """Answer for a state whose input values are not the last ones."""
        return self._answer(self._memoized, values, (state,))

    def _with_arguments(self, state: Any, arguments: tuple[Any, ...]) -> Any:
        """Answer for extra arguments, each list of which has a memory of its own."""
        key = argument_key(arguments)
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
            if entry.state is state:
                return entry.result
        values = tuple(select(state, *arguments) for select in self.inputs)
        self.select.dependency_recomputations += 1
        result = self._answer(self._memoized_by_arguments, values, (state, *arguments))
        self._entries[key] = _Entry(arguments, state if keeping.states else UNSET, result)
        if len(self._entries) > _ARGUMENT_LISTS:
            self._entries.popitem(last=False)
        return result

    def _answer(
        self, memoized: Callable[..., Any], values: tuple[Any, ...], arguments: tuple[Any, ...]
    ) -> Any:
        is_first = not self._checked
        if self._check_inputs == "always" or (is_first and self._check_inputs == "once"):
            place = self._defined_at()
            check_input_stability(self.inputs, values, arguments, self._equal, place)
        before = self.select.recomputations
        result = memoized(*values)
        recomputed = self.select.recomputations != before
        if recomputed:
            self._note_changes(values)
            if self._check_identity == "always" or (is_first and self._check_identity == "once"):
                check_identity(self.result_function, values, result, self._defined_at())
        self._checked = True
        return result

    def _compute(self, *values: Any) -> Any:
        self.select.recomputations += 1
        self._last = self.result_function(*values)
        return self._last

    def _note_changes(self, values: tuple[Any, ...]) -> None:
        if not self._values:
            self._explanation = "the last one was its first"
        else:
            changed = [i for i, old in enumerate(self._values) if old is not values[i]]
            for place in changed:
                self._missed_by[place] += 1
            names = ", ".join(_name_of(self.inputs[i], i + 1) for i in changed)
            self._explanation = f"the last one because of {names or 'a forgotten result'}"
        self._values = values

    def _name(self) -> str:
        return str(getattr(self.result_function, "__qualname__", repr(self.result_function)))

    def _defined_at(self) -> str:
        code = getattr(self.result_function, "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else self._name()


class _Entry:
    """What is known for one list of extra arguments."""

    __slots__ = ("arguments", "result", "state")

    def __init__(self, arguments: tuple[Any, ...], state: object, result: object) -> None:
        self.arguments = arguments  # keeps alive what the entry's key knows by identity
        self.state = state
        self.result = result


def _name_of(select: Callable[..., Any], place: int) -> str:
    name = getattr(select, "__qualname__", None) or repr(select)
    return f"input {place}" if name.endswith("<lambda>") else str(name)


def _do_nothing() -> None:
    return None
