"""The generated fast way through a selector, unrolled for its number of inputs.

What belongs here: the one function that runs when a selector is called.  What does not: anything
that runs only on a miss, which `selector` does.

Unrolled, a hit after another slice changed costs 3.2 times a hit of `functools.lru_cache`; with a
loop over the inputs it costs 7 times as much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from refold.reducers.run_template import run_template
from refold.selectors.keeping import keeping

__all__ = ["UNSET", "make_fast_selector"]


class _Unset:
    def __repr__(self) -> str:
        return "unset"


UNSET: Final[Any] = _Unset()
"""Stands for a value that is not there yet."""


def make_fast_selector(
    inputs: Sequence[Callable[..., Any]],
    miss: Callable[[Any, tuple[Any, ...]], Any],
    with_arguments: Callable[[Any, tuple[Any, ...]], Any],
    *,
    compares_inputs: bool,
) -> tuple[Callable[..., Any], Callable[[], None], Callable[[], None]]:
    """Return the function to call, one that forgets the last state, and one that forgets all.

    Args:
        inputs: called with the state.
        miss: called with the state and the inputs' values; returns the result.
        with_arguments: called instead of all this when there are extra arguments.
        compares_inputs: whether identical input values may be answered by the last result.
    """
    numbers = range(len(inputs))
    values = "".join(f"v{i}, " for i in numbers)
    olds = "".join(f"o{i}, " for i in numbers)
    same = " and ".join(f"v{i} is o{i}" for i in numbers) if compares_inputs else "False"
    unset = " = ".join(["last_state", "last_value", *(f"o{i}" for i in numbers), "UNSET"])
    names = ", ".join(["last_state", "last_value", *(f"o{i}" for i in numbers)])
    source = (
        "def make():\n"
        f"    {unset}\n"
        "    def select(state, /, *arguments):\n"
        f"        nonlocal {names}\n"
        "        if state is last_state and not arguments:\n"
        "            return last_value\n"
        "        if arguments:\n"
        "            return with_arguments(state, arguments)\n"
        f"{''.join(f'        v{i} = i{i}(state){chr(10)}' for i in numbers)}"
        "        select.dependency_recomputations += 1\n"
        f"        if {same}:\n"
        "            if keeping.states:\n"
        "                last_state = state\n"
        "            return last_value\n"
        f"        value = miss(state, ({values}))\n"
        "        last_state = state if keeping.states else UNSET\n"
        f"        last_value, {olds} = value, {values}\n"
        "        return value\n"
        "    def forget_state():\n"
        "        nonlocal last_state\n"
        "        last_state = UNSET\n"
        "    def forget_all():\n"
        f"        nonlocal {names}\n"
        f"        {unset}\n"
        "    return select, forget_state, forget_all\n"
    )
    known: dict[str, Any] = {f"i{i}": select for i, select in enumerate(inputs)}
    known |= {"miss": miss, "with_arguments": with_arguments, "UNSET": UNSET, "keeping": keeping}
    made: tuple[Callable[..., Any], Callable[[], None], Callable[[], None]]
    made = run_template(source, "make", known)()
    return made
