"""Upcasters: old records are read as the present version has them, and never in any other way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import PVector, pvector

from refold.actions.action import Action, action
from refold.actions.upcaster import upcaster
from refold.errors import ActionDeclarationError, LogError, PayloadError, UnknownActionError
from refold.middleware.record import record
from refold.reducers.reducer import Reducer
from refold.replay.action_codec import decode_action, decode_state, encode_payload, encode_state
from refold.replay.canonical_digest import state_digest
from refold.replay.log_record import LogRecord
from refold.replay.replay import replay
from refold.replay.upcaster_chain import check_upcasters, version_of
from refold.store.store import Store
from tests.replay.aging_application import FIRST, SECOND, THIRD, load_application


@action("upcasters/renamed", version=3)
class Renamed(Action):
    """Version 1 had ``title``, version 2 ``name``; version 3 has how often as well."""

    name: str
    count: int


@upcaster("upcasters/renamed", from_version=1)
def title_becomes_name(payload: dict[str, Any]) -> dict[str, Any]:
    """Change the payload in place, as an upcaster may."""
    payload["name"] = payload.pop("title")
    return payload


@upcaster(Renamed, 2, 3)
def name_gets_count(payload: dict[str, Any]) -> dict[str, Any]:
    """Return another payload."""
    return {**payload, "count": len(payload["name"])}


@attrs.frozen
class Point:
    """A record whose version 1 was one text."""

    wire_version: ClassVar[int] = 2
    x: float
    y: float = 0.0


@upcaster(Point, from_version=1)
def split_point(fields: dict[str, Any]) -> dict[str, Any]:
    """Split ``"1 2"``."""
    x, y = fields["text"].split()
    return {"x": float(x), "y": float(y)}


@attrs.frozen
class Plane:
    """A root that holds such records."""

    points: PVector[Point] = pvector()  # noqa: RUF009  # immutable
    middle: Point | None = None


@attrs.frozen
class VersionedRoot:
    """A root that has a version itself, and a field that is absent without a slice."""

    wire_version: ClassVar[int] = 2
    late: int
    size: int = 0


@upcaster(VersionedRoot, from_version=1)
def root_gets_size(fields: dict[str, Any]) -> dict[str, Any]:
    """Give the size that every root of version 1 had."""
    return {**fields, "size": 7}


@action("upcasters/point_named")
class PointNamed(Action):
    """An action of version 1 with a record of version 2 in it."""

    point: Point


@action("upcasters/dropped", version=3)
class Dropped(Action):
    """Version 1 is not read any more."""

    number: int = 0


@upcaster("upcasters/dropped", from_version=2)
def dropped_from_2(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what fits only if ``number`` is an int, raise without it, and nothing for 0."""
    return {"number": payload["number"]} if payload["number"] else None  # type: ignore[return-value]  # it is meant to be wrong


def record_of(name: str, version: int, /, **payload: Any) -> LogRecord:
    """Return a record as it comes out of a line of a log."""
    return LogRecord(7, "writer-7", name, version, 5, None, "app", payload)


@given(title=st.text())
def test_each_older_version_goes_through_the_rest_of_the_chain(title: str) -> None:
    """Versions 1, 2 and 3 of a payload give the same action, with its time."""
    expected = Renamed(title, len(title), at_ms=5)
    payloads: list[dict[str, Any]] = [
        {"title": title},
        {"name": title},
        {"name": title, "count": len(title)},
    ]
    for version, payload in enumerate(payloads, 1):
        decoded = decode_action(record_of("upcasters/renamed", version, **payload))
        assert decoded == expected
        assert decoded.at_ms == 5


def test_the_record_stays_as_it_was() -> None:
    """An upcaster may change the payload it is given: it is a copy."""
    old = record_of("upcasters/renamed", 1, title="a")
    decode_action(old)
    decode_action(old)
    assert old.payload == {"title": "a"}


def test_a_record_in_a_payload_has_a_version_of_its_own() -> None:
    """A record of version 2 says so, one that does not is of version 1, and both are read."""
    payload = encode_payload(PointNamed(Point(1.0, 2.0)))
    assert payload == {"point": {"$version": 2, "x": 1.0, "y": 2.0}}
    old = record_of("upcasters/point_named", 1, point={"text": "1 2"})
    new = record_of("upcasters/point_named", 1, **payload)
    assert decode_action(old) == decode_action(new) == PointNamed(Point(1.0, 2.0))


