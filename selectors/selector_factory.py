"""`selector_factory`: a `selector` with defaults of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack

from refold.selectors.selector import Selector, selector

if TYPE_CHECKING:
    from refold.selectors.selector_workings import SelectorOptions

__all__ = ["SelectorDecorator", "selector_factory"]

R = TypeVar("R")


class SelectorDecorator(Protocol):
    """What a factory returns: used as `selector` is."""

    def __call__(
        self, *inputs: Any, **options: Unpack[SelectorOptions]
    ) -> Callable[[Callable[..., R]], Selector[Any, R]]:
        """Declare a selector; an option given here beats the factory's."""
        ...


def selector_factory(**defaults: Unpack[SelectorOptions]) -> SelectorDecorator:
    """Return a `selector` whose options have these defaults."""

    def selector_with_defaults(
        *inputs: Any, **options: Unpack[SelectorOptions]
    ) -> Callable[[Callable[..., R]], Selector[Any, R]]:
        chosen: SelectorOptions = {**defaults, **options}
        return selector(*inputs, **chosen)

    return selector_with_defaults
