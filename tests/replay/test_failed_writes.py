"""Recording that fails: the store stops with one clear error, and what was recorded stays whole."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, cast

import pytest

from refold.errors import LogExistsError, LogWriteError, PayloadError
from refold.middleware.record import record
from refold.replay.replay import replay
from refold.store.store import Store
from tests.strategies.observatory_actions import NobodyCares, ReadingTaken, SessionOpened
from tests.strategies.observatory_reducer import make_observatory

if TYPE_CHECKING:
    from pathlib import Path

    from refold.store.middleware import Dispatch, StoreAPI


class Disk:
    """Stands for `os.write`: a disk with so many bytes left for one file."""

    def __init__(self, file: Path, left: int) -> None:
        self.file = file
        self.left = left
        self.write = os.write

    def __call__(self, descriptor: int, data: bytes, /) -> int:
        """Write what there is room for; raise when there is none."""
        if not self.file.exists() or not os.path.samestat(os.fstat(descriptor), self.file.stat()):
            return self.write(descriptor, data)
        if self.left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self.write(descriptor, data[: self.left])
        self.left -= written
        return written


@pytest.mark.parametrize("room", [0, 1, 40])
def test_a_full_disk_stops_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """The dispatch that cannot be written raises, later ones are refused, the state is readable."""
    path = tmp_path / "run.jsonl"
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(SessionOpened("Ada"))
    store.dispatch(ReadingTaken("north", 1.0, 2))
    whole = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", Disk(path, room))
        with pytest.raises(LogWriteError, match="No space left") as caught:
            store.dispatch(ReadingTaken("north", 5.0, 3))
    for words in (str(path), "after seq 2", "start a new recording"):
        assert words in str(caught.value)
    for _ in range(2):
        with pytest.raises(LogWriteError, match="refuses further actions"):
            store.dispatch(NobodyCares())
    assert store.state.fleet.session is not None
    assert path.read_bytes()[: len(whole)] == whole
    timeline = replay(path, make_observatory())
    assert timeline.head == 2
    assert timeline.at(2).totals.sum == 1.0
    assert timeline.torn_tail is None  # what was written of the line was cut off again


def test_a_disk_that_takes_parts_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that takes only a part of a line is gone on with."""
    path = tmp_path / "run.jsonl"
    write = os.write

    def write_a_part(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[:7])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_a_part)
        store = Store(make_observatory(), middleware=[record(path)])
        store.dispatch(SessionOpened("Ada"))
        store.dispatch(NobodyCares())
    timeline = replay(path, make_observatory())
    assert timeline.head == 2
    timeline.verify()


def test_a_failed_transaction_write_leaves_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a transaction cannot be written, the log has none of its actions."""
    path = tmp_path / "run.jsonl"
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(SessionOpened("Ada"))

    def run_transaction() -> None:
        with store.transaction():
            store.dispatch(NobodyCares(1.0))
            store.dispatch(NobodyCares(2.0))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", Disk(path, 200))
        with pytest.raises(LogWriteError, match="No space left"):
            run_transaction()
    with pytest.raises(LogWriteError, match="refuses further actions"):
        run_transaction()
    assert replay(path, make_observatory()).head == 1


async def test_a_store_whose_log_failed_can_be_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaving the store after a failed write raises nothing more."""
    path = tmp_path / "run.jsonl"
    async with Store(make_observatory(), middleware=[record(path)]) as store:
        store.dispatch(SessionOpened("Ada"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", Disk(path, 0))
            with pytest.raises(LogWriteError):
                store.dispatch(NobodyCares())
    assert replay(path, make_observatory()).head == 1


def test_a_header_that_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full from the start is told of when the store is made."""
    path = tmp_path / "run.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", Disk(path, 0))
        with pytest.raises(LogWriteError, match="No space left"):
            Store(make_observatory(), middleware=[record(path)])
    Store(make_observatory(), middleware=[record(tmp_path / "other.jsonl")])


def test_the_path_of_a_recording_that_never_began_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without a whole header holds nothing, so it is not in the way of a second try."""
    path = tmp_path / "run.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", Disk(path, 10))
        with pytest.raises(LogWriteError):
            Store(make_observatory(), middleware=[record(path)])
    try:
        Store(make_observatory(), middleware=[record(path)]).dispatch(NobodyCares())
    except LogExistsError as error:
        pytest.fail(f"an unusable file is left in the way: {error}")
    assert replay(path, make_observatory()).head == 1


@pytest.mark.parametrize("name", ["file/run.jsonl", "file/folder", "file/deep/run.jsonl"])
def test_a_path_inside_a_file_is_refused(tmp_path: Path, name: str) -> None:
    """A path that cannot be made is refused when the store is made, and the path is named."""
    (tmp_path / "file").write_text("kept")
    with pytest.raises(LogWriteError, match="choose a path that can be written") as caught:
        Store(make_observatory(), middleware=[record(tmp_path / name)])
    assert str(tmp_path / name) in str(caught.value)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_path_that_is_a_file_but_should_be_a_folder_is_refused(tmp_path: Path) -> None:
    """A file without the ending of a log, where a folder should be, is refused and kept."""
    (tmp_path / "notes.txt").write_text("kept")
    with pytest.raises((LogWriteError, LogExistsError)):
        Store(make_observatory(), middleware=[record(tmp_path / "notes.txt")])
    assert (tmp_path / "notes.txt").read_text() == "kept"


def test_a_path_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the right to write, the error has the system's words and what to do."""

    def refuse(*_arguments: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(LogWriteError, match="Permission denied; choose a path"):
            Store(make_observatory(), middleware=[record(tmp_path / "run.jsonl")])


def test_a_value_that_cannot_be_written_is_refused_before_anything_changes(tmp_path: Path) -> None:
    """A wrong value is named with its field; state and log are as before, and the store goes on."""
    path = tmp_path / "run.jsonl"
    store = Store(make_observatory(), middleware=[record(path)])
    store.dispatch(SessionOpened("Ada"))
    before, told = store.state, list[int]()
    store.subscribe(lambda: told.append(1))
    with pytest.raises(PayloadError, match="value") as caught:
        store.dispatch(NobodyCares(cast("Any", object())))
    assert caught.value.path == "NobodyCares.value"
    assert store.state is before
    assert told == []
    store.dispatch(NobodyCares())
    assert replay(path, make_observatory()).head == 2


def test_a_wrong_value_put_in_by_a_later_middleware_stops_the_store(tmp_path: Path) -> None:
    """What could not be looked at before the commit is committed, told, and then refused."""
    path = tmp_path / "run.jsonl"

    def spoil(_store: StoreAPI[Any], next: Dispatch) -> Dispatch:  # noqa: A002  # its usual name
        return lambda _action: next(NobodyCares(cast("Any", object())))

    store = Store(make_observatory(), middleware=[record(path), spoil])
    told: list[int] = []
    store.subscribe(lambda: told.append(1))
    with pytest.raises(LogWriteError, match="after seq 0"):
        store.dispatch(SessionOpened("Ada"))
    assert told == [1]
    with pytest.raises(LogWriteError, match="refuses further actions"):
        store.dispatch(SessionOpened("Ada"))


def write_to(_descriptor: int, _data: bytes) -> int:
    """Stand for a disk that is gone."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_any_error_of_the_system_is_a_log_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the system says becomes a `LogWriteError` whose cause is what it said."""
    store = Store(make_observatory(), middleware=[record(tmp_path / "run.jsonl")])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_to)
        with pytest.raises(LogWriteError, match="Input/output error"):
            store.dispatch(NobodyCares())
