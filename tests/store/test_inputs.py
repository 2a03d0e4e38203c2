"""A store's inputs: replaced in tests, and noted for the record.

What belongs here: `Inputs` and `fixed_inputs`.  What does not: the log's envelope as a whole.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING

import attrs

from refold.actions.action import Action, action
from refold.middleware.listeners import Listeners
from refold.middleware.record import record
from refold.middleware.timestamps import timestamps
from refold.reducers.reducer import Reducer
from refold.replay.replay import replay
from refold.store.inputs import Inputs, take_drawn_inputs
from refold.store.store import Store
from refold.testing.fixed_inputs import fixed_inputs

if TYPE_CHECKING:
    from pathlib import Path

    from refold.middleware.effect import Effect
    from refold.store.middleware import Dispatch, StoreAPI


@attrs.frozen
class Notes:
    """The ids of what was noted."""

    ids: tuple[str, ...] = ()


@action("inputs/noted")
class Noted(Action):
    """Something was noted, under a new id."""

    note_id: str


@action("inputs/asked")
class Asked(Action):
    """Somebody asks for a note."""


notes = Reducer(Notes())


@notes.on(Noted)
def _(state: Notes, action: Noted) -> Notes:
    return Notes((*state.ids, action.note_id))


def make_note(inputs: Inputs) -> Noted:
    """Prepare an action: what it needs from outside comes from the inputs."""
    return Noted(f"{inputs.new_id()}/{inputs.random():.3f}")


def test_inputs_are_replaced_in_tests() -> None:
    """With fixed inputs every run makes the same actions at the same times."""

    def run() -> list[Action]:
        seen: list[Action] = []

        def watch(_store: StoreAPI[Notes], next_dispatch: Dispatch, /) -> Dispatch:
            def handle(action: Action, /) -> Action:
                seen.append(action)
                return next_dispatch(action)

            return handle

        inputs = fixed_inputs(now=12.5)
        store = Store(notes, middleware=[timestamps(), watch], inputs=inputs)
        for _ in range(3):
            store.dispatch(make_note(inputs))
        return seen

    first, second = run(), run()
    assert first == second
    assert [each.at_ms for each in first] == [12_500] * 3
    assert len(set(first)) == 3


def test_what_is_drawn_stands_in_the_next_record(tmp_path: Path) -> None:
    """Each record has what was drawn since the one before, by source; None if nothing was."""
    recorder = record(tmp_path / "run.jsonl")
    inputs = fixed_inputs(now=1.5)
    store = Store(notes, middleware=[recorder], inputs=inputs)
    first = store.dispatch(make_note(inputs))
    store.dispatch(Noted("by hand"))
    inputs.now()
    inputs.now()
    with store.transaction():
        store.dispatch(Noted("one"))
        store.dispatch(Noted("two"))
    recorder.close()
    timeline = replay(tmp_path / "run.jsonl", notes)
    timeline.verify()
    note_id, chance = first.note_id.split("/")
    recorded = [each.inputs for each in timeline.records]
    assert recorded[0] is not None
    assert recorded[0]["new_id"] == [note_id]
    assert [f"{each:.3f}" for each in recorded[0]["random"]] == [chance]
    assert recorded[1:] == [None, {"now": [1.5, 1.5]}, None]


async def test_a_listener_draws_for_its_own_actions(tmp_path: Path) -> None:
    """What a listener and the program draw at the same time is not mixed up."""
    listeners = Listeners(Notes)
    drawn, go_on = asyncio.Event(), asyncio.Event()

    @listeners.on(Asked)
    async def answer(_action: Asked, fx: Effect[Notes]) -> None:
        note = make_note(fx.inputs)
        drawn.set()
        await go_on.wait()
        fx.dispatch(note)

    log = tmp_path / "run.jsonl"
    own = Inputs()
    middleware = [record(log)]
    async with Store(notes, middleware=middleware, listeners=[listeners], inputs=own) as store:
        own.random()
        store.dispatch(Asked())
        await drawn.wait()
        store.dispatch(Noted("by the program"))
        go_on.set()
        async for state in store.changes():
            if len(state.ids) == 2:
                break
    records = list(replay(log, notes).records)
    inputs = {each.origin: each.inputs for each in records}
    assert [set(each.inputs or ()) for each in records][:2] == [{"random"}, set()]
    assert set(inputs["listener:" + answer.__qualname__] or ()) == {"new_id", "random"}


def test_nothing_is_noted_if_nobody_records() -> None:
    """A program without a log may draw for ever."""

    def draw() -> object:
        inputs = Inputs()
        for _ in range(10):
            inputs.now()
        return take_drawn_inputs()

    assert contextvars.copy_context().run(draw) is None


def test_a_program_may_draw_for_ever() -> None:
    """No more than the first thousand values of a source are noted between two dispatches."""

    def draw() -> dict[str, list[object]] | None:
        inputs = fixed_inputs()
        inputs.note_draws()
        for _ in range(5_000):
            inputs.new_id()
        return take_drawn_inputs()

    noted = contextvars.copy_context().run(draw)
    assert noted is not None
    assert noted["new_id"] == [f"id-{number}" for number in range(1, 1_001)]