def test_records_in_a_state_are_upcast_where_they_stand() -> None:
    """A start state with records of both versions, in collections and unions, is read."""
    plane = Plane(pvector([Point(1.0, 2.0)]), Point(3.0))
    assert decode_state(encode_state(plane), Plane) == plane
    old = {"points": [{"text": "1 2"}], "middle": {"$version": 2, "x": 3.0, "y": 0.0}}
    assert decode_state(old, Plane) == plane


def test_a_root_is_upcast_and_its_absent_fields_stay_absent() -> None:
    """An upcaster of the root runs before its fields are looked at, and adds no other field."""
    assert decode_state({"late": 1}, VersionedRoot) == VersionedRoot(1, 7)
    partly = decode_state({}, VersionedRoot)
    assert (partly.size, hasattr(partly, "late")) == (7, False)
    again = decode_state(encode_state(partly), VersionedRoot)
    assert (again.size, hasattr(again, "late")) == (7, False)
    assert encode_state(partly) == {"$version": 2, "size": 7}


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (4, "is version 3; update the application"),
        (1, "declare an upcaster for it: @upcaster('upcasters/dropped', from_version=1)"),
        (0, "declare an upcaster for it: @upcaster('upcasters/dropped', from_version=0)"),
    ],
)
def test_what_no_chain_leads_from_is_refused(version: int, words: str) -> None:
    """A newer version, and one older than the chain, say what to do."""
    with pytest.raises(UnknownActionError) as caught:
        decode_action(record_of("upcasters/dropped", version, number=1))
    assert words in str(caught.value)
    assert "seq 7" in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({}, "the upcaster from version 2 to 3 raised KeyError: 'number' ("),
        ({"number": 0}, "the upcaster from version 2 to 3 returned None, expected a dict"),
        ({"number": "x"}, "upcast from version 2 to 3, does not fit Dropped: expected int"),
    ],
)
def test_an_upcaster_that_fails_is_named(payload: dict[str, Any], words: str) -> None:
    """What raises, returns no payload or one that does not fit: seq, action, version, step."""
    with pytest.raises(PayloadError) as caught:
        decode_action(record_of("upcasters/dropped", 2, **payload))
    assert isinstance(caught.value, LogError)
    assert words in str(caught.value)
    assert "seq 7 (upcasters/dropped)" in str(caught.value)
    assert "version 2" in str(caught.value)


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ({}, "the upcaster from version 1 to 2 raised KeyError: 'text'"),
        ({"$version": 3}, "Point was written in version 3, but the loaded class is version 2"),
        ({"$version": "2"}, "expected a version of 1 or more, got '2'"),
        ({"$version": 0}, "expected a version of 1 or more, got 0"),
        ("1 2", "expected"),
    ],
)
def test_a_record_that_cannot_be_upcast_is_named(point: Any, words: str) -> None:
    """Inside a payload and at the root of a state: the path, the versions, and what to do."""
    with pytest.raises(PayloadError, match=r"seq 7 \(upcasters/point_named\)") as caught:
        decode_action(record_of("upcasters/point_named", 1, point=point))
    if isinstance(point, dict):
        assert words in str(caught.value)
        assert "point" in caught.value.path
        with pytest.raises(PayloadError, match="the start state"):
            decode_state(point, Point)


def test_a_record_without_an_upcaster_says_which_is_missing() -> None:
    """A state class of version 2 without an upcaster refuses what version 1 wrote."""

    @attrs.frozen
    class Lonely:
        wire_version: ClassVar[int] = 2
        number: int = 0

    assert decode_state({"$version": 2, "number": 3}, Lonely) == Lonely(3)
    with pytest.raises(PayloadError, match=r"declare an upcaster for it: @upcaster\(Lonely, from"):
        decode_state({"number": 3}, Lonely)


def keep(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload as it is."""
    return payload


def keep_as_well(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload as it is, too."""
    return payload


def test_two_upcasters_for_one_step_are_refused() -> None:
    """The second is refused where it is declared; the same function again is a reload."""
    upcaster("upcasters/twice", 1)(keep)
    upcaster("upcasters/twice", 1)(keep)
    with pytest.raises(ActionDeclarationError, match=r"both upcasters.*keep one of the two"):
        upcaster("upcasters/twice", 1)(keep_as_well)

    @action("upcasters/twice", version=2)
    class _Twice(Action):
        pass

    def declare_anonymously() -> None:
        @upcaster("upcasters/twice_unnamed", 1)
        def _(payload: dict[str, Any]) -> dict[str, Any]:
            return payload

        @upcaster("upcasters/twice_unnamed", 1)
        def _(payload: dict[str, Any]) -> dict[str, Any]:
            return dict(payload)

    with pytest.raises(ActionDeclarationError, match="keep one of the two"):
        declare_anonymously()

    @action("upcasters/twice_unnamed", version=2)
    class _TwiceUnnamed(Action):
        pass


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no_group", 1), "group/long_snake_case_name"),
        ((5, 1), "expected|expects"),
        (("upcasters/x", 0), "must lead from a version of 1 or more, got 0"),
        (("upcasters/x", True), "must lead from a version of 1 or more, got True"),
        (("upcasters/x", 1, 3), "from version 1 to the next one, 2, not to 3"),
    ],
)
def test_an_upcaster_that_cannot_be_is_refused(arguments: tuple[Any, ...], words: str) -> None:
    """A name or version that cannot be is an error where it is declared."""
    with pytest.raises(ActionDeclarationError, match=words):
        upcaster(*arguments)(keep)


