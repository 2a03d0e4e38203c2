"""Reducers of tuples, vectors, queues, sets, maps and bytes."""

from __future__ import annotations

from typing import Final

import attrs
from pyrsistent import PDeque, PMap, PSet, PVector, pdeque, pmap, pset, pvector

from refold.actions.action import Action, action
from refold.reducers.evolve import evolve
from refold.reducers.reducer import Reducer
from tests.testing.laws.correct_reducers.correct_reducer import CorrectReducer

__all__ = ["CASES"]

# --- a ring of the last few -------------------------------------------------------------

RING: Final = 5


@action("correct_collections/line_logged")
class LineLogged(Action):
    """A line of a log."""

    text: str


ring: Reducer[tuple[str, ...]] = Reducer(())


@ring.on(LineLogged)
def _(state: tuple[str, ...], action: LineLogged) -> tuple[str, ...]:
    return (*state, action.text)[-RING:]


def a_ring_has_its_size(state: tuple[str, ...]) -> bool:
    """No more are kept."""
    return len(state) <= 5


# --- a queue ----------------------------------------------------------------------------


@attrs.frozen
class Job:
    """What to print."""

    name: str
    pages: int


NO_JOBS: Final[PDeque[Job]] = pdeque()


@attrs.frozen
class Printer:
    """What it prints, and then."""

    waiting: PDeque[Job] = NO_JOBS
    current: Job | None = None


@action("correct_collections/job_sent")
class JobSent(Action):
    """Something to print."""

    name: str
    pages: int = 1


@action("correct_collections/job_printed")
class JobPrinted(Action):
    """It is out."""


printer = Reducer(Printer())


@printer.on(JobSent)
def _(state: Printer, action: JobSent) -> Printer:
    job = Job(action.name, action.pages)
    if state.current is None:
        return evolve(state, current=job)
    return evolve(state, waiting=state.waiting.append(job))


@printer.on(JobPrinted)
def _(state: Printer, _action: JobPrinted) -> Printer:
    if not state.waiting:
        return state if state.current is None else Printer()
    return Printer(state.waiting.popleft(), state.waiting.left)


def nobody_waits_for_an_idle_printer(state: Printer) -> bool:
    """It takes the next at once."""
    return state.current is not None or not state.waiting


# --- a vector that is moved about in ----------------------------------------------------

NO_SONGS: Final[PVector[str]] = pvector()


@action("correct_collections/song_added")
class SongAdded(Action):
    """One more song."""

    title: str


@action("correct_collections/song_moved")
class SongMoved(Action):
    """From one place to another; places that are not there change nothing."""

    source: int
    target: int


@action("correct_collections/song_dropped")
class SongDropped(Action):
    """Enough of it."""

    index: int


playlist: Reducer[PVector[str]] = Reducer(NO_SONGS)


@playlist.on(SongAdded)
def _(state: PVector[str], action: SongAdded) -> PVector[str]:
    return state.append(action.title)


@playlist.on(SongMoved)
def _(state: PVector[str], action: SongMoved) -> PVector[str]:
    places = range(len(state))
    if action.source not in places or action.target not in places:
        return state
    titles = list(state)
    titles.insert(action.target, titles.pop(action.source))
    return pvector(titles)


@playlist.on(SongDropped)
def _(state: PVector[str], action: SongDropped) -> PVector[str]:
    return state.delete(action.index) if action.index in range(len(state)) else state


def a_move_keeps_the_songs(before: PVector[str], action: Action, after: PVector[str]) -> bool:
    """Only their order changes."""
    return not isinstance(action, SongMoved) or sorted(before) == sorted(after)


# --- sets -------------------------------------------------------------------------------

NO_TAGS: Final[PSet[str]] = pset()


@attrs.frozen
class Tags:
    """What was said of something, and by whom."""

    tags: PSet[str] = NO_TAGS
    authors: frozenset[int] = frozenset()


@action("correct_collections/tags_given")
class TagsGiven(Action):
    """Several at once."""

    tags: frozenset[str]
    author: int


