"""`on_write_error="go_on"`: the store goes on unrecorded, and its state can say so."""

from __future__ import annotations

import asyncio
import errno
import os
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refold.actions.action import Action, action
from refold.actions.recording import RecordingFailedAndStoreGoesOnUnrecorded
from refold.errors import LogWriteError
from refold.middleware.record import record
from refold.middleware.timestamps import timestamps
from refold.reducers.combine_reducers import combine_reducers
from refold.reducers.recording_health import RecordingHealth, recording_health_reducer
from refold.reducers.reducer import Reducer
from refold.replay.replay import replay
from refold.selectors.recording_health import select_recording_failure
from refold.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from refold.store.middleware import Dispatch, StoreAPI


@action("tests_of_recording_health/counted")
class Counted(Action):
    """Something was counted."""


ALL_WELL = RecordingHealth()


@attrs.frozen
class Root:
    """A program with a slice for the health of its recording."""

    count: int = 0
    recording: RecordingHealth = ALL_WELL


def make_root() -> Reducer[Root]:
    """Return the program's reducer."""
    count = Reducer(0)

    @count.on(Counted)
    def take(state: int, _action: Counted) -> int:
        """Count."""
        return state + 1

    return combine_reducers(Root, count=count, recording=recording_health_reducer())


def recording_of(root: Root) -> RecordingHealth:
    """Return the slice."""
    return root.recording


select_failure = select_recording_failure.at(recording_of)


def no_space(*_arguments: object) -> int:
    """Stand for a disk that is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where to record."""
    return tmp_path / "log"


def test_while_recording_works_nothing_is_told(path: Path) -> None:
    """The slice says that all is well, and the log has no action of the recorder."""
    store = Store(make_root(), middleware=[record(path, on_write_error="go_on")])
    store.dispatch(Counted())
    assert select_failure(store.state) is None
    assert [one.name for one in replay(path, make_root()).records] == [Counted.wire_name]


def test_the_state_says_that_nothing_is_recorded_any_more(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very dispatch that could not be written leaves its reason, its place and its time."""
    recorder = record(path, on_write_error="go_on")
    store = Store(make_root(), middleware=[timestamps(lambda: 7.0), recorder])
    store.dispatch(Counted())
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", no_space)
        store.dispatch(Counted())
    failure = select_failure(store.state)
    assert failure is not None
    assert (failure.last_recorded_seq, failure.at_ms) == (1, 7000)
    assert "No space left" in failure.reason
    store.dispatch(Counted())
    assert select_failure(store.state) is failure
    assert store.state.count == 3
    assert replay(path, make_root()).head == 1


def test_it_is_told_once_and_after_the_action_that_was_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever observes the store sees the lost action first, and the telling once."""
    seen: list[type[Action]] = []

    class Observer:
        """A middleware that stands behind the recorder in the list."""

        def __call__(self, _store: StoreAPI[Any], next: Dispatch, /) -> Dispatch:  # noqa: A002
            """Add nothing."""
            return next

        def committed(self, actions: tuple[Action, ...], /) -> None:
            """Take note."""
            seen.extend(map(type, actions))

    recorder = record(path, on_write_error="go_on")
    store = Store(make_root(), middleware=[recorder, Observer()])
    monkeypatch.setattr(os, "write", no_space)
    for _ in range(3):
        store.dispatch(Counted())
    assert seen == [Counted, RecordingFailedAndStoreGoesOnUnrecorded, Counted, Counted]


async def test_after_a_transaction_it_is_told_by_the_loop(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that cannot be written is told when it is over, without another dispatch."""
    async with Store(make_root(), middleware=[record(path, on_write_error="go_on")]) as store:
        changes = store.changes(select_failure)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", no_space)
            with store.transaction():
                store.dispatch(Counted())
                store.dispatch(Counted())
        assert await anext(changes) is None
        failure = await anext(changes)
        assert failure is not None
        assert failure.last_recorded_seq == 0
        assert store.state.count == 2


def test_without_a_loop_the_next_dispatch_tells_of_a_transaction(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no loop runs, what comes next brings it."""
    store = Store(make_root(), middleware=[record(path, on_write_error="go_on")])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", no_space)
        with store.transaction():
            store.dispatch(Counted())
    store.dispatch(Counted())
    assert select_failure(store.state) is not None


async def test_a_group_that_cannot_be_put_on_disk_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails between dispatches is seen in the state, too."""
    recorder = record(path, sync="group", on_write_error="go_on")
    async with Store(make_root(), middleware=[recorder]) as store:
        changes = store.changes(select_failure)
        assert await anext(changes) is None
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", no_space)
            store.dispatch(Counted())
            with pytest.raises(LogWriteError):
                await store.flushed()
            failure = await anext(changes)
        assert failure is not None
        assert "No space left" in failure.reason


async def test_a_store_that_is_closed_first_is_left_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure that nobody can be told of any more raises nothing in the loop."""
    asyncio.get_running_loop().set_debug(True)
    store = Store(make_root(), middleware=[record(path, on_write_error="go_on")])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", no_space)
        with store.transaction():
            store.dispatch(Counted())
    await store.aclose()
    await asyncio.sleep(0)
    assert not [one for one in caplog.records if one.name == "asyncio" and one.exc_info]


def plain_reducer(state: int | None, _action: Action) -> int:
    """Fold nothing."""
    return state or 0


@pytest.mark.parametrize("reducer", [Reducer(0), plain_reducer])
def test_a_reducer_that_does_not_care_is_not_disturbed(
    path: Path, monkeypatch: pytest.MonkeyPatch, reducer: Callable[[Any, Any], int]
) -> None:
    """If nobody folds it, nothing happens."""
    store = Store(reducer, middleware=[record(path, on_write_error="go_on")])
    monkeypatch.setattr(os, "write", no_space)
    store.dispatch(Counted())
    assert store.state == 0
