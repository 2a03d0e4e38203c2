"""A program that records a run with every kind of value, goes on with it, or verifies one.

What belongs here: the application and the three things to do.  What does not: the machines on which
they are done, which `test_logs_across_machines` makes.

    python -m tests.replay.travelling_log record|resume|verify LOG...
"""

from __future__ import annotations

import datetime
import locale
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import attrs
from pyrsistent import PDeque, PMap, PSet, PVector, pdeque, pmap, pset, pvector

from refold.actions.action import Action, action
from refold.middleware.record import record
from refold.middleware.timestamps import timestamps
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from refold.replay.canonical_digest import state_digest
from refold.replay.replay import replay
from refold.store.store import Store
from tests.strategies.typed_values import (
    Box,
    Colour,
    Flags,
    Mixed,
    Pair,
    Rank,
    Tree,
    UserId,
    Word,
)

__all__ = ["CHECKED", "Values", "root", "session"]

CHECKED: Final = "verified"
"""What is printed for each log that holds."""

_WORDS: Final = [
    "",
    "plain",
    "\u0130stanbul \u0131I",
    "ß",
    "日本語",
    "🎈🧭",
    "\x00\x7f\u2028\n\\",
    '"crc":"',
]
_ZONE: Final = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))


@attrs.frozen
class Circle:
    """One of two shapes."""

    radius: float


@attrs.frozen
class Square:
    """The other shape."""

    side: int
    inside: Circle | Square | None = None


@attrs.frozen
class Values:
    """A field of every kind that a log can hold."""

    nothing: None
    flag: bool
    number: int
    ratio: float
    text: str
    raw: bytes
    moment: datetime.datetime
    day: datetime.date
    hour: datetime.time
    delta: datetime.timedelta
    ident: UUID
    price: Decimal
    colour: Colour
    word: Word
    rank: Rank
    mixed: Mixed
    flags: Flags
    user: UserId
    noted: Annotated[int, "a note"]
    choice: Literal["a", 1] | None
    pair: Pair
    tree: Tree
    box: Box[float]
    shape: Circle | Square | None
    some: int | str | Decimal | None
    row: tuple[int, str, Colour]
    column: tuple[float, ...]
    names: frozenset[str]
    vector: PVector[Circle | Square]
    deque: PDeque[str]
    members: PSet[Colour | str | int]
    table: PMap[str, PVector[float]]
    by_key: PMap[tuple[int, frozenset[str]], PMap[Word, Decimal]]


def _values(turn: int) -> Values:
    """Return other values for every turn."""
    word = _WORDS[turn % len(_WORDS)]
    floats = [float("inf"), float("-inf"), float("nan"), -0.0, 0.1, 5e-324, 1e22, 1 / 3]
    prices = ["1E+30", "-Infinity", "NaN", "0.10", "-0", "1234567.8"]
    colours = list(Colour)
    shapes: tuple[Circle | Square, ...] = (Circle(-0.0), Square(2, Square(1, Circle(0.5))))
    return Values(
        nothing=None,
        flag=turn % 2 == 0,
        number=[10**80, -(2**64), 2**53 + 1, turn][turn % 4],
        ratio=floats[turn % len(floats)],
        text=word,
        raw=bytes([turn % 256, 0, 255]),
        moment=datetime.datetime(2020, 3, 29, 2, 30, turn % 60, 4, tzinfo=[None, _ZONE][turn % 2]),
        day=datetime.date(9999 - turn, 12, 31),
        hour=datetime.time(1, 2, 3, turn),
        delta=datetime.timedelta(days=-turn, microseconds=1),
        ident=UUID(int=turn),
        price=Decimal(prices[turn % len(prices)]),
        colour=colours[turn % len(colours)],
        word=list(Word)[turn % 2],
        rank=list(Rank)[turn % 2],
        mixed=list(Mixed)[turn % 2],
        flags=[Flags(0), Flags.A, Flags.A | Flags.B][turn % 3],
        user=UserId(turn),
        noted=-turn,
        choice=("a", 1, None)[turn % 3],
        pair=Pair(-0.0, word),
        tree=Tree(1.0, pvector([Tree(), Tree(turn / 7)])),
        box=Box(turn / 3, word),
        shape=(None, *shapes)[turn % 3],
        some=(turn, word, Decimal(turn), None)[turn % 4],
        row=(turn, word, Colour.NONE),
        column=tuple(floats[: turn % 9]),
        names=frozenset(_WORDS[: turn % 9]),
        vector=pvector(shapes),
        deque=pdeque(_WORDS[turn % 5 :]),
        members=pset([*colours, *_WORDS, turn, -turn]),
        table=pmap({each: pvector(floats) for each in _WORDS}),
        by_key=pmap({(turn, frozenset(_WORDS[:3])): pmap({Word.YES: Decimal("0.10")})}),
    )