@action("correct_collections/tags_taken")
class TagsTaken(Action):
    """Several at once."""

    tags: PSet[str]


tags = Reducer(Tags())


@tags.on(TagsGiven)
def _(state: Tags, action: TagsGiven) -> Tags:
    return Tags(state.tags.update(action.tags), state.authors | {action.author})


@tags.on(TagsTaken)
def _(state: Tags, action: TagsTaken) -> Tags:
    return evolve(state, tags=pset(tag for tag in state.tags if tag not in action.tags))


# --- maps in maps -----------------------------------------------------------------------

NO_ROWS: Final[PMap[str, PMap[int, float]]] = pmap()
NO_COLUMNS: Final[PMap[int, float]] = pmap()


@action("correct_collections/number_put")
class NumberPut(Action):
    """A number at a place."""

    row: str
    column: int
    number: float


@action("correct_collections/row_removed")
class RowRemoved(Action):
    """A whole row."""

    row: str


table: Reducer[PMap[str, PMap[int, float]]] = Reducer(NO_ROWS)


@table.on(NumberPut)
def _(state: PMap[str, PMap[int, float]], action: NumberPut) -> PMap[str, PMap[int, float]]:
    row = state.get(action.row, NO_COLUMNS)
    return state.set(action.row, row.set(action.column, action.number))


@table.on(RowRemoved)
def _(state: PMap[str, PMap[int, float]], action: RowRemoved) -> PMap[str, PMap[int, float]]:
    return state.discard(action.row)


def no_row_is_empty(state: PMap[str, PMap[int, float]]) -> bool:
    """A row comes with its first number."""
    return all(len(row) > 0 for row in state.values())


# --- a queue with priorities ------------------------------------------------------------


@attrs.frozen(order=True)
class Patient:
    """Who waits."""

    urgency: int
    arrival: int
    name: str


@attrs.frozen
class WaitingRoom:
    """Those who wait, the most urgent first."""

    patients: tuple[Patient, ...] = ()
    arrivals: int = 0


@action("correct_collections/patient_came")
class PatientCame(Action):
    """One more."""

    name: str
    urgency: int = attrs.field(validator=attrs.validators.in_((1, 2, 3)))


@action("correct_collections/next_patient_called")
class NextPatientCalled(Action):
    """The first of those who wait."""


room = Reducer(WaitingRoom())


@room.on(PatientCame)
def _(state: WaitingRoom, action: PatientCame) -> WaitingRoom:
    patient = Patient(action.urgency, state.arrivals, action.name)
    return WaitingRoom(tuple(sorted((*state.patients, patient))), state.arrivals + 1)


@room.on(NextPatientCalled)
def _(state: WaitingRoom, _action: NextPatientCalled) -> WaitingRoom:
    return evolve(state, patients=state.patients[1:]) if state.patients else state


def they_are_in_order(state: WaitingRoom) -> bool:
    """The most urgent stands first."""
    return list(state.patients) == sorted(state.patients)


# --- bytes ------------------------------------------------------------------------------


@attrs.frozen
class Upload:
    """What came so far."""

    content: bytes = b""
    is_complete: bool = False


@action("correct_collections/chunk_came")
class ChunkCame(Action):
    """Some more bytes; none of them say that it was all."""

    chunk: bytes


upload = Reducer(Upload())


@upload.on(ChunkCame)
def _(state: Upload, action: ChunkCame) -> Upload:
    if state.is_complete:
        return state
    return Upload(state.content + action.chunk, is_complete=not action.chunk)


CASES: Final = (
    CorrectReducer("a ring in a tuple", ring, (a_ring_has_its_size,)),
    CorrectReducer("a queue in a PDeque", printer, (nobody_waits_for_an_idle_printer,)),
    CorrectReducer("places in a PVector", playlist, (a_move_keeps_the_songs,)),
    CorrectReducer("a PSet and a frozenset", tags),
    CorrectReducer("maps in a map", table, (no_row_is_empty,)),
    CorrectReducer("a queue with priorities", room, (they_are_in_order,)),
    CorrectReducer("bytes", upload),
)
"""The reducers of this file."""
