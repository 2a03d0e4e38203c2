"""Building frozen attrs records without the cost of their constructor.

What belongs here: the one trick that makes building a record cheap.  What does not: deciding when
a record must be built.

A frozen attrs class assigns each field through ``object.__setattr__``: 625 ns for eight fields.  An
instance of a subclass that adds nothing but plain assignment is filled in 160 ns and then turned
into the real class, whose memory layout is the same (measured on CPython 3.11, 3.12 and 3.13).
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

import attrs

from refold.reducers.run_template import run_template

__all__ = ["has_plain_constructor", "make_record_builder", "make_writable_twin"]

R = TypeVar("R")


_MAKES: Final = ("__new__", "__init_subclass__")
"""What takes part in making an object or a class, so that a copy must not go around it."""


def has_plain_constructor(cls: type) -> bool:
    """Tell whether an attrs class's constructor does nothing but store its arguments.

    False for validators, converters, hooks, ``init=False`` fields, cached hashes, hand-written
    constructors, ``__new__`` and ``__init_subclass__``: such a class must be built by its own
    constructor.
    """
    fields = attrs.fields(cls)
    constructor: Any = cls.__dict__.get("__init__", object.__init__)
    return (
        inspect.isfunction(constructor)
        and constructor.__code__.co_filename.startswith("<attrs generated")
        and not any(hasattr(cls, hook) for hook in ("__attrs_pre_init__", "__attrs_post_init__"))
        and not any(name in base.__dict__ for base in _own_bases(cls) for name in _MAKES)
        and "_attrs_cached_hash" not in getattr(cls, "__slots__", ())
        and all(f.init and f.validator is None and f.converter is None for f in fields)
    )


def make_writable_twin(cls: type[R]) -> type[R]:
    """Return a subclass of the same memory layout whose fields can be assigned."""
    namespace = {
        "__slots__": (),
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
    }
    return types.new_class(cls.__name__, (cls,), {}, lambda names: names.update(namespace))


def make_record_builder(cls: type[R], names: Sequence[str]) -> Callable[[Sequence[Any]], R]:
    """Return a function from a sequence of values, in the order of the names, to a record.

    Args:
        cls: an attrs class with a plain constructor.
        names: the fields to fill; a field that is left out stays absent.
    """
    targets = "".join(f"record.{name}, " for name in names)
    source = (
        "def build(values):\n"
        "    record = new(twin)\n"
        f"    {targets or '()'} = values\n"
        "    record.__class__ = cls\n"
        "    return record\n"
    )
    known = {"new": object.__new__, "twin": make_writable_twin(cls), "cls": cls}
    build: Callable[[Sequence[Any]], R] = run_template(source, "build", known)
    return build


def _own_bases(cls: type) -> list[type]:
    return [base for base in cls.__mro__ if base is not object and base is not Generic]