@action("travelling/values_came")
class ValuesCame(Action):
    """Values of every kind, directly in an action."""

    values: Values
    also: PMap[str, Circle | Square]


@action("travelling/word_came")
class WordCame(Action):
    """A word; cheap, so that a run is long enough."""

    text: str
    ratio: float


@attrs.frozen
class Suitcase:
    """The last values, and how often each word came."""

    last: Values
    kept: PVector[Values] = pvector()  # noqa: RUF009  # immutable
    counts: PMap[str, int] = pmap()  # noqa: RUF009  # immutable
    ratio: float = 0.0


root: Final = Reducer(Suitcase(_values(0)))


@root.on(ValuesCame)
def _(state: Suitcase, action: ValuesCame) -> Suitcase:
    kept = pvector([*state.kept, action.values][-5:])
    return evolve(state, last=action.values, kept=kept)


@root.on(WordCame)
def _(state: Suitcase, action: WordCame) -> Suitcase:
    counts = state.counts.set(action.text, state.counts.get(action.text, 0) + 1)
    return evolve(state, counts=counts, ratio=state.ratio + action.ratio)


def session(first: int, count: int) -> list[Action]:
    """Return the same actions in every process."""
    shapes: PMap[str, Circle | Square] = pmap(
        {word: Circle(number / 7) for number, word in enumerate(_WORDS)}
    )
    turns = range(first, first + count)
    return [
        WordCame(_WORDS[turn % len(_WORDS)], turn / 7)
        if turn % 5
        else ValuesCame(_values(turn), shapes)
        for turn in turns
    ]


_COUNT: Final = 260
"""More than the actions between two digests, so that there is one amid the log."""


def _run(log: Path, state: Suitcase, actions: Sequence[Action], *, resume: bool) -> None:
    # a folder also gets segments, and the closed ones are compressed
    segment_bytes = None if log.suffix == ".jsonl" else 50_000
    recorder = record(
        log, resume=resume, segment_bytes=segment_bytes, compress=segment_bytes is not None
    )
    store: Store[Suitcase] = Store(root, state=state, middleware=[timestamps(), recorder])
    for one in actions:
        store.dispatch(one)
    recorder.close()


def _record(log: Path) -> None:
    _run(log, root.initial, session(0, _COUNT), resume=False)


def _resume(log: Path) -> None:
    timeline = replay(log, root)
    len(timeline.records)
    _run(log, timeline.at(timeline.head), session(timeline.head, _COUNT), resume=True)


def _verify(log: Path) -> None:
    """Compare what was recorded with the log's own digests, and with a run of this process."""
    timeline = replay(log, root)
    timeline.verify()
    state = root.initial
    for one in session(0, timeline.head):
        state = root(state, one)
    assert state_digest(timeline.at(timeline.head)) == state_digest(state)
    sys.stdout.write(f"{CHECKED} {timeline.head}\n")


_TO_DO: Final[dict[str, Callable[[Path], None]]] = {
    "record": _record,
    "resume": _resume,
    "verify": _verify,
}


def _main(what: str, *logs: str) -> Any:
    locale.setlocale(locale.LC_ALL, "")  # else only the encoding is the machine's
    for log in logs:
        _TO_DO[what](Path(log))


if __name__ == "__main__":
    _main(*sys.argv[1:])
