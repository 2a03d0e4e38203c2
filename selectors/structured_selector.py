"""`structured_selector`: one record out of several selectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from refold.errors import SelectorDeclarationError
from refold.selectors.selector import Selector, make_selector

__all__ = ["structured_selector"]

R = TypeVar("R")


def structured_selector(record: type[R], /, **selectors: Callable[..., Any]) -> Selector[Any, R]:
    """Return a selector of records, the identical one until a part of it changes.

    Args:
        record: an attrs class.
        selectors: one for each parameter of its constructor; those with defaults may be left out.

    Raises:
        SelectorDeclarationError: the class is no attrs class, or names and selectors do not fit.
    """
    if not _is_record(record):
        message = f"structured_selector expects an attrs class first, got {record!r}"
        raise SelectorDeclarationError(message)
    parameters = _parameters_of(record)
    unknown = [name for name in selectors if name not in parameters]
    missing = [name for name, needed in parameters.items() if needed and name not in selectors]
    wrong = [name for name, select in selectors.items() if not callable(select)]
    if unknown or missing or wrong or not selectors:
        message = (
            f"structured_selector({record.__name__}, ...) needs one selector for each of"
            f" {', '.join(parameters)}; unknown: {unknown}, missing: {missing}, not callable:"
            f" {wrong}"
        )
        raise SelectorDeclarationError(message)
    names = tuple(selectors)

    def make_record(*values: object) -> R:
        return record(**dict(zip(names, values, strict=True)))

    make_record.__qualname__ = make_record.__name__ = f"structured_selector_of_{record.__name__}"
    return make_selector(tuple(selectors.values()), {}, make_record)


def _is_record(candidate: object) -> bool:
    return isinstance(candidate, type) and attrs.has(candidate)


def _parameters_of(record: type[Any]) -> dict[str, bool]:
    """Return the names of a record's constructor parameters, and whether each must be given."""
    return {f.alias: f.default is attrs.NOTHING for f in attrs.fields(record) if f.init}
