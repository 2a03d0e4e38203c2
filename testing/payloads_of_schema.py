"""Payloads of a locked schema: what an older version of the application may have written.

What belongs here: Hypothesis strategies of JSON values, made from forms alone, because the classes
of then are gone.  What does not: reading them.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

from refold.replay.schema_forms import SCALARS, sorted_json
from refold.replay.upcaster_records import VERSION_KEY
from refold.replay.value_codec import make_value_converter

if TYPE_CHECKING:
    from refold.replay.schema import Schema

__all__ = ["first_unreadable", "payloads_of"]

Strategy = st.SearchStrategy[Any]
"""A strategy of JSON values."""

_DEPTH: Final = 3
"""Records inside records: below, collections are empty and what may be None is None."""

_UNWATCHED: Final = (
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
    HealthCheck.too_slow,
)
"""What a locked schema is like is not for a health check to judge."""

_MOST_ELEMENTS: Final = 3

_DISTINCT: Final = frozenset({"str", "int", "bytes", "date", "uuid"})
"""Scalars of which other JSON is always another value; two times may be the same moment."""

_offsets = st.integers(-1439, 1439).map(
    lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes))
)
_VALUES: Final[Mapping[str, Strategy]] = {
    "none": st.none(),
    "bool": st.booleans(),
    "int": st.integers() | st.sampled_from([0, 1, 2**53 + 1, 2**64, -(2**63) - 1]),
    "float": st.floats(),
    "str": st.text() | st.sampled_from(["", "$of", "\x00", "\ud800"]),
    "bytes": st.binary(max_size=8),
    "datetime": st.datetimes(timezones=st.none() | _offsets),
    "date": st.dates(),
    "time": st.times(),
    "timedelta": st.timedeltas(),
    "decimal": st.decimals().filter(lambda number: not number.is_snan()),
    "uuid": st.uuids(),
    "any": st.none() | st.booleans() | st.integers() | st.text(),
}
_PLAIN: Final = frozenset({"bool", "int", "float", "str"})
"""Members of a union that are written as they are, because JSON tells them."""


def payloads_of(schema: Schema, name: str, version: int | None = None) -> Strategy:
    """Return a strategy of what one class was written as.

    Args:
        schema: usually one that was read from a file.
        name: an action's wire name, or the name of a record.
        version: one that the schema knows; None for the present one.

    Raises:
        KeyError: the schema has no such class, or it was never locked in that version.
    """
    one = schema.classes[name] if name in schema.classes else schema.former[name]
    chosen = one.version if version is None else version
    if chosen not in one.fields_by_version():
        raise KeyError(version)
    return _Payloads(schema).of_version(name, chosen, _DEPTH)


def first_unreadable(
    payloads: Strategy, read: Callable[[Any], object], *, count: int, seed_number: int
) -> tuple[Any, Exception] | None:
    """Return the smallest payload found that cannot be read, with the error; None if all can.

    Args:
        payloads: the strategy.
        read: raises for what it cannot read.
        count: how many are tried.
        seed_number: the same number tries the same payloads.
    """
    found: list[tuple[Any, Exception]] = []

    @seed(seed_number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=_UNWATCHED,
        verbosity=Verbosity.quiet,
    )
    @given(payloads)
    def try_one(payload: Any) -> None:
        try:
            read(payload)
        except Exception as error:
            found.append((payload, error))
            raise

    try:
        try_one()
    except Exception:
        if not found:
            raise
        return found[-1]  # the smallest one is run last
    return None


class _Payloads:
    """Strategies of one schema; each is made once per depth, so that types may hold themselves."""

    def __init__(self, schema: Schema) -> None:
        self._classes = {**schema.former, **schema.classes}
        self._made: dict[tuple[str, int, int], Strategy] = {}
        self._converter = make_value_converter()

    def of_version(self, name: str, version: int, depth: int) -> Strategy:
        """Return a strategy of one class in one version."""
        key = (name, version, depth)
        if key not in self._made:
            # a class at depth 0 cannot reach itself, so the entry is there when it is drawn from
            self._made[key] = st.deferred(lambda: self._make(name, version, depth))
        return self._made[key]

    def _make(self, name: str, version: int, depth: int) -> Strategy:
        one = self._classes[name]
        fields = one.fields_by_version()[version]
        parts = {field: self._of(value.form, depth) for field, value in fields.items()}
        if one.kind == "row":
            return st.tuples(*parts.values()).map(list)
        if one.kind == "record" and version > 1:
            parts = {VERSION_KEY: st.just(version), **parts}
        return st.fixed_dictionaries(parts)

    def _of(self, form: Any, depth: int) -> Strategy:  # noqa: PLR0911  # a table of kinds
        if isinstance(form, str):
            return self._scalar(form)
        match cast("dict[str, Any]", form):
            case {"record": name}:
                versions = sorted(self._classes[name].fields_by_version())
                return st.one_of(*(self.of_version(name, v, depth - 1) for v in versions))
            case {"members": members}:
                return st.sampled_from(sorted(members.values(), key=sorted_json))
            case {"literal": choices}:
                return st.sampled_from(choices)
            case {"row": parts}:
                return st.tuples(*(self._of(part, depth) for part in parts)).map(list)
            case {"union": choices, "none": allows_none}:
                return self._union(choices, allows_none, depth)
            case {"pmap": [key, value]}:
                return self._map(key, value, depth)
            case parts:
                ((kind, element),) = parts.items()
                return self._list(kind, element, depth)

    def _scalar(self, name: str) -> Strategy:
        if name == "any":
            return _VALUES["any"]
        cls = SCALARS[name]
        values = _VALUES[name]
        if name == "float":  # an int in a float field stays one
            values = values | st.integers(-(2**63), 2**63)
        return values.map(lambda value: self._converter.unstructure(value, cls))

    def _union(self, choices: dict[str, Any], allows_none: bool, depth: int) -> Strategy:  # noqa: FBT001  # as the form has it
        none = [st.none()] if allows_none else []
        if depth <= 0 and allows_none:
            return st.none()
        if len(choices) == 1:
            return st.one_of(*none, self._of(next(iter(choices.values())), depth))
        heights = {n: self._height(form, frozenset()) for n, form in choices.items()}
        lowest = min(heights.values())
        chosen = {n: one for n, one in choices.items() if depth > 0 or heights[n] == lowest}
        return st.one_of(*none, *(self._choice(n, form, depth) for n, form in chosen.items()))

    def _choice(self, name: str, form: Any, depth: int) -> Strategy:
        if form == "float":  # in a union an int is one, or is told by its name
            plain = self._converter.get_unstructure_hook(float)
            values = _VALUES["float"].map(plain)
        else:
            values = self._of(form, depth)
        if name in _PLAIN and name == form:
            return values
        return values.map(lambda value: {"$of": name, "value": value})

    def _list(self, kind: str, element: Any, depth: int) -> Strategy:
        if depth <= 0:
            return st.just([])
        elements = self._of(element, depth)
        if kind in {"frozenset", "pset"}:
            most = _most_distinct(element)
            return st.lists(elements, max_size=most, unique_by=sorted_json)
        return st.lists(elements, max_size=_MOST_ELEMENTS)

    def _map(self, key: Any, value: Any, depth: int) -> Strategy:
        if depth <= 0:
            return st.just({})
        keys, values = self._of(key, depth), self._of(value, depth)
        pairs = st.lists(
            st.tuples(keys, values).map(list),
            max_size=_most_distinct(key),
            unique_by=lambda pair: sorted_json(pair[0]),
        )
        return pairs.map(_as_written)

    def _height(self, form: Any, inside: frozenset[str]) -> float:
        """Return how many records the lowest value of a form has one in the other.

        Infinite if it must hold a record that it stands in: below the depth the lowest choice is
        taken, which becomes lower with every step.
        """
        if isinstance(form, str):
            return 0
        match cast("dict[str, Any]", form):
            case {"record": name}:
                if name in inside:
                    return math.inf
                versions = self._classes[name].fields_by_version().values()
                forms = [field.form for fields in versions for field in fields.values()]
                return 1 + max((self._height(f, inside | {name}) for f in forms), default=0)
            case {"row": parts}:
                return max((self._height(part, inside) for part in parts), default=0)
            case {"union": choices, "none": False}:
                return min(self._height(choice, inside) for choice in choices.values())
            case _:
                return 0


def _most_distinct(form: Any) -> int:
    """Return how many elements a set may have without any two being equal."""
    is_distinct = form in _DISTINCT if isinstance(form, str) else "members" in form
    return _MOST_ELEMENTS if is_distinct else 1


def _as_written(pairs: list[Any]) -> Any:
    """Return the entries of a map as the log has them: an object, if all keys are texts."""
    if all(isinstance(key, str) for key, _ in pairs):
        return dict(pairs)
    return pairs
