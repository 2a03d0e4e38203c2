"""`selector`: a question about the state that is computed again only when its answer may differ.

What belongs here: declaring a selector and joining its parts.  What does not: the fast way through
one (`selector_template`), memories (`lru_memoize`, `weak_memoize`) and checks
(`development_checks`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Protocol, TypeVar, Unpack, cast, overload

from refold.errors import SelectorDeclarationError
from refold.selectors.selector_workings import SelectorOptions, SelectorWorkings

__all__ = ["Selector", "lift_input", "make_selector", "selector"]

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
R1 = TypeVar("R1")
R2 = TypeVar("R2")
R3 = TypeVar("R3")
R4 = TypeVar("R4")
R5 = TypeVar("R5")
Root = TypeVar("Root")


class Selector(Protocol[S_contra, R_co]):
    """A memoized function of the state, with a view into its memory."""

    @property
    def recomputations(self) -> int:
        """How often the result function ran since the last reset."""
        ...

    @property
    def dependency_recomputations(self) -> int:
        """How often the inputs ran since the last reset."""
        ...

    @property
    def dependencies(self) -> tuple[Callable[..., Any], ...]:
        """The inputs, in order."""
        ...

    @property
    def result_func(self) -> Callable[..., R_co]:
        """The function that was decorated."""
        ...

    @property
    def unwrapped(self) -> Callable[..., R_co]:
        """The selector that this one lifts to a root by `at`; itself if it lifts none."""
        ...

    def __call__(self, state: S_contra, /, *arguments: Any) -> R_co:
        """Return the answer for a state; extra arguments go to every input."""
        ...

    def last_result(self) -> R_co:
        """Return what the result function last returned.

        Raises:
            LookupError: it never ran.
        """
        ...

    def reset_recomputations(self) -> None:
        """Count recomputations from 0 again; the memory stays."""
        ...

    def reset_dependency_recomputations(self) -> None:
        """Count the runs of the inputs from 0 again; the memory stays."""
        ...

    def clear_cache(self) -> None:
        """Forget all results."""
        ...

    def clear_arguments_cache(self) -> None:
        """Forget which state was asked about last; results for the same inputs stay."""
        ...

    def explain(self) -> str:
        """Return in words which input changed last and how often each one missed."""
        ...

    def with_args(self, *arguments: Any) -> Callable[[S_contra], R_co]:
        """Return a function of the state alone, with these extra arguments."""
        ...

    def at(self, get_slice: Callable[[Root], S_contra]) -> Selector[Root, R_co]:
        """Return the same selector over a root, with a memory of its own."""
        ...


@overload
def selector(
    i1: Callable[Concatenate[S, ...], R1],
    /,
    **options: Unpack[SelectorOptions],
) -> Callable[[Callable[[R1], R]], Selector[S, R]]: ...
@overload
def selector(
    i1: Callable[Concatenate[S, ...], R1],
    i2: Callable[Concatenate[S, ...], R2],
    /,
    **options: Unpack[SelectorOptions],
) -> Callable[[Callable[[R1, R2], R]], Selector[S, R]]: ...
@overload
def selector(
    i1: Callable[Concatenate[S, ...], R1],
    i2: Callable[Concatenate[S, ...], R2],
    i3: Callable[Concatenate[S, ...], R3],
    /,
    **options: Unpack[SelectorOptions],
) -> Callable[[Callable[[R1, R2, R3], R]], Selector[S, R]]: ...
@overload
def selector(
    i1: Callable[Concatenate[S, ...], R1],
    i2: Callable[Concatenate[S, ...], R2],
    i3: Callable[Concatenate[S, ...], R3],
    i4: Callable[Concatenate[S, ...], R4],
    /,
    **options: Unpack[SelectorOptions],
) -> Callable[[Callable[[R1, R2, R3, R4], R]], Selector[S, R]]: ...
@overload
def selector(
    i1: Callable[Concatenate[S, ...], R1],
    i2: Callable[Concatenate[S, ...], R2],
    i3: Callable[Concatenate[S, ...], R3],
    i4: Callable[Concatenate[S, ...], R4],
    i5: Callable[Concatenate[S, ...], R5],
    /,
    **options: Unpack[SelectorOptions],
) -> Callable[[Callable[[R1, R2, R3, R4, R5], R]], Selector[S, R]]: ...
@overload
def selector(
    inputs: Sequence[Callable[Concatenate[S, ...], Any]],
    /,
    **options: Unpack[SelectorOptions],
) -> Callable[[Callable[..., R]], Selector[S, R]]: ...
@overload
def selector(
    i1: Callable[Concatenate[S, ...], Any],
    /,
    *inputs: Callable[Concatenate[S, ...], Any],
    **options: Unpack[SelectorOptions],
) -> Callable[[Callable[..., R]], Selector[S, R]]: ...
def selector(
    *inputs: Any, **options: Unpack[SelectorOptions]
) -> Callable[[Callable[..., Any]], Selector[Any, Any]]:
    """Declare a selector: decorate the function that derives the answer from the inputs' values.

    Args:
        inputs: functions of the state (and of extra arguments, if the selector is called with
            any), one by one or as one list.
        options: see `SelectorOptions`.

    Returns:
        A decorator.  A call with the state asked about last is answered at once; a call with
        another state runs the inputs, and the function only if one of their values changed.

    Raises:
        SelectorDeclarationError: an input, or what is decorated, is not callable.
    """
    return functools.partial(make_selector, _checked_inputs(inputs), options)


def make_selector(
    inputs: tuple[Callable[..., Any], ...],
    options: SelectorOptions,
    result_function: Callable[..., Any],
) -> Selector[Any, Any]:
    """Return a selector of checked inputs.

    Raises:
        SelectorDeclarationError: the result function is not callable.
    """
    if not callable(result_function):
        message = (
            f"a selector's result function must be callable, got {type(result_function).__name__};"
            f" decorate a function of {len(inputs)} values"
        )
        raise SelectorDeclarationError(message)
    workings = SelectorWorkings(inputs, result_function, options)
    select: Any = workings.select
    select.unwrapped = select
    select.dependencies = inputs
    select.result_func = result_function
    select.last_result = workings.last_result
    select.reset_recomputations = workings.reset_recomputations
    select.reset_dependency_recomputations = workings.reset_dependency_recomputations
    select.clear_cache = workings.clear_cache
    select.clear_arguments_cache = workings.clear_arguments_cache
    select.explain = workings.explain
    select.with_args = functools.partial(_with_args, select)
    select.at = functools.partial(_lift, select, options)
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(select, name, getattr(result_function, name, None) or getattr(select, name))
    return select  # type: ignore[no-any-return]  # a function with the attributes set above


def _with_args(select: Callable[..., R], *arguments: object) -> Callable[[Any], R]:
    def select_with_args(state: Any) -> R:
        return select(state, *arguments)

    return select_with_args


def _lift(
    select: Selector[Any, R], options: SelectorOptions, get_slice: Callable[[Any], Any]
) -> Selector[Any, R]:
    lifted_inputs = tuple(lift_input(read, get_slice) for read in select.dependencies)
    lifted: Any = make_selector(lifted_inputs, options, select.result_func)
    lifted.unwrapped = select
    return lifted  # type: ignore[no-any-return]  # a selector


def lift_input(read: Callable[..., R], get_slice: Callable[[Any], Any]) -> Callable[..., R]:
    """Return the function over a root that it is over a slice."""

    @functools.wraps(read)
    def read_from_root(root: Any, *arguments: Any) -> R:
        return read(get_slice(root), *arguments)

    return read_from_root


def _checked_inputs(inputs: tuple[Any, ...]) -> tuple[Callable[..., Any], ...]:
    if len(inputs) == 1 and isinstance(inputs[0], list | tuple):
        inputs = tuple(cast("Sequence[Any]", inputs[0]))
    if inputs and all(callable(read) for read in inputs):
        return inputs
    kinds = ", ".join(
        f"function {getattr(read, '__name__', repr(read))}"
        if callable(read)
        else type(read).__name__
        for read in inputs
    )
    message = (
        f"a selector's inputs must all be functions of the state, got [{kinds}]; write"
        f" @selector(input_1, input_2) above the function that derives the answer"
    )
    raise SelectorDeclarationError(message)
