"""Reducers of records of every make: generic, NamedTuple, with validators, aliases and parents."""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, NewType, TypeVar
from uuid import UUID

import attrs
from pyrsistent import PMap, PVector, pmap, pvector

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CASES"]

T = TypeVar("T")

# --- generic records --------------------------------------------------------------------


@attrs.frozen
class Page(Generic[T]):
    """Some of many."""

    items: tuple[T, ...] = ()
    number: int = 0


@attrs.frozen
class Hit:
    """What was found."""

    title: str
    score: float


@attrs.frozen
class Search:
    """What was looked for, and found."""

    hits: Page[Hit] = Page()
    words: Page[str] = Page()


@action("correct_records/hits_found")
class HitsFound(Action):
    """The next page."""

    page: Page[Hit]


@action("correct_records/word_typed")
class WordTyped(Action):
    """One more word; what was found is of no use any more."""

    word: str


search = Reducer(Search())


@search.on(HitsFound)
def _(state: Search, action: HitsFound) -> Search:
    return evolve(state, hits=action.page)


@search.on(WordTyped)
def _(state: Search, action: WordTyped) -> Search:
    words = state.words
    return Search(words=Page((*words.items, action.word), words.number + 1))


# --- NamedTuples ------------------------------------------------------------------------


class Point(NamedTuple):
    """A place."""

    x: int
    y: int


class Path(NamedTuple):
    """Where something went."""

    points: tuple[Point, ...] = (Point(0, 0),)
    length: int = 0


@action("correct_records/moved")
class Moved(Action):
    """From where it is."""

    by: Point


turtle = Reducer(Path())


@turtle.on(Moved)
def _(state: Path, action: Moved) -> Path:
    last, by = state.points[-1], action.by
    point = Point(last.x + by.x, last.y + by.y)
    return Path((*state.points, point), state.length + abs(by.x) + abs(by.y))


# --- NewType and UUID as keys -----------------------------------------------------------

UserId = NewType("UserId", UUID)
Points = NewType("Points", int)

NO_POINTS: Final[PMap[UserId, Points]] = pmap()


@action("correct_records/points_won")
class PointsWon(Action):
    """Somebody won some."""

    user_id: UserId
    points: Points


league: Reducer[PMap[UserId, Points]] = Reducer(NO_POINTS)


@league.on(PointsWon)
def _(state: PMap[UserId, Points], action: PointsWon) -> PMap[UserId, Points]:
    present = state.get(action.user_id, Points(0))
    return state.set(action.user_id, Points(present + action.points))


# --- a state with a validator -----------------------------------------------------------


@attrs.frozen
class Tank:
    """How full it is."""

    litres: int = attrs.field(
        default=0, validator=[attrs.validators.ge(0), attrs.validators.le(40)]
    )
    spilled: int = attrs.field(default=0, validator=attrs.validators.ge(0))


@action("correct_records/tank_filled")
class TankFilled(Action):
    """Some more; at most 60 at once."""

    litres: int = attrs.field(validator=attrs.validators.in_(range(61)))


@action("correct_records/tank_drained")
class TankDrained(Action):
    """All of it."""


tank = Reducer(Tank())


@tank.on(TankFilled)
def _(state: Tank, action: TankFilled) -> Tank:
    whole = state.litres + action.litres
    return Tank(min(whole, 40), state.spilled + max(0, whole - 40))


@tank.on(TankDrained)
def _(state: Tank, _action: TankDrained) -> Tank:
    return evolve(state, litres=0)


# --- converters that do nothing the second time, and validators of texts ----------------


@action("correct_records/contact_saved")
class ContactSaved(Action):
    """Somebody's number."""

    name: str = attrs.field(converter=str.strip, validator=attrs.validators.max_len(20))
    digits: str = attrs.field(default="0", validator=attrs.validators.matches_re(r"[0-9]{1,6}"))
    groups: tuple[str, ...] = attrs.field(default=(), converter=tuple, kw_only=True)


NO_CONTACTS: Final[PMap[str, str]] = pmap()


@attrs.frozen
class Contacts:
    """Whose number is which; a name of only blanks is nobody's."""

    numbers: PMap[str, str] = NO_CONTACTS
    groups: tuple[str, ...] = ()


contacts = Reducer(Contacts())


@contacts.on(ContactSaved)
def _(state: Contacts, action: ContactSaved) -> Contacts:
    if not action.name:
        return state
    return Contacts(state.numbers.set(action.name, action.digits), action.groups)


def a_number_has_digits(state: Contacts) -> bool:
    """And at most six."""
    return all(1 <= len(digits) <= 6 for digits in state.numbers.values())


# --- private names, parents, and a field that does not count for equality ---------------


@attrs.frozen
class Named:
    """What has a name."""

    name: str = "?"


@attrs.frozen
class Sample(Named):
    """One measurement; when it came is no part of what it is."""

    _value: int = 0
    arrival: int | None = attrs.field(default=None, eq=False, kw_only=True)

    @property
    def value(self) -> int:
        """What was measured."""
        return self._value


NO_SAMPLES: Final[PVector[Sample]] = pvector()


@attrs.frozen(kw_only=True)
class Samples:
    """All of them."""

    samples: PVector[Sample] = NO_SAMPLES
    sum: int = 0


@action("correct_records/sample_taken")
class SampleTaken(Action):
    """One more."""

    sample: Sample


samples = Reducer(Samples())


@samples.on(SampleTaken)
def _(state: Samples, action: SampleTaken) -> Samples:
    kept = evolve(action.sample, arrival=len(state.samples))
    total = state.sum + action.sample.value
    return Samples(samples=state.samples.append(kept), sum=total)


def the_sum_is_right(state: Samples) -> bool:
    """It is that of all samples."""
    return state.sum == sum(sample.value for sample in state.samples)


CASES: Final = (
    CorrectReducer("generic records", search),
    CorrectReducer("NamedTuples", turtle),
    CorrectReducer("a NewType of UUID as key", league),
    CorrectReducer("validators on the state", tank),
    CorrectReducer("converters and validators on actions", contacts, (a_number_has_digits,)),
    CorrectReducer("private names and parents", samples, (the_sum_is_right,)),
)
"""The reducers of this file."""
