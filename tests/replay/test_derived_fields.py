"""Fields that no constructor takes: they are not written, so they must follow from the others.

What belongs here: attrs fields with ``init=False``, in states and deeper inside.  What does not:
every other field.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import PVector, pvector

from refold.actions.action import Action, action
from refold.errors import PayloadError
from refold.middleware.record import record
from refold.reducers.reducer import Reducer
from refold.replay.action_codec import decode_state, encode_state
from refold.replay.replay import replay
from refold.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

_numbers = itertools.count(1)


@attrs.frozen
class Rectangle:
    """A record with a field that its class makes of the others."""

    width: int = 0
    height: int = 0
    area: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Multiply once."""
        object.__setattr__(self, "area", self.width * self.height)


@attrs.frozen
class Numbered:
    """A record with a field that its class makes of nothing that is written."""

    text: str = ""
    number: int = attrs.field(init=False, factory=lambda: next(_numbers))


@attrs.frozen
class Page:
    """A state that holds both."""

    rectangles: PVector[Rectangle]
    numbered: Numbered | None = None


@action("derived_fields/drawn")
class Drawn(Action):
    """A rectangle was drawn."""

    rectangle: Rectangle


@action("derived_fields/numbered")
class NumberGiven(Action):
    """Something got a number."""

    numbered: Numbered


def make_page() -> Reducer[Page]:
    """Return a reducer that adds rectangles."""
    page = Reducer(Page(pvector()))

    @page.on(Drawn)
    def _(state: Page, action: Drawn) -> Page:
        return attrs.evolve(state, rectangles=state.rectangles.append(action.rectangle))

    return page


@given(st.lists(st.tuples(st.integers(), st.integers())))
def test_a_field_that_follows_from_the_others_comes_back(sizes: list[tuple[int, int]]) -> None:
    """Decoding makes it again of what was written."""
    state = Page(pvector([Rectangle(*size) for size in sizes]))
    back = decode_state(encode_state(state), Page)
    assert back == state
    assert [one.area for one in back.rectangles] == [width * height for width, height in sizes]


async def test_a_run_with_such_a_field_is_replayed(tmp_path: Path) -> None:
    """The digests, which have the field in them, are those that were recorded."""
    async with Store(make_page(), middleware=[record(tmp_path / "log")]) as store:
        store.dispatch(Drawn(Rectangle(2, 3)))
    timeline = replay(tmp_path / "log", make_page())
    timeline.verify()
    assert timeline.at(1).rectangles[0].area == 6


def test_a_field_that_would_come_back_as_another_value_is_not_written() -> None:
    """A field made of a counter: the error says which, what it would be, and what it is."""
    state = Page(pvector(), Numbered("x"))
    with pytest.raises(
        PayloadError, match=r"Numbered.number to be \d+.*init=False.*, got \d"
    ) as caught:
        encode_state(state)
    assert caught.value.path == "Page.numbered"


def test_a_field_that_was_set_by_force_is_not_written() -> None:
    """What nobody could make again of the other fields is refused, however it came there."""
    forced = Rectangle(2, 3)
    object.__setattr__(forced, "area", 7)
    with pytest.raises(PayloadError, match=r"Rectangle.area to be 6.* got 7"):
        encode_state(Page(pvector([forced])))


def test_such_an_action_is_refused_before_it_is_recorded(tmp_path: Path) -> None:
    """Dispatching it raises, and the log has no record of it."""
    store = Store(make_page(), middleware=[record(tmp_path / "log")])
    with pytest.raises(PayloadError, match=r"Numbered.number"):
        store.dispatch(NumberGiven(Numbered("x")))
    assert replay(tmp_path / "log", make_page()).head == 0