def declare_steps(name: str, version: int, *steps: int) -> Reducer[int]:
    """Declare an action with upcasters from these versions; return a reducer that handles it."""

    @action(name, version=version)
    class Stepped(Action):
        pass

    for step in steps:
        upcaster(name, step)(keep)
    reducer = Reducer(0)
    reducer.on(Stepped)(lambda state, _: state)
    return reducer


@pytest.mark.parametrize(
    ("name", "version", "steps", "words"),
    [
        ("upcasters/gap", 4, (1, 3), "none from version 2.*declare an upcaster"),
        ("upcasters/short", 3, (1,), "none from version 2"),
        ("upcasters/beyond", 2, (1, 2), r"leads to version 3.*version=3\) above it, or remove"),
    ],
)
def test_a_chain_that_is_not_whole_is_refused(
    name: str, version: int, steps: tuple[int, ...], words: str
) -> None:
    """A gap and a step to a version that there is not: said before any record is read."""
    reducer = declare_steps(name, version, *steps)
    with pytest.raises(ActionDeclarationError, match=words):
        check_upcasters(reducer)
    for one in (version, 1):
        with pytest.raises(ActionDeclarationError, match=words):
            decode_action(record_of(name, one))


def test_a_whole_chain_may_begin_anywhere() -> None:
    """A chain from version 2 to the present one is whole, and found wrong when one is added."""
    reducer = declare_steps("upcasters/whole", 3, 2)
    check_upcasters(reducer)
    decode_action(record_of("upcasters/whole", 2))
    upcaster("upcasters/whole", 3)(keep)
    with pytest.raises(ActionDeclarationError, match="leads to version 4"):
        decode_action(record_of("upcasters/whole", 3))


def test_an_upcaster_of_no_action_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upcaster whose wire name nobody declares leads nowhere."""
    monkeypatch.setattr("refold.actions.upcaster._by_version", {"upcasters/nobody": {1: keep}})
    with pytest.raises(ActionDeclarationError, match=r"'upcasters/nobody'.*correct the name"):
        check_upcasters(Reducer(0))


@pytest.mark.parametrize("version", [0, True, "2"])
def test_a_state_class_with_a_wrong_version_is_refused(version: Any) -> None:
    """The version of a state class is an int of 1 or more; a subclass has its own."""

    class Wrong:
        wire_version = version

    class Fine(Point):
        pass

    assert (version_of(Point), version_of(Fine), version_of(Plane)) == (2, 1, 1)
    with pytest.raises(ActionDeclarationError, match="ClassVar"):
        version_of(Wrong)


def write_log(path: Path, articles: list[str], start: int = 0) -> None:
    """Write a log by the application's first text."""
    first = load_application(FIRST)
    state = first.Shop(pvector([first.Line(f"old {number}") for number in range(start)]))
    store = Store[Any](first.root, state=state, middleware=[record(path)])
    for article in articles:
        store.dispatch(first.Ordered(article))
    asyncio.run(store.aclose())


@pytest.mark.parametrize("text", [SECOND, THIRD], ids=["second", "third"])
@given(articles=st.lists(st.text(max_size=5), min_size=1, max_size=5), start=st.integers(0, 2))
def test_an_old_log_stays_readable(
    tmp_path_factory: pytest.TempPathFactory, text: str, articles: list[str], start: int
) -> None:
    """A field with a default and an upcaster: the old log folds, twice to equal digests."""
    path = tmp_path_factory.mktemp("logs") / "old.jsonl"
    write_log(path, articles, start)
    new = load_application(text)
    first, second = (replay(path, new.root) for _ in range(2))
    state: Any = first.at(first.head)
    assert [line.article for line in state.lines[start:]] == articles
    assert {line.count for line in state.lines} == {1}
    digests = [[state_digest(one) for _, one in line.states()] for line in (first, second)]
    assert digests[0] == digests[1]
    assert len(digests[0]) == len(articles)
