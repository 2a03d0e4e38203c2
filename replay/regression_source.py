"""Values as Python source: what somebody would write to make them.

What belongs here: the expression for each kind of value that an action may hold, and the imports
that it needs.  What does not: the file around it, which `regression_test_file` writes.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import uuid
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, cast

import attrs
from pyrsistent import PDeque, PMap, PSet, PVector

from refold.errors import PayloadError

__all__ = ["SourceWriter"]

_LINE: Final = 100
"""Characters of a line of the test."""


class SourceWriter:
    """Writes values as source, and remembers what has to be imported for them."""

    def __init__(self) -> None:
        """Begin without imports."""
        self._names: dict[str, str] = {}
        self._modules: set[str] = set()

    def name_of(self, thing: Any) -> str:
        """Return how a class or function is written, and remember to import it.

        Raises:
            PayloadError: it cannot be imported by name, or another of the same name is.
        """
        module, qualified = str(thing.__module__), str(thing.__qualname__)
        if "<" in qualified or module == "__main__":
            message = (
                f"{module}.{qualified} cannot be imported by a test; declare it by a name at the"
                f" top of a module that can be imported"
            )
            raise PayloadError(message, path=qualified)
        return self.name_in(module, qualified)

    def name_in(self, module: str, qualified: str) -> str:
        """Return how a name of a module is written, and remember to import it.

        Raises:
            PayloadError: another of the same name is imported already.
        """
        top = qualified.partition(".")[0]
        if self._names.setdefault(top, module) != module:
            message = (
                f"{top} is in {module} and in {self._names[top]}, and one test file cannot import"
                f" both by this name; rename one of them"
            )
            raise PayloadError(message, path=qualified)
        return qualified

    def imports(self) -> Iterator[str]:
        """Yield the import statements, sorted."""
        yield from (f"import {module}" for module in sorted(self._modules))
        for module in sorted(set(self._names.values())):
            names = sorted(name for name, home in self._names.items() if home == module)
            line = f"from {module} import {', '.join(names)}"
            if len(line) <= _LINE:
                yield line
            else:
                yield f"from {module} import ("
                yield from (f"    {name}," for name in names)
                yield ")"

    def source(self, value: object) -> str:
        """Return the expression that makes a value.

        Raises:
            PayloadError: there is none, or a class in it cannot be imported.
        """
        if isinstance(value, enum.Enum):
            return self._enum(value)
        if attrs.has(type(value)):
            return self._record(value)
        write = next((write for kinds, write in _WRITE if isinstance(value, kinds)), None)
        if write is None:
            message = f"{value!r} of type {type(value).__qualname__} cannot be written as source"
            raise PayloadError(message, path="")
        return write(self, value)

    def _enum(self, value: enum.Enum) -> str:
        name = self.name_of(type(value))
        return (
            f"{name}.{value.name}"
            if value.name in type(value).__members__
            else (f"{name}({value.value!r})")
        )

    def _record(self, value: Any) -> str:
        given: list[str] = []
        for field in attrs.fields(type(value)):  # pyright: ignore[reportUnknownArgumentType]  # narrowed to a generic of unknown elements
            part = getattr(value, field.name)
            if field.init and not (part is None and field.default is None):
                given.append(f"{field.alias}={self.source(part)}")
        return f"{self.name_of(type(value))}({', '.join(given)})"

    def items(self, values: Iterable[object]) -> str:
        """Return several expressions between commas."""
        return ", ".join(map(self.source, values))

    def call(self, module: str, name: str, argument: str) -> str:
        """Return a call of a function of a module that is imported by `from`."""
        return f"{self.name_in(module, name)}({argument})"

    def of_module(self, module: str, text: str) -> str:
        """Return an expression that needs a module imported by its name."""
        self._modules.add(module)
        return text


def _float(_writer: SourceWriter, value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'


def _time(writer: SourceWriter, value: object) -> str:
    if isinstance(getattr(value, "tzinfo", None), zoneinfo.ZoneInfo):
        writer.of_module("zoneinfo", "")
    return writer.of_module("datetime", repr(value))


def _tuple(writer: SourceWriter, value: tuple[object, ...]) -> str:
    if hasattr(value, "_fields"):
        return f"{writer.name_of(type(value))}({writer.items(value)})"
    return f"({writer.items(value)}{',' if len(value) == 1 else ''})"


def _map(writer: SourceWriter, value: Mapping[object, object]) -> str:
    entries = sorted(f"{writer.source(key)}: {writer.source(part)}" for key, part in value.items())
    return writer.call("pyrsistent", "pmap", f"{{{', '.join(entries)}}}")


def _set(writer: SourceWriter, value: AbstractSet[object]) -> str:
    elements = f"{{{', '.join(sorted(map(writer.source, value)))}}}" if value else ""
    if isinstance(value, PSet):
        return writer.call("pyrsistent", "pset", elements)
    return f"frozenset({elements})"


def _deque(writer: SourceWriter, value: PDeque[object]) -> str:
    maxlen: int | None = value.maxlen  # pyrsistent's stub says that it is an int; it may be None
    bound = "" if maxlen is None else f", maxlen={maxlen}"  # pyright: ignore[reportUnnecessaryComparison]  # so the stub
    items = f"[{writer.items(cast('Iterable[object]', value))}]{bound}"
    return writer.call("pyrsistent", "pdeque", items)


_WRITE: Final[list[tuple[Any, Callable[[SourceWriter, Any], str]]]] = [
    (float, _float),
    ((type(None), bool, int, str, bytes), lambda _, value: repr(value)),
    (
        (datetime.datetime, datetime.date, datetime.time, datetime.timedelta),
        _time,
    ),
    (uuid.UUID, lambda writer, value: writer.of_module("uuid", f"uuid.{value!r}")),
    (decimal.Decimal, lambda writer, value: writer.of_module("decimal", f"decimal.{value!r}")),
    (
        PVector,
        lambda writer, value: writer.call("pyrsistent", "pvector", f"[{writer.items(value)}]"),
    ),
    (PDeque, _deque),
    (PMap, _map),
    ((PSet, frozenset), _set),
    (tuple, _tuple),
]
"""How each kind is written; the first that fits counts."""
